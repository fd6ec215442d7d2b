//! Python lexing in the `CodeXGLUE` py150 format: text -> tokens with byte spans, and tokens -> text.
//!
//! The tokens are those of `CPython` 3.11's `tokenize`, normalised by the format: string and number literals lose their
//! contents unless these are frequent, each line end is one `<EOL>` (never repeated, and not at a file's start or end),
//! comments and indentation are dropped, and an f-string is a single token even if its fields contain quotes. Lexing
//! never fails: text that `CPython` would reject gives the most plausible tokens.
//!
//! * [`Lexer`], [`lex`]: text -> [`Token`]s, spans without allocation; [`IncrementalLexer`]: the tokens before a cursor
//! * [`surface`]: a token's py150 spelling; [`surface_kind`], [`insertable`], [`print()`]: from a spelling to Python
//! * [`decode()`]: a file's bytes -> text, by byte order mark or coding line; [`validate()`]: the same, but only for files
//!   that `CPython` accepts
//! * [`Blocks`]: where blocks begin and end, as tokens that networks can learn
//! * [`lines`], [`line_break`], [`line_start`]: where lines begin and end
//!
//! This module does not depend on vocabularies, models or editors.

mod blocks;
mod column;
mod context;
mod decode;
mod lexer;
mod lines;
mod number;
mod print;
mod spelling;
mod string;
mod validate;
mod word;

#[cfg(test)]
mod tests;

pub use blocks::{Blocks, DEDENT, INDENT};
pub use column::column;
pub use context::{CursorContext, IncrementalLexer};
pub use decode::decode;
pub use lexer::{Lexer, lex};
pub use lines::{line_break, line_start, lines};
pub use print::print;
pub use spelling::{
    END, EOL, START, insertable, is_name, spelling, surface, surface_kind, surfaces, surfaces_from,
};
pub use validate::{TokenizeError, validate};
pub use word::is_keyword;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An identifier, soft keywords (`match`, `case`, `type`, `_`) included.
    Name,
    /// One of Python's 35 hard keywords.
    Keyword,
    /// A numeric literal.
    Number,
    /// A string, bytes or f-string literal with prefix and quotes, complete or unterminated.
    String,
    /// An operator or delimiter, or an invalid character.
    Operator,
    /// A line end; consecutive line ends give only one.
    Eol,
}

/// A token as a byte span of its text; a [`Kind::Eol`] spans the line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: Kind,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
}

impl Token {
    /// The token's text as written.
    #[inline]
    pub fn text(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}

/// The lexical context of a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CursorIn {
    /// Code, or white space between tokens.
    #[default]
    Code,
    /// A string literal; the last token is its part before the cursor.
    String,
    /// A comment.
    Comment,
}
