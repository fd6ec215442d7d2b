//! Reads the client's capabilities from `initialize` and states the server's in the response.

use std::path::PathBuf;

use serde_json::json;
use tower_lsp::ls_types::{
    ClientCapabilities, CompletionOptions, CompletionOptionsCompletionItem, InitializeParams,
    InitializeResult, OneOf, Registration, ServerCapabilities, ServerInfo,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::convert::{Encoding, Style};
use super::settings::Settings;

/// The position encoding, and the parts of a completion item that the client supports.
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
        insert_replace: item
            .and_then(|item| item.insert_replace_support)
            .unwrap_or(false),
    }
}

/// The workspace folders that the client has open.
#[allow(
    deprecated,
    reason = "rootUri and rootPath are all that older clients send"
)]
pub fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.iter().flatten();
    let mut folders: Vec<PathBuf> = folders
        .filter_map(|folder| Some(folder.uri.to_file_path()?.into_owned()))
        .collect();
    if folders.is_empty() {
        let root = params
            .root_uri
            .as_ref()
            .and_then(|uri| Some(uri.to_file_path()?.into_owned()));
        folders.extend(root.or_else(|| params.root_path.as_ref().map(PathBuf::from)));
    }
    folders
}

/// Whether the client supports watching files on request.
pub fn watches_files(client: &ClientCapabilities) -> bool {
    let workspace = client.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watched.and_then(|watched| watched.dynamic_registration) == Some(true)
}

/// Asks the client to report changes of Python files on disk.
pub fn watching() -> Registration {
    Registration {
        id: "python-files".to_owned(),
        method: "workspace/didChangeWatchedFiles".to_owned(),
        register_options: Some(json!({"watchers": [{"globPattern": "**/*.py"}]})),
    }
}

/// The response to `initialize`.
pub fn answer(style: Style, settings: &Settings) -> InitializeResult {
    let synchronisation = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(TextDocumentSyncSaveOptions::Supported(true)),
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
            inline_completion_provider: Some(OneOf::Left(true)),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                file_operations: None,
            }),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        ..InitializeResult::default()
    }
}
