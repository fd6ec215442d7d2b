//! What client and server can: read from `initialize`, and said in its answer.

use tower_lsp::ls_types::{
    ClientCapabilities, CompletionOptions, CompletionOptionsCompletionItem, InitializeResult,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions,
};

use super::convert::{Encoding, Style};
use super::settings::Settings;

/// How this client counts positions and shows items.
pub fn style(client: &ClientCapabilities) -> Style {
    let encodings = client
        .general
        .as_ref()
        .and_then(|general| general.position_encodings.as_deref());
    let item = client
        .text_document
        .as_ref()
        .and_then(|document| document.completion.as_ref()?.completion_item.as_ref());
    Style {
        encoding: Encoding::negotiate(encodings),
        label_details: item
            .and_then(|item| item.label_details_support)
            .unwrap_or(false),
    }
}

/// The answer to `initialize`.
pub fn answer(style: Style, settings: &Settings) -> InitializeResult {
    let synchronisation = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        ..TextDocumentSyncOptions::default()
    };
    let completion = CompletionOptions {
        trigger_characters: Some(settings.trigger_characters.clone()),
        completion_item: Some(CompletionOptionsCompletionItem {
            label_details_support: Some(true),
        }),
        ..CompletionOptions::default()
    };
    InitializeResult {
        capabilities: ServerCapabilities {
            position_encoding: Some(style.encoding.kind()),
            text_document_sync: Some(TextDocumentSyncCapability::Options(synchronisation)),
            completion_provider: Some(completion),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        ..InitializeResult::default()
    }
}
