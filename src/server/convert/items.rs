//! Converts the completer's results to the protocol's completion list, inline completion and response to
//! `minicopilot/nextTokens`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionItemLabelDetails, CompletionList,
    CompletionTextEdit, InlineCompletionItem, InlineCompletionResponse, InsertReplaceEdit,
    TextEdit,
};

use super::super::documents::Document;
use super::{Encoding, range};
use crate::completion::{Candidate, Completions, InlineCompletion, NextTokens};
use crate::prediction::Expert;
use crate::python::{Kind, line_start};
use crate::symbols::{self, Expects};

/// How the client counts positions and shows items.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// How offsets in a line are counted.
    pub encoding: Encoding,
    /// The client supports label details, which then show the probability. Otherwise `detail` shows it.
    pub label_details: bool,
    /// The client can let the user choose whether to replace the word under the cursor or to insert before the rest of
    /// it.
    pub insert_replace: bool,
}

/// The response to a completion request. It is always incomplete, since another character changes the probabilities.
pub fn completion_list(text: &str, found: Completions, style: Style) -> CompletionList {
    let start = found.replace.start;
    let insert = range(text, found.replace, style.encoding);
    let replace = range(text, start..found.word_end, style.encoding);
    let place = Place::of(&text[..start]);
    let items = found.items.into_iter().enumerate();
    let item = |(rank, candidate): (usize, Candidate)| {
        // If the candidate ends with the rest of the word, its text omits that rest.
        let is_whole = candidate.text == candidate.token;
        let edit = if style.insert_replace && is_whole && replace != insert {
            CompletionTextEdit::InsertAndReplace(InsertReplaceEdit {
                new_text: candidate.text.clone(),
                insert,
                replace,
            })
        } else {
            TextEdit::new(insert, candidate.text.clone()).into()
        };
        let kind = item_kind(&candidate, place, text);
        completion_item(rank, candidate, kind, edit, style)
    };
    CompletionList {
        is_incomplete: true,
        items: items.map(item).collect(),
    }
}

/// The response to an inline-completion request.
pub fn inline_completion(
    text: &str,
    line: InlineCompletion,
    style: Style,
) -> InlineCompletionResponse {
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
    kind: CompletionItemKind,
    edit: CompletionTextEdit,
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
        kind: Some(kind),
        detail,
        sort_text: Some(format!("{rank:05}")),
        filter_text: Some(candidate.text),
        text_edit: Some(edit),
        data: Some(json!({"probability": candidate.probability, "origin": candidate.origin})),
        ..CompletionItem::default()
    }
}

