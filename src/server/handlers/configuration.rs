//! `workspace/didChangeConfiguration`.

use tower_lsp::ls_types::DidChangeConfigurationParams;

use super::HandlerContext;

/// Applies changed settings.
pub async fn did_change(server: &HandlerContext, params: DidChangeConfigurationParams) {
    // Null comes from a client that expects the server to request the settings.
    if params.settings.is_null() {
        return;
    }
    let (change, session_bytes) = {
        let mut session = server.session();
        let change = session.change_settings(&params.settings);
        (change, session.settings().session_bytes())
    };
    server.requests.set_memory(session_bytes);
    if change.affects_project {
        server.index_workspace();
    }
    server.warn_user(change.new_warnings).await;
    if change.affects_project {
        server.warn_about_project().await;
    }
}
