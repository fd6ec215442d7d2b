//! Messages between the server and the indexer thread.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::oneshot;
use tower_lsp::ls_types::Uri;

/// What to index.
pub struct IndexScope {
    /// The workspace's folders.
    pub folders: Vec<PathBuf>,
    /// Memory budget of the index, in bytes.
    pub budget: usize,
    /// The setting that selects the Python environment; see
    /// [`Environment::new`](crate::workspace::environment::Environment::new).
    pub environment: String,
}

/// The state of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub(super) files: usize,
    pub(super) tokens: usize,
    pub(super) bytes: usize,
    /// Some files were skipped because the index would exceed its memory budget.
    pub is_full: bool,
    /// The environment that the setting names contains no modules.
    #[serde(skip)]
    pub lacks_environment: bool,
}

/// A message to the indexer thread.
pub(super) enum Message {
    /// Index this scope. Replaces the current index.
    Index(IndexScope),
    /// The document was opened, edited or saved. It now has this text.
    DocumentEdited(Uri, Arc<String>),
    /// The document now has this text. The line that ends at this byte offset is being edited.
    LineEdited(Uri, Arc<String>, usize),
    /// The document was closed.
    DocumentClosed(Uri),
    /// These files or folders may have changed on the disk.
    FilesChanged(Vec<PathBuf>),
    /// Report the status after all earlier messages have been processed.
    Settle(oneshot::Sender<Status>),
}
