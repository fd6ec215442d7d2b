//! Syntactic properties of vocabulary entries: which ones are names, and their token kinds. Computed once per
//! vocabulary.

use std::sync::Arc;

use crate::python::{START, is_name};
use crate::symbols::TokenKind;
use crate::tokenizer::{TokenId, Vocabulary};

/// Attributes of every enum member.
const OF_ENUM: [&str; 2] = ["name", "value"];

/// Syntactic properties of vocabulary entries, by id.
#[derive(Clone, Debug)]
pub struct Syntax {
    /// Whether it is a name and not a keyword.
    is_name: Arc<[bool]>,
    /// Whether it starts with an underscore.
    is_private: Arc<[bool]>,
    /// Its token kind.
    token_kinds: Arc<[TokenKind]>,
    pub(crate) start: TokenId,
    pub(crate) dot: TokenId,
    pub(crate) of_enum: [TokenId; OF_ENUM.len()],
}

impl Syntax {
    /// Computes the properties of a vocabulary.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        // A missing token gets an id larger than any real one, so it is never found.
        let id = |token: &str| {
            let id = vocabulary.get(token);
            id.unwrap_or(TokenId::new(u32::MAX >> 2))
        };
        let tokens = || vocabulary.entries().map(|(_, token)| token);
        Self {
            is_name: tokens().map(is_name).collect(),
            is_private: tokens().map(|token| token.starts_with('_')).collect(),
            token_kinds: tokens().map(TokenKind::of).collect(),
            start: id(START),
            dot: id("."),
            of_enum: OF_ENUM.map(id),
        }
    }

    /// Size of the vocabulary.
    pub fn vocabulary_size(&self) -> usize {
        self.is_name.len()
    }

    /// Whether a vocabulary entry is a name and not a keyword.
    pub fn is_name(&self, id: TokenId) -> bool {
        self.is_name.get(id.index()).copied().unwrap_or(false)
    }

    /// A vocabulary entry's token kind.
    pub(crate) fn token_kind(&self, id: TokenId) -> TokenKind {
        let kind = self.token_kinds.get(id.index());
        kind.copied().unwrap_or(TokenKind::Other)
    }

    /// Whether a vocabulary entry starts with an underscore.
    pub(crate) fn is_private(&self, id: TokenId) -> bool {
        self.is_private.get(id.index()).copied().unwrap_or(false)
    }
}
