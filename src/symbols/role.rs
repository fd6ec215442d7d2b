//! What a token is to the grammar of declarations, and the numbers of names.
//!
//! The builder and the parsers read [`Item`]s: they never look at spellings, so that the same code reads a buffer (numbered
//! by the vocabulary and the buffer), the workspace's files (numbered by the project), and text that has no numbers yet.

use crate::python;

/// The role of a token in a declaration. Names that mean something to the resolver have a role of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An identifier without a special meaning.
    Name,
    /// `self`, `cls`.
    Own,
    /// `__init__`.
    Init,
    /// `__getattr__`, `__getattribute__`: they answer for names that are declared nowhere.
    Dynamic,
    /// `staticmethod`.
    StaticMethod,
    /// `globals`, which can add names that are written nowhere.
    Globals,
    /// `Optional`.
    Optional,
    /// `Enum`, `IntEnum`, `StrEnum`.
    Enum,
    /// Bases that bring no member that is asked for: `object`, `ABC`, `Protocol`.
    Memberless,
    /// `None`.
    NoValue,
    /// `True`, `False` and other keywords that stand in expressions.
    Value,
    Class,
    Def,
    Async,
    Await,
    From,
    Import,
    As,
    For,
    In,
    With,
    Except,
    Lambda,
    Return,
    Yield,
    /// `if`, `while`, `try`, `elif`, `else`, `finally`: a statement follows the colon.
    Compound,
    /// `pass`, `break`, `raise`, `del`, `assert`, `global`, `nonlocal`, `continue`.
    Simple,
    Dot,
    Ellipsis,
    Comma,
    Colon,
    Semicolon,
    Equals,
    At,
    Star,
    DoubleStar,
    Slash,
    Arrow,
    /// `(`.
    Parenthesis,
    /// `[`, `{`.
    Opening,
    /// `)`, `]`, `}`.
    Closing,
    Start,
    Eol,
    /// Literals and other operators.
    Other,
}

impl Role {
    /// Of a py150 spelling.
    pub fn of(spelling: &str) -> Self {
        match spelling {
            "self" | "cls" => Self::Own,
            "__init__" => Self::Init,
            "__getattr__" | "__getattribute__" => Self::Dynamic,
            "staticmethod" => Self::StaticMethod,
            "globals" => Self::Globals,
            "Optional" => Self::Optional,
            "Enum" | "IntEnum" | "StrEnum" => Self::Enum,
            "object" | "ABC" | "Protocol" => Self::Memberless,
            "None" => Self::NoValue,
            "class" => Self::Class,
            "def" => Self::Def,
            "async" => Self::Async,
            "await" => Self::Await,
            "from" => Self::From,
            "import" => Self::Import,
            "as" => Self::As,
            "for" => Self::For,
            "in" => Self::In,
            "with" => Self::With,
            "except" => Self::Except,
            "lambda" => Self::Lambda,
            "return" => Self::Return,
            "yield" => Self::Yield,
            "if" | "while" | "try" | "elif" | "else" | "finally" => Self::Compound,
            "pass" | "break" | "raise" | "del" | "assert" | "global" | "nonlocal" | "continue" => {
                Self::Simple
            }
            "." => Self::Dot,
            "..." => Self::Ellipsis,
            "," => Self::Comma,
            ":" => Self::Colon,
            ";" => Self::Semicolon,
            "=" => Self::Equals,
            "@" => Self::At,
            "*" => Self::Star,
            "**" => Self::DoubleStar,
            "/" => Self::Slash,
            "->" => Self::Arrow,
            "(" => Self::Parenthesis,
            "[" | "{" => Self::Opening,
            ")" | "]" | "}" => Self::Closing,
            python::START => Self::Start,
            python::EOL => Self::Eol,
            name if python::is_name(name) => Self::Name,
            keyword if python::is_keyword(keyword) => Self::Value,
            _ => Self::Other,
        }
    }

    /// Whether it is an identifier.
    pub fn is_name(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::Own
                | Self::Init
                | Self::Dynamic
                | Self::StaticMethod
                | Self::Globals
                | Self::Optional
                | Self::Enum
                | Self::Memberless
        )
    }

    /// Whether it opens a bracket of any kind.
    pub fn opens(self) -> bool {
        matches!(self, Self::Parenthesis | Self::Opening)
    }

    /// Whether a statement follows the colon of one that begins so.
    pub(super) fn is_compound(self) -> bool {
        matches!(
            self,
            Self::Class | Self::Def | Self::For | Self::With | Self::Except | Self::Compound
        )
    }

    /// Whether it begins a statement and can stand in no expression: brackets before it were never closed.
    pub(super) fn begins_statement(self) -> bool {
        matches!(
            self,
            Self::Class
                | Self::Def
                | Self::Import
                | Self::With
                | Self::Except
                | Self::Return
                | Self::Simple
        )
    }

    /// How many dots of a relative import it is.
    pub(super) fn dots(self) -> usize {
        match self {
            Self::Dot => 1,
            Self::Ellipsis => 3,
            _ => 0,
        }
    }
}

/// The number of a token in one of three numberings. Two names of one numbering are the same if their numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// Whose number a [`Name`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// An entry of the vocabulary.
    Vocabulary(u32),
    /// A word of the buffer, outside the vocabulary.
    Buffer(u32),
    /// A name of the project, outside the vocabulary.
    Project(u32),
}

const BUFFER: u32 = 1 << 30;
const PROJECT: u32 = 1 << 31;

impl Name {
    /// No name.
    pub const NONE: Self = Self(u32::MAX);

    pub fn new(number: Numbering) -> Self {
        match number {
            Numbering::Vocabulary(id) => Self(id),
            Numbering::Buffer(word) => Self(BUFFER | word),
            Numbering::Project(name) => Self(PROJECT | name),
        }
    }

    pub fn numbering(self) -> Numbering {
        match self.0 {
            n if n & PROJECT != 0 => Numbering::Project(n & !PROJECT),
            n if n & BUFFER != 0 => Numbering::Buffer(n & !BUFFER),
            id => Numbering::Vocabulary(id),
        }
    }

    /// Nothing for [`Name::NONE`].
    pub fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

/// A token as the builder reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub name: Name,
    /// The column where its line begins, if it is the first of one and that is known; else [`NO_COLUMN`].
    pub column: u16,
    pub role: Role,
}

/// The token does not begin a line, or its indentation is unknown.
pub const NO_COLUMN: u16 = u16::MAX;

impl Item {
    /// Read past the end.
    pub const END: Self = Self {
        name: Name::NONE,
        column: NO_COLUMN,
        role: Role::Eol,
    };
}
