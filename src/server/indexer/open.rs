//! The open documents as the indexer's thread sees them, in the order in which they were last edited.

use std::sync::Arc;

use tower_lsp::ls_types::Uri;

/// The documents that keep a project context, those edited last: a context takes about 4 MB.
const MAX_WITH_CONTEXT: usize = 6;

/// The open documents, the one edited last at the end.
#[derive(Default)]
pub(super) struct OpenDocuments(Vec<OpenDocument>);

/// One open document.
pub(super) struct OpenDocument {
    pub(super) uri: Uri,
    pub(super) text: Arc<String>,
    /// The length of the text below the line that is being edited, in bytes.
    pub(super) bytes_below: usize,
    /// The fingerprint of its context: [`WorkspaceIndex::state_of`](crate::workspace::WorkspaceIndex::state_of).
    pub(super) fingerprint: Option<u64>,
    /// Its context is to be chosen anew.
    pub(super) is_stale: bool,
}

impl OpenDocuments {
    /// Makes a document the one edited last. Returns the document that has thereby lost its context, if there is one.
    pub(super) fn touch(
        &mut self,
        uri: Uri,
        text: Arc<String>,
        bytes_below: Option<usize>,
    ) -> Option<&mut OpenDocument> {
        let before = self.0.iter().position(|open| open.uri == uri);
        let before = before.map(|at| self.0.remove(at));
        self.0.push(OpenDocument {
            bytes_below: bytes_below
                .or(before.as_ref().map(|open| open.bytes_below))
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

    /// Forgets a document.
    pub(super) fn close(&mut self, uri: &Uri) {
        self.0.retain(|open| open.uri != *uri);
    }

    /// All open documents.
    pub(super) fn all(&self) -> &[OpenDocument] {
        &self.0
    }

    /// Those that keep a context, the one edited last first.
    pub(super) fn with_context(&mut self) -> impl Iterator<Item = &mut OpenDocument> {
        self.0.iter_mut().rev().take(MAX_WITH_CONTEXT)
    }

    /// The document edited last.
    pub(super) fn last(&self) -> Option<&OpenDocument> {
        self.0.last()
    }

    /// Has every context chosen anew.
    pub(super) fn mark_all_stale(&mut self) {
        self.0.iter_mut().for_each(|open| open.is_stale = true);
    }

    /// Whether a context is to be chosen anew.
    pub(super) fn has_stale(&self) -> bool {
        let mut recent = self.0.iter().rev().take(MAX_WITH_CONTEXT);
        recent.any(|open| open.is_stale)
    }
}