/// A probability for display: `62 %`; `<1 %` if it rounds to zero.
fn percent(probability: f32) -> String {
    match (probability * 100.0).round() {
        0.0 => "<1 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

/// The text before a candidate, reduced to what determines the icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    ModulePath,
    BehindDot,
    Elsewhere,
}

impl Place {
    /// Classifies the text before the typed prefix.
    fn of(before: &str) -> Self {
        let line = &before[line_start(before, before.len())..];
        match symbols::import_at_end(line).map(|import| import.expects) {
            Some(Expects::Module | Expects::Submodule) => Self::ModulePath,
            None if line.trim_end().ends_with('.') => Self::BehindDot,
            _ => Self::Elsewhere,
        }
    }
}

/// The kind, and thus the icon, of a candidate. Types are unknown, so a name's kind is guessed from its context, its
/// spelling (PEP 8), and whether the file calls it.
fn item_kind(candidate: &Candidate, place: Place, text: &str) -> CompletionItemKind {
    let name = &*candidate.text;
    match candidate.kind {
        Kind::Keyword => CompletionItemKind::KEYWORD,
        Kind::Number | Kind::String => CompletionItemKind::VALUE,
        Kind::Operator => CompletionItemKind::OPERATOR,
        Kind::Eol => CompletionItemKind::TEXT,
        Kind::Name if place == Place::ModulePath => CompletionItemKind::MODULE,
        Kind::Name if is_upper_case(name) => CompletionItemKind::CONSTANT,
        Kind::Name if is_cap_words(name) => CompletionItemKind::CLASS,
        Kind::Name => match (place, is_called(name, text)) {
            (Place::BehindDot, true) => CompletionItemKind::METHOD,
            (Place::BehindDot, false) => CompletionItemKind::FIELD,
            (_, true) => CompletionItemKind::FUNCTION,
            (_, false) => CompletionItemKind::VARIABLE,
        },
    }
}

/// Whether a name is spelled like a constant: `MAX_SIZE`, but not `T`.
fn is_upper_case(name: &str) -> bool {
    let is_one = |c: char| c == '_' || c.is_uppercase() || c.is_numeric();
    name.chars().all(is_one) && name.chars().filter(|c| c.is_uppercase()).count() > 1
}

/// Whether a name is spelled like a class: `Path`, `_Cache`.
fn is_cap_words(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    name.starts_with(char::is_uppercase)
}

/// Whether `name(` occurs in the first 256 KiB of `text`; searching more would take too long.
fn is_called(name: &str, text: &str) -> bool {
    const LOOKED_THROUGH: usize = 1 << 18;
    let bytes = &text.as_bytes()[..text.len().min(LOOKED_THROUGH)];
    let call = format!("{name}(");
    let is_word = |byte: &u8| *byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii();
    memchr::memmem::find_iter(bytes, &call).any(|at| at == 0 || !is_word(&bytes[at - 1]))
}

/// The response to `minicopilot/nextTokens`.
#[derive(Debug, Default, Serialize)]
pub struct NextTokensAnswer {
    tokens: Vec<TokenAnswer>,
    /// The document version that the response is for.
    version: i32,
    /// The typed prefix of the next token. The tokens are not filtered by it.
    prefix: String,
}

#[derive(Debug, Serialize)]
struct TokenAnswer {
    token: String,
    id: u32,
    probability: f32,
    /// The probability from the network alone.
    network: f32,
    /// Each expert's share of the probability, if at least 1 %; empty if the network is the only expert.
    source: BTreeMap<&'static str, f32>,
    /// The shares by origin of the evidence: `network`, `buffer`, `project` and `declarations`. They sum to 1.
    scope: BTreeMap<&'static str, f32>,
}

impl NextTokensAnswer {
    /// The response to an outdated request.
    pub fn none(document: &Document) -> Self {
        Self {
            version: document.version,
            ..Self::default()
        }
    }
}

/// Converts the most probable next tokens.
pub fn next_tokens(document: &Document, found: NextTokens) -> NextTokensAnswer {
    let tokens = found.tokens.into_iter().map(|next| TokenAnswer {
        token: next.token,
        id: next.id.get(),
        probability: next.probability,
        network: next.network,
        scope: scope_shares(&next.expert_shares),
        source: (next.expert_shares.into_iter())
            .map(|(expert, share)| (expert.name(), share))
            .collect(),
    });
    NextTokensAnswer {
        tokens: tokens.collect(),
        version: document.version,
        prefix: document.text[found.prefix].to_owned(),
    }
}

/// The experts' shares, summed by scope and normalised to 1.
fn scope_shares(expert_shares: &[(Expert, f32)]) -> BTreeMap<&'static str, f32> {
    let total: f32 = expert_shares.iter().map(|(_, share)| share).sum();
    if total == 0.0 {
        return BTreeMap::from([("network", 1.0)]);
    }
    let mut shares = BTreeMap::new();
    for (expert, share) in expert_shares {
        *shares.entry(expert.scope().name()).or_insert(0.0) += share / total;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::Origin;
    use insta::assert_snapshot;

    fn candidate(name: &str) -> Candidate {
        Candidate {
            text: name.to_owned(),
            token: name.to_owned(),
            kind: Kind::Name,
            probability: 0.625,
            origin: Origin::DictionaryKey,
        }
    }

    fn found() -> Completions {
        Completions {
            replace: 6..9,
            word_end: 9,
            items: vec![candidate("value")],
        }
    }

    /// The snake takes two UTF-16 code units.
    const TEXT: &str = "\u{1f40d}\n(val)";

    #[test]
    fn items_for_a_plain_client() {
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
                "origin": "dictionaryKey",
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

    /// In `x.va|l`, for a client that can replace the whole word. A candidate that only adds what the rest lacks is
    /// inserted.
    #[test]
    fn a_word_can_be_replaced_from_its_middle() {
        let style = Style {
            insert_replace: true,
            ..Style::default()
        };
        let mut found = Completions {
            replace: 2..4,
            word_end: 5,
            items: vec![candidate("valid"), candidate("val")],
        };
        found.items[1].text = "va".to_owned();
        let list = completion_list("x.val", found, style);
        let edits = list.items.iter().map(|item| item.text_edit.as_ref());
        let texts: Vec<String> = edits
            .map(|edit| serde_json::to_string(&edit).unwrap())
            .collect();
        assert_snapshot!(texts.join("\n"), @r#"
        {"newText":"valid","insert":{"start":{"line":0,"character":2},"end":{"line":0,"character":4}},"replace":{"start":{"line":0,"character":2},"end":{"line":0,"character":5}}}
        {"range":{"start":{"line":0,"character":2},"end":{"line":0,"character":4}},"newText":"va"}
        "#);
    }

    #[test]
    fn icons_follow_place_and_spelling() {
        let text = "import os\nos.remove(a)\nlocal_remove_all(b)\n";
        let icons = ["remove", "all", "MAX_SIZE", "T", "_Cache"].map(|name| {
            let kinds = ["from a.", "a = b.", "a = "]
                .map(|line| format!("{:?}", item_kind(&candidate(name), Place::of(line), text)));
            format!("{name}: {}", kinds.join(" "))
        });
        assert_snapshot!(icons.join("\n"), @r"
        remove: Module Method Function
        all: Module Field Variable
        MAX_SIZE: Module Constant Constant
        T: Module Class Class
        _Cache: Module Class Class
        ");
    }

    #[test]
    fn shares_are_grouped_by_scope() {
        let sources = [
            (Expert::Network, 0.25),
            (Expert::Ngrams, 0.125),
            (Expert::RecentNames, 0.0625),
            (Expert::Members, 0.0625),
        ];
        let check = |sources| serde_json::to_string(&scope_shares(sources)).unwrap();
        assert_snapshot!(check(&sources), @r#"{"buffer":0.375,"declarations":0.125,"network":0.5}"#);
        assert_snapshot!(check(&[]), @r#"{"network":1.0}"#);
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
