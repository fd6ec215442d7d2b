//! Incremental lexing up to a cursor: the complete tokens, the typed prefix, and whether the cursor is in code.
//!
//! After an edit, lexing resumes before the first changed byte. A character only changes tokens that it touches, so a
//! lexer saved at a line end or before white space can resume over the new text.

use std::ops::Range;

use super::lexer::Lexer;
use super::{CursorIn, Kind, Token, number};
use crate::common_prefix::common_prefix;

/// The tokens before a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorContext<'r> {
    /// The tokens before the typed prefix. A trailing [`Kind::Eol`] is kept: it shows that the cursor is on a new line.
    pub tokens: &'r [Token],
    /// Number of leading tokens that are unchanged since the lexer's previous context.
    pub unchanged: usize,
    /// The typed prefix: the name, keyword or unfinished number that ends at the cursor; an empty range at the cursor
    /// if there is none.
    pub prefix: Range<usize>,
    /// Whether the cursor is in code, a string or a comment.
    pub place: CursorIn,
}

/// Maximum number of tokens of an unfinished number: `0`, `1`, `e` and `+` of `01e+5`.
const OPEN_NUMBER_TOKENS: usize = 4;

/// Minimum number of tokens between two resume points, unless there are many bytes between them.
const STRIDE: usize = 64;
/// Number of bytes after which there is a resume point in any case: a docstring is a single token.
const STRIDE_BYTES: usize = 1024;

/// Lexes successive versions of one text up to a cursor.
#[derive(Debug, Default)]
pub struct IncrementalLexer {
    /// The text before the last cursor.
    text: String,
    tokens: Vec<Token>,
    /// Number of tokens of the last context.
    given: usize,
    /// Where the last cursor was.
    place: CursorIn,
    /// Resume points in ascending order.
    marks: Vec<ResumePoint>,
}

/// A resume point: a saved lexer.
#[derive(Debug)]
struct ResumePoint {
    /// Number of tokens before it.
    tokens: usize,
    lexer: Lexer<'static>,
}

impl IncrementalLexer {
    /// Memory use in bytes.
    pub fn bytes(&self) -> usize {
        self.text.capacity()
            + self.tokens.capacity() * size_of::<Token>()
            + size_of_val(&self.marks[..])
    }

    /// The work of [`IncrementalLexer::context`] in bytes: the bytes to lex, or the lexed bytes to drop, whichever is
    /// more; 0 if the text before the cursor is the previous one.
    pub fn unread(&self, text: &str, cursor: usize) -> usize {
        let before = &text.as_bytes()[..cursor.min(text.len())];
        if before == self.text.as_bytes() {
            return 0;
        }
        let common = common_prefix(self.text.as_bytes(), before);
        let marks = self
            .marks
            .partition_point(|mark| mark.lexer.position() < common);
        let mark = self.marks[..marks].last();
        let lexed = before.len() - mark.map_or(0, |mark| mark.lexer.position());
        lexed.max(self.text.len() - common)
    }

    /// The context of a cursor: a byte offset, clamped to the text and to a character boundary. The text after the
    /// cursor is not read. Nothing is lexed if the text before the cursor is the previous one.
    pub fn context(&mut self, text: &str, cursor: usize) -> CursorContext<'_> {
        let text = &text[..text.floor_char_boundary(cursor)];
        let unchanged = if text == self.text {
            self.given
        } else {
            self.lex(text)
        };
        let (tokens, typed) = self.tokens.split_at(self.given);
        let start = typed
            .first()
            .map_or(text.len(), |token| token.start as usize);
        CursorContext {
            tokens,
            unchanged,
            prefix: start..text.len(),
            place: self.place,
        }
    }

    /// The tokens of the last context.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens[..self.given]
    }

    /// Replaces the text, and lexes from before its first changed byte. Returns the number of leading tokens of the last
    /// context that are unchanged.
    fn lex(&mut self, text: &str) -> usize {
        let common = common_prefix(self.text.as_bytes(), text.as_bytes());
        self.marks.truncate(
            self.marks
                .partition_point(|mark| mark.lexer.position() < common),
        );
        let common = text.floor_char_boundary(common);
        self.text.truncate(common);
        self.text.push_str(&text[common..]);

        let mut lexer = if let Some(mark) = self.marks.last() {
            self.tokens.truncate(mark.tokens);
            mark.lexer.over(&self.text)
        } else {
            self.tokens.clear();
            // Python has about one token per five bytes.
            self.tokens.reserve(text.len() / 5 + 8);
            Lexer::new(&self.text)
        };
        let unchanged = self.tokens.len().min(self.given);
        let next = |tokens: usize, byte: usize| (tokens + STRIDE, byte + STRIDE_BYTES);
        let mut due = next(self.tokens.len(), lexer.position());
        while let Some(token) = lexer.next() {
            self.tokens.push(token);
            let is_due = self.tokens.len() >= due.0 || lexer.position() >= due.1;
            if is_due && is_settled(text, token) {
                self.marks.push(ResumePoint {
                    tokens: self.tokens.len(),
                    lexer: lexer.over(""),
                });
                due = next(self.tokens.len(), lexer.position());
            }
        }
        self.place = lexer.place();
        let typed = if self.place == CursorIn::Code {
            typed(text, &self.tokens)
        } else {
            0
        };
        self.given = self.tokens.len() - typed;
        unchanged
    }
}

/// Whether the tokens up to this one are independent of the text beyond the next byte.
fn is_settled(text: &str, token: Token) -> bool {
    let next = text.as_bytes().get(token.end as usize);
    token.kind == Kind::Eol || matches!(next, Some(b' ' | b'\t'))
}

/// The number of trailing tokens that form the typed prefix at the end of `text`.
fn typed(text: &str, tokens: &[Token]) -> usize {
    let cursor = text.len();
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
