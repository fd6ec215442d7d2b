//! The vocabulary, with a precomputed flag for names, which lexing needs at every token.

use crate::python;
use crate::tokenizer::{UNK, Vocabulary};

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
        let tokens = (0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id));
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
    pub(super) fn is_name(&self, id: u32, spelling: &str) -> bool {
        match id {
            UNK => python::is_name(spelling),
            id => self.names[id as usize],
        }
    }
}
