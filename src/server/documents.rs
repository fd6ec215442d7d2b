//! The open documents, kept up to date with the client's edits.
//!
//! Texts are shared: a snapshot is free, and an edit copies the text only while a snapshot is in use. This module does
//! not depend on the model. `convert` converts positions.

use std::collections::HashMap;
use std::sync::Arc;

use tower_lsp::ls_types::{TextDocumentContentChangeEvent, Uri};
use tracing::warn;

use super::convert::{Encoding, offset};

/// All open documents.
#[derive(Debug, Default)]
pub struct Documents {
    open: HashMap<Uri, Document>,
}

/// One version of a document. A clone is a snapshot.
#[derive(Clone, Debug)]
pub struct Document {
    /// The full text.
    pub text: Arc<String>,
    /// The client's version number of this text.
    pub version: i32,
}

impl Documents {
    /// Opens a document, or replaces one that the client opens again.
    pub fn open(&mut self, uri: &Uri, version: i32, text: String) -> Document {
        let text = Arc::new(text);
        let document = Document { text, version };
        if self.open.insert(uri.clone(), document.clone()).is_some() {
            warn!("{} is already open", uri.as_str());
        }
        document
    }

    /// Applies changes in order. The positions of each change refer to the text after the previous changes. Returns the
    /// document, if it is open, and the byte offset where the last change ends.
    pub fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<(Document, usize)> {
        let Some(document) = self.open.get_mut(uri) else {
            warn!(
                "change notification for {}, which is not open",
                uri.as_str()
            );
            return None;
        };
        let mut edited = 0;
        document.update(version, |text| {
            for change in changes {
                let Some(range) = change.range else {
                    *text = change.text;
                    edited = text.len();
                    continue;
                };
                let start = offset(text, range.start, encoding);
                // A range that ends before it starts is treated as empty.
                let end = offset(text, range.end, encoding).max(start);
                text.replace_range(start..end, &change.text);
                edited = start + change.text.len();
            }
        });
        Some((document.clone(), edited))
    }

    /// Forgets a document.
    pub fn close(&mut self, uri: &Uri) {
        if self.open.remove(uri).is_none() {
            warn!("close notification for {}, which is not open", uri.as_str());
        }
    }

    /// A snapshot of a document, if it is open.
    pub fn get(&self, uri: &Uri) -> Option<Document> {
        self.open.get(uri).cloned()
    }
}

impl Document {
    /// The only function that changes a text. Every edit is applied, since later edits build on it; a lower version
    /// number is ignored, but its edit is applied.
    fn update(&mut self, version: i32, edit: impl FnOnce(&mut String)) {
        if version <= self.version {
            warn!(
                "change to version {version} received after version {}",
                self.version
            );
        }
        self.version = self.version.max(version);
        edit(Arc::make_mut(&mut self.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tower_lsp::ls_types::{Position, Range};

    fn uri() -> Uri {
        "file:///a.py".parse().unwrap()
    }

    fn replace(range: Option<(u32, u32, u32, u32)>, text: &str) -> TextDocumentContentChangeEvent {
        TextDocumentContentChangeEvent {
            range: range.map(|(line, character, end_line, end_character)| {
                Range::new(
                    Position::new(line, character),
                    Position::new(end_line, end_character),
                )
            }),
            range_length: None,
            text: text.to_owned(),
        }
    }

    fn check(text: &str, changes: &[TextDocumentContentChangeEvent]) -> String {
        let mut documents = Documents::default();
        documents.open(&uri(), 1, text.to_owned());
        let (document, _) = documents
            .change(&uri(), 2, changes.to_vec(), Encoding::Utf16)
            .unwrap();
        document.text.to_string()
    }

    #[test]
    fn edits_are_applied_in_order() {
        let edits = [
            replace(Some((1, 0, 1, 0)), "\u{1f40d} = 1\n"),
            replace(Some((1, 2, 1, 3)), "s"),
        ];
        assert_eq!(check("a\nb\n", &edits), "a\n\u{1f40d}s= 1\nb\n");
        assert_eq!(check("a\n", &[replace(None, "b")]), "b");
    }

    #[test]
    fn positions_outside_the_text_are_clamped() {
        assert_eq!(check("a\nb", &[replace(Some((0, 9, 9, 9)), "-")]), "a-");
        assert_eq!(check("a\nb", &[replace(Some((1, 1, 0, 0)), "-")]), "a\nb-");
        assert_eq!(
            check("\u{1f40d}", &[replace(Some((0, 1, 0, 1)), "-")]),
            "-\u{1f40d}"
        );
    }

    #[test]
    fn a_version_never_goes_back_and_no_edit_is_lost() {
        let mut documents = Documents::default();
        documents.open(&uri(), 5, "a".to_owned());
        documents.change(
            &uri(),
            3,
            vec![replace(Some((0, 1, 0, 1)), "b")],
            Encoding::Utf8,
        );
        let document = documents.get(&uri()).unwrap();
        assert_eq!((document.version, document.text.as_str()), (5, "ab"));
    }

    #[test]
    fn a_snapshot_does_not_change() {
        let mut documents = Documents::default();
        documents.open(&uri(), 1, "a".to_owned());
        let before = documents.get(&uri()).unwrap();
        documents.change(&uri(), 2, vec![replace(None, "b")], Encoding::Utf8);
        assert_eq!(before.text.as_str(), "a");
        documents.close(&uri());
        documents.close(&uri());
        documents.change(&uri(), 3, Vec::new(), Encoding::Utf8);
        assert!(documents.get(&uri()).is_none());
    }

    proptest! {
        /// Edits by position against the same edits on a vector of characters.
        #[test]
        fn a_burst_of_edits_equals_the_plain_model(
            text in "[a\u{e9}\u{1f40d}]{0,8}",
            edits in prop::collection::vec((0_usize..9, 0_usize..9, "[b\u{20ac}\u{1f980}]{0,3}"), 0..12),
        ) {
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let mut model: Vec<char> = text.chars().collect();
                let mut documents = Documents::default();
                documents.open(&uri(), 0, text.clone());
                for (version, (from, to, inserted)) in (1..).zip(&edits) {
                    let (from, to) = (*from.min(to), *from.max(to));
                    let (from, to) = (from.min(model.len()), to.min(model.len()));
                    let units = |characters: &[char]| characters.iter().map(|c| match encoding {
                        Encoding::Utf8 => c.len_utf8(),
                        Encoding::Utf16 => c.len_utf16(),
                        Encoding::Utf32 => 1,
                    } as u32).sum::<u32>();
                    let range = (0, units(&model[..from]), 0, units(&model[..to]));
                    documents.change(&uri(), version, vec![replace(Some(range), inserted)], encoding);
                    model.splice(from..to, inserted.chars());
                }
                let document = documents.get(&uri()).unwrap();
                prop_assert_eq!(document.text.as_str(), model.into_iter().collect::<String>());
            }
        }
    }
}
