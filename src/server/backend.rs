//! The framework's table of methods. Each method calls its handler in [`handlers`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{
    CompletionParams, CompletionResponse, DidChangeConfigurationParams,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    InitializeParams, InitializeResult, InitializedParams, InlineCompletionParams,
    InlineCompletionResponse,
};
use tower_lsp::{Client, LanguageServer};

use super::convert::NextTokensAnswer;
use super::handlers::next_tokens::NextTokensParams;
use super::handlers::{self, HandlerContext};
use super::indexer::Status;
use super::requests::RequestRunner;

/// The language server.
pub struct Backend(HandlerContext);

/// Methods that the framework does not define.
impl Backend {
    /// Creates a server for one client. `shut_down` becomes true when the client sends `shutdown`.
    pub fn new(client: Client, requests: RequestRunner, shut_down: Arc<AtomicBool>) -> Self {
        Self(HandlerContext::new(client, requests, shut_down))
    }

    pub async fn next_tokens(&self, params: NextTokensParams) -> Result<NextTokensAnswer> {
        handlers::next_tokens::next_tokens(&self.0, params).await
    }

    pub async fn project(&self) -> Result<Status> {
        Ok(handlers::workspace::project(&self.0).await)
    }

    pub async fn inline_completion(
        &self,
        params: InlineCompletionParams,
    ) -> Result<InlineCompletionResponse> {
        Ok(handlers::inline_completion::inline_completion(&self.0, params).await)
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        Ok(handlers::lifecycle::initialize(&self.0, &params))
    }

    async fn initialized(&self, _: InitializedParams) {
        handlers::lifecycle::initialized(&self.0).await;
    }

    async fn shutdown(&self) -> Result<()> {
        handlers::lifecycle::shutdown(&self.0);
        Ok(())
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        handlers::configuration::did_change(&self.0, params).await;
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        handlers::text_document::did_open(&self.0, params);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        handlers::text_document::did_change(&self.0, params);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        handlers::text_document::did_close(&self.0, params);
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        handlers::text_document::did_save(&self.0, &params);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        handlers::workspace::did_change_watched_files(&self.0, &params);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        handlers::workspace::did_change_workspace_folders(&self.0, &params);
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let list = handlers::completion::completion(&self.0, params).await;
        Ok(Some(list.into()))
    }
}
