//! Spelling and id of a token: the vocabulary, with the syntax of its entries, which lexing needs at every token.

use crate::context::{CandidateId, CandidateSpace, Syntax};
use crate::python;
use crate::tokenizer::{TokenId, Vocabulary};

/// A vocabulary and the syntax of its entries.
#[derive(Debug)]
pub(super) struct Lexicon {
    vocabulary: Vocabulary,
    syntax: Syntax,
}

impl Lexicon {
    /// Classifies each entry once.
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        Self {
            syntax: Syntax::new(&vocabulary),
            vocabulary,
        }
    }

    /// The vocabulary.
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether a token is a name and not a keyword.
    pub(super) fn is_name(&self, id: TokenId, spelling: &str) -> bool {
        match id {
            TokenId::UNK => python::is_name(spelling),
            id => self.syntax.is_name(id),
        }
    }

    /// A candidate's spelling and id; the id is [`TokenId::UNK`] outside the vocabulary.
    pub(super) fn token_of<'a>(
        &'a self,
        space: &CandidateSpace<'a>,
        candidate: CandidateId,
    ) -> Option<(&'a str, TokenId)> {
        match space.token_id(candidate) {
            Some(id) => Some((self.vocabulary.token(id)?, id)),
            None => Some((space.spelling(candidate)?, TokenId::UNK)),
        }
    }
}
