//! `initialize`, `initialized` and `shutdown`.

use std::sync::atomic::Ordering;

use tower_lsp::ls_types::{InitializeParams, InitializeResult};
use tracing::warn;

use super::super::capabilities;
use super::super::client_process::exit_when_client_dies;
use super::HandlerContext;

/// `initialize`: initialises the session and starts to index the workspace.
pub fn initialize(server: &HandlerContext, params: &InitializeParams) -> InitializeResult {
    if let Some(id) = params.process_id {
        exit_when_client_dies(id);
    }
    let answer = {
        let mut session = server.session();
        let answer = session.initialize(params);
        server
            .requests
            .set_memory(session.settings().session_bytes());
        answer
    };
    server.index_workspace();
    answer
}

/// `initialized`: from now on, the server may send messages to the client.
pub async fn initialized(server: &HandlerContext) {
    let (warnings, watches_files) = {
        let session = server.session();
        (
            session.settings_warnings().to_vec(),
            session.watches_files(),
        )
    };
    server.warn_user(warnings).await;
    if watches_files {
        let watchers = vec![capabilities::watching()];
        if let Err(error) = server.client.register_capability(watchers).await {
            warn!("the client refused to watch files: {error}");
        }
    }
    server.warn_about_project().await;
}

/// `shutdown`.
pub fn shutdown(server: &HandlerContext) {
    server.shut_down.store(true, Ordering::Relaxed);
}
