//! `textDocument/didOpen`, `didChange`, `didClose` and `didSave`.
//!
//! None of them awaits anything: the change is complete before the next message is handled.

use tower_lsp::ls_types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams,
};

use super::super::convert::paths;
use super::HandlerContext;

/// Opens a document, indexes it, and reads it to the end.
pub fn did_open(server: &HandlerContext, params: DidOpenTextDocumentParams) {
    let opened = params.text_document;
    let document = server
        .session()
        .open(&opened.uri, opened.version, opened.text);
    let end = document.text.len();
    server
        .requests
        .indexer()
        .document_edited(&opened.uri, &document.text);
    server.requests.read_ahead(opened.uri, document, end);
}

/// Applies an edit, and reads the text up to where it ends. The text after it is not needed yet.
pub fn did_change(server: &HandlerContext, params: DidChangeTextDocumentParams) {
    let changed = params.text_document;
    let edit = server.session().change(&changed, params.content_changes);
    let Some(edit) = edit else {
        return;
    };
    let indexer = server.requests.indexer();
    if let Some((uri, left)) = &edit.left {
        indexer.document_edited(uri, &left.text);
    }
    if edit.affects_context {
        indexer.line_edited(&changed.uri, &edit.document.text, edit.line_end);
    }
    server
        .requests
        .read_ahead(changed.uri, edit.document, edit.end);
}

/// Closes a document. Its pending requests are answered as outdated.
pub fn did_close(server: &HandlerContext, params: DidCloseTextDocumentParams) {
    let uri = params.text_document.uri;
    server.session().close(&uri);
    server.requests.indexer().document_closed(&uri);
    server.requests.forget(uri);
}

/// Indexes a file after it has been saved, whether it is open or not.
pub fn did_save(server: &HandlerContext, params: &DidSaveTextDocumentParams) {
    let uri = &params.text_document.uri;
    let document = server.session().document(uri);
    let indexer = server.requests.indexer();
    if let Some(document) = document {
        indexer.document_edited(uri, &document.text);
    }
    indexer.files_changed(paths([uri]));
}
