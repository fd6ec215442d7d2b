//! What stands before a cursor: whole tokens, the word or number being typed, and whether it is code at all.

use std::ops::Range;

use super::lexer::{Lexer, collect};
use super::{Kind, Token, number};

/// What stands before a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The tokens before the typed prefix. A trailing [`Kind::Eol`] is kept: it tells that a line has begun.
    pub tokens: Vec<Token>,
    /// The name, keyword or open number that touches the cursor on its left; empty, at the cursor, if there is none.
    pub prefix: Range<usize>,
    /// What the cursor is in.
    pub place: Place,
}

/// What a cursor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Code, or white space between.
    Code,
    /// A string literal; the context's last token is its part before the cursor.
    String,
    /// A comment.
    Comment,
}

/// A number of several tokens while it is typed has at most this many: `0`, `1`, `e` and `+` of `01e+5`.
const OPEN_NUMBER_TOKENS: usize = 4;

/// The context of a cursor, a byte offset that is clamped to the text and to the start of a character.
/// The text after it is not read.
pub fn context(text: &str, cursor: usize) -> Context {
    let cursor = text.floor_char_boundary(cursor);
    let mut lexer = Lexer::new(&text[..cursor]);
    let mut tokens = collect(&mut lexer);
    let place = lexer.place();
    let typed = if place == Place::Code {
        typed(text, cursor, &tokens)
    } else {
        0
    };
    let behind = tokens.len() - typed;
    let start = tokens
        .get(behind)
        .map_or(cursor, |token| token.start as usize);
    tokens.truncate(behind);
    Context {
        tokens,
        prefix: start..cursor,
        place,
    }
}

/// How many of the last tokens are the typed prefix.
fn typed(text: &str, cursor: usize, tokens: &[Token]) -> usize {
    let mut number = 0;
    let mut end = cursor;
    for (count, token) in (1..=OPEN_NUMBER_TOKENS).zip(tokens.iter().rev()) {
        if token.end as usize != end {
            break; // not adjacent
        }
        end = token.start as usize;
        if token.kind == Kind::Number && number::is_open(&text.as_bytes()[end..cursor]) {
            number = count;
        }
    }
    let word = tokens.last().is_some_and(|token| {
        token.end as usize == cursor && matches!(token.kind, Kind::Name | Kind::Keyword)
    });
    number.max(usize::from(word))
}
