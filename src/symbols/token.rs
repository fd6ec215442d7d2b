//! Tokens as the parser of declarations reads them: a kind and a number instead of a spelling.
//!
//! So one parser reads a buffer (numbered by the vocabulary and the buffer), workspace files (numbered by the project) and
//! plain text without numbers. A [`TokenKind`] is finer than [`python::Kind`]: names that matter to name resolution, such
//! as `self` and `Optional`, have kinds of their own.

use super::name::Name;
use crate::python;

/// Kind of a token. Names with a special meaning for name resolution have their own kind: to add one, add it to
/// [`TokenKind::of`] and [`TokenKind::is_name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An identifier without a special meaning.
    Name,
    /// `self`, `cls`.
    SelfOrCls,
    /// `__init__`.
    Init,
    /// `__getattr__`, `__getattribute__`: they supply attributes that are not declared anywhere.
    GetAttr,
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
    None,
    /// `True`, `False` and other keywords that can appear in expressions.
    ExpressionKeyword,
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
    OpeningParenthesis,
    /// `[`, `{`.
    OpeningBracket,
    /// `)`, `]`, `}`.
    ClosingBracket,
    Start,
    Eol,
    /// Literals and other operators.
    Other,
}

impl TokenKind {
    /// The kind of a token spelled as in py150.
    pub fn of(spelling: &str) -> Self {
        match spelling {
            "self" | "cls" => Self::SelfOrCls,
            "__init__" => Self::Init,
            "__getattr__" | "__getattribute__" => Self::GetAttr,
            "staticmethod" => Self::StaticMethod,
            "globals" => Self::Globals,
            "Optional" => Self::Optional,
            "Enum" | "IntEnum" | "StrEnum" => Self::Enum,
            "object" | "ABC" | "Protocol" => Self::Memberless,
            "None" => Self::None,
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
            "(" => Self::OpeningParenthesis,
            "[" | "{" => Self::OpeningBracket,
            ")" | "]" | "}" => Self::ClosingBracket,
            python::START => Self::Start,
            python::EOL => Self::Eol,
            name if python::is_name(name) => Self::Name,
            keyword if python::is_keyword(keyword) => Self::ExpressionKeyword,
            _ => Self::Other,
        }
    }

    /// Whether it is an identifier.
    pub fn is_name(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::SelfOrCls
                | Self::Init
                | Self::GetAttr
                | Self::StaticMethod
                | Self::Globals
                | Self::Optional
                | Self::Enum
                | Self::Memberless
        )
    }

    /// Whether it is no part of a statement: the end of a line or the start of the file.
    pub fn is_blank(self) -> bool {
        matches!(self, Self::Eol | Self::Start)
    }

    /// Whether it opens a bracket of any kind.
    pub fn opens_bracket(self) -> bool {
        matches!(self, Self::OpeningParenthesis | Self::OpeningBracket)
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

/// A token as the parser of declarations reads it: by number, not by spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedToken {
    pub name: Name,
    /// Column of its line's first character if it is the first token of the line and the column is known; else
    /// [`NO_COLUMN`].
    pub column: u16,
    pub kind: TokenKind,
}

/// The token does not start a line, or its indentation is unknown.
pub const NO_COLUMN: u16 = u16::MAX;

impl NumberedToken {
    /// The token returned for reads past the end.
    pub const END: Self = Self {
        name: Name::NONE,
        column: NO_COLUMN,
        kind: TokenKind::Eol,
    };
}
