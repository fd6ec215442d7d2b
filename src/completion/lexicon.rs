//! The vocabulary, with a precomputed flag for names, which lexing needs at every token.

use crate::python;
use crate::tokenizer::{TokenId, Vocabulary};

/// A vocabulary with a name flag per entry.
#[derive(Debug)]
pub(super) struct Lexicon {
    vocabulary: Vocabulary,
    /// By id, whether the entry is a name and not a keyword.
    names: Vec<bool>,
}

impl Lexicon {
    /// Classifies each entry once.
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        let tokens = vocabulary.entries().map(|(_, token)| token);
        Self {
            names: tokens.map(python::is_name).collect(),
            vocabulary,
        }
    }

    /// The wrapped vocabulary.
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether a token is a name and not a keyword.
    pub(super) fn is_name(&self, id: TokenId, spelling: &str) -> bool {
        match id {
            TokenId::UNK => python::is_name(spelling),
            id => self.names[id.index()],
        }
    }
}
