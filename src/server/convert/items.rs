//! What the completer found, as the protocol's completion list and as the answer of `minicopilot/nextTokens`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionItemLabelDetails, CompletionList,
    InlineCompletionItem, InlineCompletionResponse, Range, TextEdit,
};

use super::super::documents::Document;
use super::{Encoding, range};
use crate::completer::{Candidate, Completions, Line, NextTokens};
use crate::python::Kind;

/// How this client wants to see items.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// What positions count.
    pub encoding: Encoding,
    /// The probability can stand beside the label; else it goes into `detail`.
    pub label_details: bool,
}

/// The list of one completion request. It is always incomplete: a further character changes the probabilities.
pub fn completion_list(text: &str, found: Completions, style: Style) -> CompletionList {
    let replaced = range(text, found.replace, style.encoding);
    let items = found.items.into_iter().enumerate();
    CompletionList {
        is_incomplete: true,
        items: items
            .map(|(rank, candidate)| completion_item(rank, candidate, replaced, style))
            .collect(),
    }
}

/// The rest of a line.
pub fn inline_completion(text: &str, line: Line, style: Style) -> InlineCompletionResponse {
    let replaced = range(text, line.replace, style.encoding);
    InlineCompletionResponse::Array(vec![InlineCompletionItem {
        insert_text: line.text,
        filter_text: None,
        range: Some(replaced),
        command: None,
        insert_text_format: None,
    }])
}

fn completion_item(
    rank: usize,
    candidate: Candidate,
    replaced: Range,
    style: Style,
) -> CompletionItem {
    let percent = percent(candidate.probability);
    let (label_details, detail) = if style.label_details {
        let beside = CompletionItemLabelDetails {
            detail: None,
            description: Some(percent),
        };
        (Some(beside), None)
    } else {
        (None, Some(percent))
    };
    CompletionItem {
        label: candidate.text.clone(),
        label_details,
        kind: Some(item_kind(candidate.kind)),
        detail,
        sort_text: Some(format!("{rank:05}")),
        filter_text: Some(candidate.text.clone()),
        text_edit: Some(TextEdit::new(replaced, candidate.text).into()),
        data: Some(json!({"probability": candidate.probability})),
        ..CompletionItem::default()
    }
}

/// A probability as people read it: `62 %`, and `<1 %` rather than nothing.
fn percent(probability: f32) -> String {
    match (probability * 100.0).round() {
        0.0 => "<1 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

const fn item_kind(kind: Kind) -> CompletionItemKind {
    match kind {
        Kind::Name => CompletionItemKind::VARIABLE,
        Kind::Keyword => CompletionItemKind::KEYWORD,
        Kind::Number | Kind::String => CompletionItemKind::VALUE,
        Kind::Operator => CompletionItemKind::OPERATOR,
        Kind::Eol => CompletionItemKind::TEXT,
    }
}

/// The answer of `minicopilot/nextTokens`.
#[derive(Debug, Default, Serialize)]
pub struct NextTokensAnswer {
    tokens: Vec<TokenAnswer>,
    /// The version of the document that was looked at.
    version: i32,
    /// What of the next token is typed already; the tokens are not filtered by it.
    prefix: String,
}

#[derive(Debug, Serialize)]
struct TokenAnswer {
    token: String,
    id: u32,
    probability: f32,
    /// The same by the network alone.
    network: f32,
    /// Which experts it is from, and their shares.
    source: BTreeMap<&'static str, f32>,
}

impl NextTokensAnswer {
    /// The answer to an outdated request.
    pub fn none(document: &Document) -> Self {
        Self {
            version: document.version,
            ..Self::default()
        }
    }
}

/// The raw next tokens of a document.
pub fn next_tokens(document: &Document, found: NextTokens) -> NextTokensAnswer {
    let tokens = found.tokens.into_iter().map(|next| TokenAnswer {
        token: next.token,
        id: next.id,
        probability: next.probability,
        network: next.network,
        source: next.sources.into_iter().collect(),
    });
    NextTokensAnswer {
        tokens: tokens.collect(),
        version: document.version,
        prefix: document.text[found.prefix].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn found() -> Completions {
        Completions {
            replace: 6..9,
            items: vec![Candidate {
                text: "value".to_owned(),
                token: "value".to_owned(),
                kind: Kind::Name,
                probability: 0.625,
            }],
        }
    }

    /// The snake takes two UTF-16 units.
    const TEXT: &str = "\u{1f40d}\n(val)";

    #[test]
    fn an_item_as_a_plain_client_gets_it() {
        let list = completion_list(TEXT, found(), Style::default());
        assert_snapshot!(serde_json::to_string_pretty(&list).unwrap(), @r#"
        {
          "isIncomplete": true,
          "items": [
            {
              "label": "value",
              "kind": 6,
              "detail": "63 %",
              "sortText": "00000",
              "filterText": "value",
              "textEdit": {
                "range": {
                  "start": {
                    "line": 1,
                    "character": 1
                  },
                  "end": {
                    "line": 1,
                    "character": 4
                  }
                },
                "newText": "value"
              },
              "data": {
                "probability": 0.625
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn label_details_where_they_are_understood() {
        let style = Style {
            label_details: true,
            ..Style::default()
        };
        let item = &completion_list(TEXT, found(), style).items[0];
        assert_eq!(item.detail, None);
        assert_snapshot!(serde_json::to_string(&item.label_details).unwrap(), @r#"{"description":"63 %"}"#);
    }

    #[test]
    fn percents_are_readable() {
        for (probability, shown) in [
            (1.0, "100 %"),
            (0.626, "63 %"),
            (0.0051, "1 %"),
            (0.004, "<1 %"),
        ] {
            assert_eq!(percent(probability), shown);
        }
    }
}
