//! The open documents on the indexer thread, in the order of their last edits.

use std::sync::Arc;

use tower_lsp::ls_types::Uri;

/// Maximum number of documents with a project context, the most recently edited ones. A context takes about 4 MB.
const MAX_WITH_CONTEXT: usize = 6;

/// The open documents, most recently edited last.
#[derive(Default)]
pub(super) struct OpenDocuments(Vec<OpenDocument>);

/// One open document.
pub(super) struct OpenDocument {
    pub(super) uri: Uri,
    pub(super) text: Arc<String>,
    /// The length of the text below the edited line, in bytes.
    pub(super) suffix_bytes: usize,
    /// The fingerprint of the current context:
    /// [`WorkspaceIndex::state_of`](crate::workspace::WorkspaceIndex::state_of).
    pub(super) fingerprint: Option<u64>,
    /// The context must be selected again.
    pub(super) is_stale: bool,
}

impl OpenDocuments {
    /// Makes a document the most recently edited one. Returns the document that loses its context, if any.
    pub(super) fn touch(
        &mut self,
        uri: Uri,
        text: Arc<String>,
        suffix_bytes: Option<usize>,
    ) -> Option<&mut OpenDocument> {
        let before = self.0.iter().position(|open| open.uri == uri);
        let before = before.map(|at| self.0.remove(at));
        self.0.push(OpenDocument {
            suffix_bytes: suffix_bytes
                .or(before.as_ref().map(|open| open.suffix_bytes))
                .unwrap_or(0),
            fingerprint: before.and_then(|open| open.fingerprint),
            is_stale: true,
            uri,
            text,
        });
        let dropped = self.0.len().checked_sub(MAX_WITH_CONTEXT + 1)?;
        let dropped = &mut self.0[dropped];
        dropped.fingerprint = None;
        Some(dropped)
    }

    /// Removes a document.
    pub(super) fn close(&mut self, uri: &Uri) {
        self.0.retain(|open| open.uri != *uri);
    }

    /// All open documents.
    pub(super) fn all(&self) -> &[OpenDocument] {
        &self.0
    }

    /// The documents with a context, most recently edited first.
    pub(super) fn with_context(&mut self) -> impl Iterator<Item = &mut OpenDocument> {
        self.0.iter_mut().rev().take(MAX_WITH_CONTEXT)
    }

    /// The most recently edited document.
    pub(super) fn last(&self) -> Option<&OpenDocument> {
        self.0.last()
    }

    /// Marks every context as stale.
    pub(super) fn mark_all_stale(&mut self) {
        self.0.iter_mut().for_each(|open| open.is_stale = true);
    }

    /// Whether any context is stale.
    pub(super) fn has_stale(&self) -> bool {
        let mut recent = self.0.iter().rev().take(MAX_WITH_CONTEXT);
        recent.any(|open| open.is_stale)
    }
}
