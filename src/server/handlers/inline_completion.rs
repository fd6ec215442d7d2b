//! `textDocument/inlineCompletion`. The framework has types for it, but no method.

use tower_lsp::ls_types::{InlineCompletionParams, InlineCompletionResponse};
use tracing::warn;

use super::super::convert;
use super::HandlerContext;

/// The rest of the line at a position. Without one, the response is an empty list, not null: some editors ignore null
/// and keep showing the old suggestion.
pub async fn inline_completion(
    server: &HandlerContext,
    params: InlineCompletionParams,
) -> InlineCompletionResponse {
    let empty = InlineCompletionResponse::Array(Vec::new());
    let uri = params.text_document_position.text_document.uri;
    let position = params.text_document_position.position;
    let snapshot = server.session().snapshot(&uri, position);
    let Some(snapshot) = snapshot else {
        warn!(
            "inline completion requested for {}, which is not open",
            uri.as_str()
        );
        return empty;
    };
    let document = snapshot.document;
    let min_probability = snapshot.settings.inline_min_probability;
    let line = server
        .requests
        .line(uri, &document, snapshot.cursor, min_probability)
        .await;
    match line {
        Ok(Some(line)) => convert::inline_completion(&document.text, line, snapshot.style),
        Ok(None) | Err(_) => empty,
    }
}
