//! The vocabulary, with the one property of its entries that lexing needs at every token.

use crate::python;
use crate::tokenizer::{UNK, Vocabulary};

/// A vocabulary that knows which of its entries are names.
#[derive(Debug)]
pub(super) struct Lexicon {
    vocabulary: Vocabulary,
    /// By id: whether the entry is a name and no keyword.
    names: Vec<bool>,
}

impl Lexicon {
    /// Looks at each entry once.
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        let tokens = (0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id));
        Self {
            names: tokens.map(python::is_name).collect(),
            vocabulary,
        }
    }

    /// The vocabulary itself.
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether a token is a name and no keyword.
    pub(super) fn is_name(&self, id: u32, spelling: &str) -> bool {
        match id {
            UNK => python::is_name(spelling),
            id => self.names[id as usize],
        }
    }
}
