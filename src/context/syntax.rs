//! What the entries of a vocabulary are to the syntax, by their ids.

use std::sync::Arc;

use crate::python::{START, is_name};
use crate::symbols::Role;
use crate::tokenizer::{UNK, Vocabulary};

/// What every member of an enumeration has.
const OF_ENUM: [&str; 2] = ["name", "value"];

/// What ids mean for what may stand where.
#[derive(Clone, Debug)]
pub struct Syntax {
    /// By id: whether it is a name that is not a keyword.
    is_name: Arc<[bool]>,
    /// By id: whether it begins with an underscore.
    is_private: Arc<[bool]>,
    /// By id: what it is to declarations.
    roles: Arc<[Role]>,
    pub(crate) start: u32,
    pub(crate) dot: u32,
    pub(crate) of_enum: [u32; OF_ENUM.len()],
}

impl Syntax {
    /// As a vocabulary numbers them.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        // What it lacks stands nowhere: no id is so large.
        let id = |token: &str| {
            let id = Some(vocabulary.id(token)).filter(|&id| id != UNK);
            id.unwrap_or(u32::MAX >> 2)
        };
        let tokens = || (0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id));
        Self {
            is_name: tokens().map(is_name).collect(),
            is_private: tokens().map(|token| token.starts_with('_')).collect(),
            roles: tokens().map(Role::of).collect(),
            start: id(START),
            dot: id("."),
            of_enum: OF_ENUM.map(id),
        }
    }

    /// Size of the vocabulary.
    pub fn vocabulary_size(&self) -> usize {
        self.is_name.len()
    }

    /// Whether an entry of the vocabulary is a name that is not a keyword.
    pub fn is_name(&self, id: u32) -> bool {
        self.is_name.get(id as usize).copied().unwrap_or(false)
    }

    /// What an entry of the vocabulary is to declarations.
    pub(crate) fn role(&self, id: u32) -> Role {
        let role = self.roles.get(id as usize);
        role.copied().unwrap_or(Role::Other)
    }

    /// Whether an entry of the vocabulary begins with an underscore.
    pub(crate) fn is_private(&self, id: u32) -> bool {
        self.is_private.get(id as usize).copied().unwrap_or(false)
    }
}
