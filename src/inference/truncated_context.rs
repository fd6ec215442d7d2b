//! The last tokens of a document, for an answer before the whole document has been read.

use std::sync::Arc;

use super::{CosineScores, Distribution, Engine, EngineError, StateHistory};
use crate::tokenizer::TokenId;

/// Start a window if more tokens than this are unread: reading them would take more than 0.2 s.
const START_ABOVE: usize = 8192;
/// Keep a window in use as long as more tokens than this are unread: a short pause among quick answers would be
/// noticeable.
const KEEP_ABOVE: usize = 256;
/// Minimum length of the window, in tokens. An LSTM hardly remembers tokens more than 500 positions back, so it loses
/// little. A network that uses a longer context needs a longer window.
const WINDOW: usize = 1024;

/// The window, and the network's states within it.
#[derive(Debug, Default)]
pub struct TruncatedContext {
    /// The position of the window's first token.
    first: usize,
    states: StateHistory,
}

impl TruncatedContext {
    /// Whether so many tokens are unread that the answer should come from a window. `current` is the window in use.
    pub fn is_wanted(current: Option<&Self>, unread: usize) -> bool {
        let limit = if current.is_some() {
            KEEP_ABOVE
        } else {
            START_ABOVE
        };
        unread > limit
    }

    /// The distribution after the last tokens of `context` alone, 1,024 or more, and the similarities of the positions
    /// among them.
    pub fn answer(
        &mut self,
        engine: &Engine,
        context: &[TokenId],
    ) -> Result<(Arc<Distribution>, CosineScores), EngineError> {
        let start = context.first().ok_or(EngineError::EmptyContext)?;
        let latest = context.len().saturating_sub(WINDOW).max(1);
        // While the cursor moves on, the window grows to twice its length before it is replaced.
        if !(latest.saturating_sub(WINDOW).max(1)..=latest).contains(&self.first) {
            *self = Self {
                first: latest,
                states: StateHistory::new(),
            };
        }
        let window = [&[*start], &context[self.first..]].concat();
        let distribution = self.states.distribution(engine, &window)?;
        let mut cosines = self.states.similarities(engine, &window, &distribution);
        cosines.first += self.first - 1;
        Ok((distribution, cosines))
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.states.bytes()
    }
}
