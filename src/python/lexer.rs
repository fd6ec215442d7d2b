//! The lexer: text -> tokens in one pass over the bytes, without allocation.
//!
//! A table maps a token's first byte to its class; separate modules find the ends of words, numbers and strings.
//! Brackets and line continuations are tracked only to decide what a bare carriage return hides (see
//! [`Lexer::starts_statement`]), because a line end inside brackets is an `<EOL>` too.

use memchr::{memchr, memchr2};

use super::{CursorIn, Kind, Token, number, string, word};

/// All tokens of a file's text. [`Kind::Eol`] is never first, last, or repeated.
///
/// Spans are 32 bits wide; text beyond 4 GiB is ignored.
pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens = collect(&mut Lexer::new(text));
    if tokens.last().is_some_and(|token| token.kind == Kind::Eol) {
        tokens.pop();
    }
    tokens
}

/// The lexer's remaining tokens.
fn collect(lexer: &mut Lexer) -> Vec<Token> {
    // Python has about one token per five bytes.
    let mut tokens = Vec::with_capacity(lexer.text.len() / 5 + 8);
    tokens.extend(lexer);
    tokens
}

/// An iterator over the tokens of a text. Unlike [`lex`] it may end with a [`Kind::Eol`], because more text may follow.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    /// Offset of the first unread byte.
    position: usize,
    /// At the start or after an `<EOL>`, so that no other may follow.
    after_eol: bool,
    /// Number of open brackets, negative if more are closed.
    depth: i32,
    /// Whether a backslash continues the previous line.
    continued: bool,
    /// Where the text ends that has been read so far.
    place: CursorIn,
}

/// The class of a token's first byte.
#[derive(Clone, Copy)]
enum First {
    /// No token: white space, or a control character that Python rejects.
    Blank,
    LineFeed,
    CarriageReturn,
    Comment,
    /// A line continuation if followed by a line break, else no token.
    Backslash,
    Word,
    Digit,
    Dot,
    Quote,
    Open,
    Close,
    /// An operator of one byte that may be followed by `=`.
    Equal,
    /// An operator that may be doubled, and either may be followed by `=`.
    Double,
    Minus,
    /// A one-byte operator, or a character that Python rejects.
    Single,
    NonAscii,
}

static FIRST: [First; 256] = {
    let mut table = [First::NonAscii; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'\n' => First::LineFeed,
            b'\r' => First::CarriageReturn,
            b'#' => First::Comment,
            b'\\' => First::Backslash,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => First::Word,
            b'0'..=b'9' => First::Digit,
            b'.' => First::Dot,
            b'\'' | b'"' => First::Quote,
            b'(' | b'[' | b'{' => First::Open,
            b')' | b']' | b'}' => First::Close,
            b'=' | b'+' | b'%' | b'&' | b'|' | b'^' | b'@' | b':' | b'!' => First::Equal,
            b'*' | b'/' | b'<' | b'>' => First::Double,
            b'-' => First::Minus,
            b'!'..=b'~' => First::Single,
            _ => First::Blank,
        };
        byte += 1;
    }
    table
};

impl<'t> Lexer<'t> {
    /// A lexer at the start of a text.
    pub fn new(text: &'t str) -> Self {
        Self {
            text: clipped(text),
            position: 0,
            after_eol: true,
            depth: 0,
            continued: false,
            place: CursorIn::Code,
        }
    }

