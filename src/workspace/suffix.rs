//! The text below a document's edited line, as tokens.

use rustc_hash::FxHashMap;

use super::columns::columns;
use super::index::WorkspaceIndex;
use crate::python;
use crate::symbols::{self, NO_COLUMN, ScopeKind};
use crate::tokenizer::Vocabulary;

/// Maximum number of tokens in a suffix.
const MAX_TOKENS: usize = 20_000;

/// The text below the edited line of a document: [`WorkspaceIndex::suffix`], [`WorkspaceIndex::indexed_suffix`].
#[derive(Clone, Debug, Default, Hash)]
pub struct SuffixText {
    pub(super) tokens: Vec<u32>,
    /// Names that the project does not contain. Their numbers follow those of the project's names.
    pub(super) words: Vec<Box<str>>,
    /// Indentation columns of its lines; empty if unknown.
    pub(super) columns: Vec<u8>,
    /// The scopes that are open where the suffix begins.
    pub(super) scopes: Vec<(ScopeKind, u16)>,
}

impl WorkspaceIndex {
    /// The suffix of a text, starting at a byte offset where a line begins.
    pub fn suffix(&self, vocabulary: &Vocabulary, text: &str, offset: usize) -> SuffixText {
        let lexed = python::lex(text);
        let above = lexed.partition_point(|token| (token.start as usize) < offset);
        let (above, lexed) = lexed.split_at(above);
        let lexed = &lexed[..lexed.len().min(MAX_TOKENS)];
        if lexed.is_empty() {
            return SuffixText::default();
        }
        let mut suffix = SuffixText {
            // The suffix starts after a line end.
            tokens: vec![vocabulary.id(python::EOL).get()],
            words: Vec::new(),
            columns: columns(text, lexed),
            scopes: symbols::open_scopes(text, above),
        };
        let mut own = FxHashMap::default();
        for &token in lexed {
            let spelled = python::spelling(text, token);
            let id = vocabulary.id(&spelled);
            let known = self.names.number(id, &spelled);
            suffix.tokens.push(known.unwrap_or_else(|| {
                *own.entry(spelled).or_insert_with_key(|spelled| {
                    suffix.words.push((&**spelled).into());
                    let word = self.names.words().len() + suffix.words.len() - 1;
                    (self.names.syntax().vocabulary_size() + word) as u32
                })
            }));
        }
        suffix
    }

    /// The suffix of an indexed file, starting at token `from`, without indentation.
    pub fn indexed_suffix(&self, path: &str, from: usize) -> SuffixText {
        let file = self.files.get(path);
        let tokens = file.and_then(|file| file.tokens.get(from..)).unwrap_or(&[]);
        SuffixText {
            tokens: tokens[..tokens.len().min(MAX_TOKENS)].to_vec(),
            scopes: vec![(ScopeKind::Class, NO_COLUMN)],
            ..SuffixText::default()
        }
    }
}
