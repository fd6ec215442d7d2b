//! What the server tells the indexer's thread, and what it is told.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::oneshot;
use tower_lsp::ls_types::Uri;

/// What to index.
pub struct IndexScope {
    /// The workspace's folders.
    pub folders: Vec<PathBuf>,
    /// The bytes that the index may take.
    pub budget: usize,
    /// The setting that says where imports from elsewhere come from:
    /// [`Environment::new`](crate::workspace::environment::Environment::new).
    pub environment: String,
}

/// What has been read of the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub(super) files: usize,
    pub(super) tokens: usize,
    pub(super) bytes: usize,
    /// Some files were left out, since all of them would exceed the memory budget.
    pub is_full: bool,
    /// The environment that the setting names has no modules.
    #[serde(skip)]
    pub lacks_environment: bool,
}

/// A message to the thread.
pub(super) enum Message {
    /// Index this in place of what was indexed.
    Index(IndexScope),
    /// The document was opened, edited or saved, and has this text.
    DocumentEdited(Uri, Arc<String>),
    /// The document has this text, and the line that ends at this byte offset is being edited.
    LineEdited(Uri, Arc<String>, usize),
    /// The document was closed.
    DocumentClosed(Uri),
    /// These files or folders may have changed on the disk.
    FilesChanged(Vec<PathBuf>),
    /// Answer once every message before this one has been dealt with.
    Settle(oneshot::Sender<Status>),
}
