//! Python source and the tokens of the `CodeXGLUE` py150 format: from text to tokens with byte spans, and back to text.
//!
//! The tokens are those of `CPython` 3.11's `tokenize` with the format's rules on top: string and number literals lose
//! their content unless it is a frequent one, every line end is one `<EOL>` (never two in a row, none at a file's start
//! or end), comments and indentation vanish, and an f-string is one token whatever quotes its fields hold.
//! Nothing here fails: what `CPython` would refuse becomes the best tokens there are.
//!
//! * [`Lexer`], [`lex`]: text -> [`Token`]s, spans that allocate nothing; [`IncrementalLexer`]: the tokens before a cursor
//! * [`surface`]: a token's py150 spelling; [`surface_kind`], [`insertable`], [`print`]: from a spelling back to Python
//! * [`decode`]: a file's bytes -> text, as its byte order mark or coding line says; [`validate`]: the same, but only for what
//!   `CPython` accepts
//!
//! This module knows nothing of vocabularies, models or editors.

mod column;
mod context;
mod decode;
mod lexer;
mod number;
mod print;
mod spelling;
mod string;
mod validate;
mod word;

#[cfg(test)]
mod tests;

pub use column::column;
pub use context::{CursorContext, IncrementalLexer};
pub use decode::decode;
pub use lexer::{Lexer, lex};
pub use print::print;
pub use spelling::{
    END, EOL, START, insertable, is_name, spelling, surface, surface_kind, surfaces, surfaces_from,
};
pub use validate::{TokenizeError, validate};
pub use word::is_keyword;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An identifier, soft keywords (`match`, `case`, `type`, `_`) included.
    Name,
    /// One of Python's 35 hard keywords.
    Keyword,
    /// A numeric literal.
    Number,
    /// A string, bytes or f-string literal with its prefix and quotes, whole or still open.
    String,
    /// An operator or delimiter, or a character that Python has no use for.
    Operator,
    /// A line end; of several in a row only the first.
    Eol,
}

/// A token as a byte span of the text it was read from; an [`Kind::Eol`] spans the line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

impl Token {
    /// The token's own text, as written.
    #[inline]
    pub fn text(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}

/// What a cursor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorIn {
    /// Code, or white space between tokens.
    Code,
    /// A string literal; the last token is the part of it before the cursor.
    String,
    /// A comment.
    Comment,
}
