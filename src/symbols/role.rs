//! Token roles in the grammar of declarations, and name numbers.
//!
//! The builder and the parsers read [`Item`]s and never look at spellings. So the same code reads a buffer (numbered by the
//! vocabulary and the buffer), workspace files (numbered by the project) and plain text without numbers.

use crate::python;

/// Role of a token in a declaration. Names with a special meaning for the resolver have their own role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An identifier without a special meaning.
    Name,
    /// `self`, `cls`.
    Own,
    /// `__init__`.
    Init,
    /// `__getattr__`, `__getattribute__`: they supply attributes that are not declared anywhere.
    Dynamic,
    /// `staticmethod`.
    StaticMethod,
    /// `globals`, which can add names that do not appear in the source.
    Globals,
    /// `Optional`.
    Optional,
    /// `Enum`, `IntEnum`, `StrEnum`.
    Enum,
    /// Bases without members worth completing: `object`, `ABC`, `Protocol`.
    Memberless,
    /// `None`.
    NoValue,
    /// `True`, `False` and other keywords that can appear in expressions.
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
    /// The role of a token spelled as in py150.
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

    /// Whether it starts a compound statement whose colon is followed by another statement.
    pub(super) fn is_compound(self) -> bool {
        matches!(
            self,
            Self::Class | Self::Def | Self::For | Self::With | Self::Except | Self::Compound
        )
    }

    /// Whether it starts a statement and cannot appear in an expression: any open bracket before it was never closed.
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

    /// Number of dots it adds to a relative import.
    pub(super) fn dots(self) -> usize {
        match self {
            Self::Dot => 1,
            Self::Ellipsis => 3,
            _ => 0,
        }
    }
}

/// Number of a token in one of three numberings. Equal numbers of one numbering are the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// The numbering of a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Id in the vocabulary.
    Vocabulary(u32),
    /// Index of an out-of-vocabulary word of the buffer.
    Buffer(u32),
    /// Index of an out-of-vocabulary name of the project.
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

    /// `None` for [`Name::NONE`].
    pub fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

/// A token as the builder reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub name: Name,
    /// Column of its line's first character if it is the first token of the line and the column is known; else
    /// [`NO_COLUMN`].
    pub column: u16,
    pub role: Role,
}

/// The token does not start a line, or its indentation is unknown.
pub const NO_COLUMN: u16 = u16::MAX;

impl Item {
    /// The item returned for reads past the end.
    pub const END: Self = Self {
        name: Name::NONE,
        column: NO_COLUMN,
        role: Role::Eol,
    };
}
