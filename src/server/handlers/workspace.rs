//! `workspace/didChangeWatchedFiles`, `workspace/didChangeWorkspaceFolders` and `minicopilot/project`.

use tower_lsp::ls_types::{DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams};

use super::super::convert::paths;
use super::super::indexer::Status;
use super::HandlerContext;

/// Files have changed on the disk. An open document keeps the text that the editor has.
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

/// The user has added folders to the workspace or removed some.
pub fn did_change_workspace_folders(
    server: &HandlerContext,
    params: &DidChangeWorkspaceFoldersParams,
) {
    let removed = paths(params.event.removed.iter().map(|folder| &folder.uri));
    let added = paths(params.event.added.iter().map(|folder| &folder.uri));
    server.session().change_folders(&removed, added);
    server.index_workspace();
}

/// `minicopilot/project`: what has been read of the project, once every message so far has been dealt with.
pub async fn project(server: &HandlerContext) -> Status {
    server.requests.indexer().settled().await
}