    /// The same lexer over another text, which must have the same bytes up to the current position.
    pub(super) fn over<'u>(&self, text: &'u str) -> Lexer<'u> {
        Lexer {
            text: clipped(text),
            ..*self
        }
    }

    /// Offset of the first unread byte.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Whether the text ends in code, a string or a comment; valid after the last token.
    pub(super) fn place(&self) -> CursorIn {
        self.place
    }

    /// The token from `start` to `end`; advances to `end`.
    #[inline]
    fn token(&mut self, kind: Kind, start: usize, end: usize) -> Token {
        self.position = end;
        self.after_eol = kind == Kind::Eol;
        Token {
            kind,
            start: start as u32,
            end: end as u32,
        }
    }

    #[inline]
    fn word(&mut self, start: usize) -> Token {
        let bytes = self.text.as_bytes();
        let end = word::end(self.text, start);
        let word = &bytes[start..end];
        if matches!(bytes.get(end), Some(b'"' | b'\'')) && word::is_string_prefix(word) {
            return self.string(start, end);
        }
        let kind = if word::keyword(word) {
            Kind::Keyword
        } else {
            Kind::Name
        };
        self.token(kind, start, end)
    }

    /// The string literal that starts at `start`, with its opening quote at `open`.
    fn string(&mut self, start: usize, open: usize) -> Token {
        let bytes = self.text.as_bytes();
        let end = string::end(bytes, &bytes[start..open], open);
        if !end.closed && end.at == bytes.len() {
            self.place = CursorIn::String;
        }
        self.token(Kind::String, start, end.at)
    }

    /// The line end from `start` to `end`; None after another one.
    #[inline]
    fn end_of_line(&mut self, start: usize, end: usize) -> Option<Token> {
        self.continued = false;
        if self.after_eol {
            self.position = end;
            return None;
        }
        Some(self.token(Kind::Eol, start, end))
    }

    /// Skips the comment at `start`, up to its line break.
    fn comment(&mut self, start: usize) {
        let bytes = self.text.as_bytes();
        self.position = match memchr2(b'\n', b'\r', &bytes[start..]) {
            Some(length) if is_lone(bytes, start + length) && self.starts_statement() => {
                line_feed(bytes, start)
            }
            Some(length) => start + length,
            None => bytes.len(),
        };
        if self.position == bytes.len() {
            self.place = CursorIn::Comment;
        }
    }

    /// Whether this position starts a new statement: no token precedes it on the line.
    ///
    /// `tokenize` ends lines at line feeds only and reads a bare carriage return as a space. At the start of a
    /// statement, however, a carriage return hides the rest of its line, as a comment does. A file with old Macintosh
    /// line ends is therefore one line.
    fn starts_statement(&self) -> bool {
        self.depth == 0 && self.after_eol && !self.continued
    }

    /// A non-ASCII character: skips white space and the byte order mark, else returns its token.
    #[cold]
    fn non_ascii(&mut self, start: usize) -> Option<Token> {
        let character = word::non_ascii(self.text, start)?;
        if word::is_word(character) {
            return Some(self.word(start));
        }
        let end = start + character.len_utf8();
        if character.is_whitespace() || character == '\u{feff}' {
            self.position = end;
            return None;
        }
        Some(self.token(Kind::Operator, start, end))
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    #[inline]
    #[expect(
        clippy::too_many_lines,
        reason = "one match over a token's first character"
    )]
    fn next(&mut self) -> Option<Token> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.position;
            let byte = *bytes.get(start)?;
            let next = |offset: usize| bytes.get(start + offset).copied();
            let length = match FIRST[byte as usize] {
                First::Blank => {
                    self.position += 1;
                    continue;
                }
                First::Word => return Some(self.word(start)),
                First::LineFeed => match self.end_of_line(start, start + 1) {
                    Some(token) => return Some(token),
                    None => continue,
                },
                First::CarriageReturn if next(1) == Some(b'\n') => {
                    match self.end_of_line(start, start + 2) {
                        Some(token) => return Some(token),
                        None => continue,
                    }
                }
                First::CarriageReturn => {
                    let hides = self.starts_statement();
                    self.position = if hides {
                        line_feed(bytes, start)
                    } else {
                        start + 1
                    };
                    continue;
                }
                First::Comment => {
                    self.comment(start);
                    continue;
                }
                First::Backslash => {
                    self.position += match (next(1), next(2)) {
                        (Some(b'\n'), _) => 2,
                        (Some(b'\r'), Some(b'\n')) => 3,
                        _ => 1,
                    };
                    self.continued |= self.position > start + 1;
                    continue;
                }
                First::Dot if next(1).is_some_and(|byte| byte.is_ascii_digit()) => {
                    return Some(self.token(Kind::Number, start, number::end(bytes, start)));
                }
                First::Digit => {
                    return Some(self.token(Kind::Number, start, number::end(bytes, start)));
                }
                First::Quote => return Some(self.string(start, start)),
                First::NonAscii => match self.non_ascii(start) {
                    Some(token) => return Some(token),
                    None => continue,
                },
                First::Dot if next(1) == Some(b'.') && next(2) == Some(b'.') => 3,
                First::Open => {
                    self.depth += 1;
                    1
                }
                First::Close => {
                    self.depth -= 1;
                    1
                }
                First::Equal => 1 + usize::from(next(1) == Some(b'=')),
                First::Double => {
                    let doubled = 1 + usize::from(next(1) == Some(byte));
                    doubled + usize::from(next(doubled) == Some(b'='))
                }
                First::Minus => 1 + usize::from(matches!(next(1), Some(b'=' | b'>'))),
                First::Single | First::Dot => 1,
            };
            return Some(self.token(Kind::Operator, start, start + length));
        }
    }
}

/// The text that 32-bit spans can address.
fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(u32::MAX as usize)]
}

/// Whether the line break at `position` is a carriage return without a line feed.
fn is_lone(bytes: &[u8], position: usize) -> bool {
    bytes[position] == b'\r' && bytes.get(position + 1) != Some(&b'\n')
}

/// The first line feed from `position` on, or the end.
fn line_feed(bytes: &[u8], position: usize) -> usize {
    memchr(b'\n', &bytes[position..]).map_or(bytes.len(), |length| position + length)
}
