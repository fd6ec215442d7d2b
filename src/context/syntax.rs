//! The vocabulary ids of the tokens that the structure of Python code is read from, and which entries are names. Made once from
//! a vocabulary.

use std::sync::Arc;

use super::ids::TokenId;
use crate::python::{EOL, START, is_name};
use crate::tokenizer::{UNK, Vocabulary};

/// Bases without members that are asked for, and bases of enumerations, whose members have [`OF_ENUM`].
const MEMBERLESS: [&str; 3] = ["object", "ABC", "Protocol"];
const ENUM: [&str; 3] = ["Enum", "IntEnum", "StrEnum"];
const DYNAMIC: [&str; 2] = ["__getattr__", "__getattribute__"];
const OF_ENUM: [&str; 2] = ["name", "value"];

/// The ids of these tokens, as plain numbers: [`crate::symbols`] compares them with candidates, which have the same numbers.
#[derive(Clone, Debug)]
pub struct Syntax {
    /// By id: whether it is a name that is not a keyword.
    is_name: Arc<[bool]>,
    /// By id: whether it begins with an underscore.
    is_private: Arc<[bool]>,
    pub(crate) start: u32,
    pub(crate) eol: u32,
    pub(crate) dot: u32,
    /// `...`.
    pub(crate) dots: u32,
    pub(crate) comma: u32,
    pub(crate) colon: u32,
    pub(crate) equals: u32,
    pub(crate) at: u32,
    /// `(`, `[`, `{`, and what closes them.
    pub(crate) opening: [u32; 3],
    pub(crate) closing: [u32; 3],
    pub(crate) class: u32,
    pub(crate) def: u32,
    pub(crate) from: u32,
    pub(crate) import: u32,
    /// `as`.
    pub(crate) alias: u32,
    pub(crate) star: u32,
    /// `->`.
    pub(crate) arrow: u32,
    /// `await`.
    pub(crate) wait: u32,
    /// `for`.
    pub(crate) each: u32,
    /// `Optional`.
    pub(crate) optional: u32,
    pub(crate) memberless: [u32; MEMBERLESS.len()],
    pub(crate) enums: [u32; ENUM.len()],
    pub(crate) of_enum: [u32; OF_ENUM.len()],
    /// `self` and `cls`.
    pub(crate) own: [u32; 2],
    pub(crate) init: u32,
    pub(crate) staticmethod: u32,
    /// Functions that answer for names which are declared nowhere.
    pub(crate) dynamic: [u32; DYNAMIC.len()],
}

impl Syntax {
    /// In a vocabulary.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        // What it lacks is never found.
        let id = |token: &str| {
            Some(vocabulary.id(token))
                .filter(|&id| id != UNK)
                .unwrap_or(u32::MAX)
        };
        let tokens = || (0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id));
        Self {
            is_name: tokens().map(is_name).collect(),
            is_private: tokens().map(|token| token.starts_with('_')).collect(),
            start: id(START),
            eol: id(EOL),
            dot: id("."),
            dots: id("..."),
            comma: id(","),
            colon: id(":"),
            equals: id("="),
            at: id("@"),
            opening: ["(", "[", "{"].map(id),
            closing: [")", "]", "}"].map(id),
            class: id("class"),
            def: id("def"),
            from: id("from"),
            import: id("import"),
            alias: id("as"),
            star: id("*"),
            arrow: id("->"),
            wait: id("await"),
            each: id("for"),
            optional: id("Optional"),
            memberless: MEMBERLESS.map(id),
            enums: ENUM.map(id),
            of_enum: OF_ENUM.map(id),
            own: ["self", "cls"].map(id),
            init: id("__init__"),
            staticmethod: id("staticmethod"),
            dynamic: DYNAMIC.map(id),
        }
    }

    /// Size of the vocabulary.
    pub fn vocabulary_size(&self) -> usize {
        self.is_name.len()
    }

    /// Whether an entry of the vocabulary is a name that is not a keyword.
    pub fn is_name(&self, id: TokenId) -> bool {
        self.is_name.get(id.index()).copied().unwrap_or(false)
    }

    /// Whether an entry of the vocabulary begins with an underscore.
    pub(crate) fn is_private(&self, id: TokenId) -> bool {
        self.is_private.get(id.index()).copied().unwrap_or(false)
    }
}
