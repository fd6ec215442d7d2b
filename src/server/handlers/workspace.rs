//! `workspace/didChangeWatchedFiles`, `workspace/didChangeWorkspaceFolders` and `minicopilot/project`.

use tower_lsp::ls_types::{DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams};

use super::super::convert::paths;
use super::super::indexer::Status;
use super::HandlerContext;

/// Indexes files that have changed on disk. For an open document, the editor's text takes precedence.
pub fn did_change_watched_files(server: &HandlerContext, params: &DidChangeWatchedFilesParams) {
    let changed = params.changes.iter().map(|change| &change.uri);
    let closed: Vec<_> = {
        let session = server.session();
        changed
            .filter(|uri| session.document(uri).is_none())
            .collect()
    };
    server.requests.indexer().files_changed(paths(closed));
}

/// Updates the workspace folders after the user has added or removed some.
pub fn did_change_workspace_folders(
    server: &HandlerContext,
    params: &DidChangeWorkspaceFoldersParams,
) {
    let removed = paths(params.event.removed.iter().map(|folder| &folder.uri));
    let added = paths(params.event.added.iter().map(|folder| &folder.uri));
    server.session().change_folders(&removed, added);
    server.index_workspace();
}

/// `minicopilot/project`: the status of the index, after all earlier messages have been processed.
pub async fn project(server: &HandlerContext) -> Status {
    server.requests.indexer().settled().await
}
