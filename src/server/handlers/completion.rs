//! `textDocument/completion`.

use tower_lsp::ls_types::{
    CompletionContext, CompletionList, CompletionParams, CompletionTriggerKind,
};
use tracing::{debug_span, warn};

use super::super::convert::completion_list;
use super::HandlerContext;
use crate::completion::Answer;

/// The candidates at a position. Without an answer, the list is empty and incomplete: an editor would show an error to
/// the user.
pub async fn completion(server: &HandlerContext, params: CompletionParams) -> CompletionList {
    let empty = CompletionList {
        is_incomplete: true,
        items: Vec::new(),
    };
    let uri = params.text_document_position.text_document.uri;
    let position = params.text_document_position.position;
    let snapshot = server.session().snapshot(&uri, position);
    let Some(snapshot) = snapshot else {
        warn!(
            "completion requested for {}, which is not open",
            uri.as_str()
        );
        return empty;
    };
    let trigger = trigger_character(params.context.as_ref());
    let Some(min_probability) = snapshot.settings.min_list_probability(trigger) else {
        return empty;
    };
    let document = snapshot.document;
    let options = snapshot.settings.completer_options();
    let answer = server
        .requests
        .complete(uri.clone(), &document, snapshot.cursor, options)
        .await;
    if let Ok(Answer::Truncated(_)) = answer {
        // An edited document is already being read in its current version.
        let now = server.session().document(&uri);
        if now.is_some_and(|now| now.version == document.version) {
            server.requests.read(uri, document.clone(), snapshot.cursor);
        }
    }
    let Some(completions) = answer.ok().and_then(Answer::completions) else {
        return empty;
    };
    let first = completions.items.first();
    let is_likely = first.is_some_and(|first| first.probability >= min_probability);
    if !is_likely {
        return empty;
    }
    let _span = debug_span!("convert").entered();
    completion_list(&document.text, completions, snapshot.style)
}

/// The trigger character that opened the list, unless the user requested it or typed a word.
fn trigger_character(context: Option<&CompletionContext>) -> Option<&str> {
    let context = context?;
    let is_typed = context.trigger_kind == CompletionTriggerKind::TRIGGER_CHARACTER;
    context.trigger_character.as_deref().filter(|_| is_typed)
}
