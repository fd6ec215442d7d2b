//! The completion state of one document between requests.
//!
//! A request only costs the work for the text that changed: the lexer resumes, the network's states are kept, and the last
//! prediction is cached.

use std::sync::Arc;

use crate::context::{BufferTokens, ProjectContext};
use crate::inference::{Distribution, StateHistory, TruncatedContext};
use crate::prediction::Prediction;
use crate::python::IncrementalLexer;
use crate::tokenizer::TokenId;

/// The state of one document. It belongs to one [`Completer`](super::Completer).
#[derive(Debug, Default)]
pub struct CompletionSession {
    /// The tokens before the typed prefix. Its token `i` is at position `i + 1` of `ids` and `buffer`, which start with
    /// `<s>`.
    pub(super) lexer: IncrementalLexer,
    /// The ids of the same tokens, after `<s>`.
    pub(super) ids: Vec<TokenId>,
    /// The same tokens, indexed for the experts.
    pub(super) buffer: BufferTokens,
    pub(super) states: StateHistory,
    /// The network state for only the end of the document, used while the unread text is too long to wait for.
    pub(super) truncated: Option<TruncatedContext>,
    pub(super) prediction: Option<CachedPrediction>,
    /// Scratch buffer for the spelling of a token.
    pub(super) spelling: String,
}

/// The prediction for a context, and the network's distribution it was computed from.
#[derive(Debug)]
pub(super) struct CachedPrediction {
    pub(super) distribution: Arc<Distribution>,
    pub(super) prediction: Prediction,
}

impl CompletionSession {
    /// A session that has read no text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        let cached = self.prediction.as_ref();
        self.lexer.bytes()
            + size_of_val(&self.ids[..])
            + self.buffer.bytes()
            + self.states.bytes()
            + self.truncated.as_ref().map_or(0, TruncatedContext::bytes)
            + cached.map_or(0, |cached| cached.prediction.bytes())
    }

    /// Whether the document has this project context. `None` means an empty one.
    pub fn has_project_context(&self, project: Option<&Arc<ProjectContext>>) -> bool {
        match project {
            Some(project) => Arc::ptr_eq(self.buffer.project(), project),
            None => self.buffer.project().is_empty(),
        }
    }

    /// Sets the document's project context. `None` means an empty one. A change takes a millisecond.
    pub fn set_project_context(&mut self, project: Option<Arc<ProjectContext>>) {
        if !self.has_project_context(project.as_ref()) {
            self.buffer.set_project(project.unwrap_or_default());
            self.prediction = None;
        }
    }

    /// The prediction for the token after the session's ids, if it is cached.
    pub(super) fn cached(&self) -> Option<&CachedPrediction> {
        let distribution = self.states.cached_distribution(&self.ids)?;
        let cached = self.prediction.as_ref();
        cached.filter(|cached| Arc::ptr_eq(&cached.distribution, &distribution))
    }
}
