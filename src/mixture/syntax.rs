//! The tokens that structure is read off.

use std::sync::Arc;

use crate::python::{EOL, START, is_name};
use crate::vocabulary::{UNK, Vocabulary};

/// Bases that give nothing that is asked for, and those of enumerations, which give [`OF_ENUM`].
const MEMBERLESS: [&str; 3] = ["object", "ABC", "Protocol"];
const ENUM: [&str; 3] = ["Enum", "IntEnum", "StrEnum"];
const DYNAMIC: [&str; 2] = ["__getattr__", "__getattribute__"];
const OF_ENUM: [&str; 2] = ["name", "value"];

/// Ids of tokens that mean something for what may stand where.
#[derive(Clone, Debug)]
pub struct Syntax {
    /// By id: whether it is a name that is not a keyword.
    is_name: Arc<[bool]>,
    /// By id: whether it begins with an underscore.
    is_private: Arc<[bool]>,
    pub(super) start: u32,
    pub(super) eol: u32,
    pub(super) dot: u32,
    /// `...`.
    pub(super) dots: u32,
    pub(super) comma: u32,
    pub(super) colon: u32,
    pub(super) equals: u32,
    pub(super) at: u32,
    /// `(`, `[`, `{`, and what closes them.
    pub(super) opening: [u32; 3],
    pub(super) closing: [u32; 3],
    pub(super) class: u32,
    pub(super) def: u32,
    pub(super) from: u32,
    pub(super) import: u32,
    /// `as`.
    pub(super) alias: u32,
    pub(super) star: u32,
    /// `->`.
    pub(super) arrow: u32,
    /// `await`.
    pub(super) wait: u32,
    /// `for`.
    pub(super) each: u32,
    /// `Optional`.
    pub(super) optional: u32,
    pub(super) memberless: [u32; MEMBERLESS.len()],
    pub(super) enums: [u32; ENUM.len()],
    pub(super) of_enum: [u32; OF_ENUM.len()],
    /// `self` and `cls`.
    pub(super) own: [u32; 2],
    pub(super) init: u32,
    pub(super) staticmethod: u32,
    /// Functions that answer for names which are declared nowhere.
    pub(super) dynamic: [u32; DYNAMIC.len()],
}

impl Syntax {
    /// As a vocabulary numbers them.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        // What it lacks stands nowhere.
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
    pub fn is_name(&self, id: u32) -> bool {
        self.is_name.get(id as usize).copied().unwrap_or(false)
    }

    /// Whether an entry of the vocabulary begins with an underscore.
    pub(super) fn is_private(&self, id: u32) -> bool {
        self.is_private.get(id as usize).copied().unwrap_or(false)
    }
}
