//! The lexer: text -> tokens, one pass over the bytes, no allocation.
//!
//! Each token's first byte says by a table what it begins; words, numbers and strings are ended by their own modules.
//! Brackets and line continuations are followed for one thing only: what a lone carriage return hides (see
//! [`Lexer::starts_statement`]), since an end of line is an `<EOL>` inside brackets too.

use memchr::{memchr, memchr2};

use super::{CursorIn, Kind, Token, number, string, word};

/// All tokens of a whole file's text: no [`Kind::Eol`] first, last, or twice in a row.
///
/// Spans are 32 bits wide; of a text beyond 4 GiB the rest is left out.
pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens = collect(&mut Lexer::new(text));
    if tokens.last().is_some_and(|token| token.kind == Kind::Eol) {
        tokens.pop();
    }
    tokens
}

/// The lexer's remaining tokens.
fn collect(lexer: &mut Lexer) -> Vec<Token> {
    // Python has about one token in five bytes.
    let mut tokens = Vec::with_capacity(lexer.text.len() / 5 + 8);
    tokens.extend(lexer);
    tokens
}

/// An iterator over the tokens of a text. Unlike [`lex`] it gives a last [`Kind::Eol`]: more text may follow.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    /// The first byte not yet read.
    position: usize,
    /// At the start or after an `<EOL>`: no further one may follow.
    after_eol: bool,
    /// Open brackets less closed ones.
    depth: i32,
    /// The line continues another by a backslash.
    continued: bool,
    /// What the text read so far ends in.
    place: CursorIn,
}

/// What a byte begins.
#[derive(Clone, Copy)]
enum First {
    /// Nothing: white space, or a control character that Python refuses.
    Blank,
    LineFeed,
    CarriageReturn,
    Comment,
    /// A continuation of the line, or else nothing.
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
    /// An operator that is always alone, or a character that Python refuses.
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

    /// The same lexer over another text, which begins as the first one does up to where this has read.
    pub(super) fn over<'u>(&self, text: &'u str) -> Lexer<'u> {
        Lexer {
            text: clipped(text),
            ..*self
        }
    }

    /// The first byte not yet read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// After the last token: whether the text ends inside a string or a comment.
    pub(super) fn place(&self) -> CursorIn {
        self.place
    }

    /// The token from `start` to `end`, where reading goes on.
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

    /// The string literal at `start` whose quotes stand at `open`.
    fn string(&mut self, start: usize, open: usize) -> Token {
        let bytes = self.text.as_bytes();
        let end = string::end(bytes, &bytes[start..open], open);
        if !end.closed && end.at == bytes.len() {
            self.place = CursorIn::String;
        }
        self.token(Kind::String, start, end.at)
    }

    /// The end of line from `start` to `end`; none after another.
    #[inline]
    fn end_of_line(&mut self, start: usize, end: usize) -> Option<Token> {
        self.continued = false;
        if self.after_eol {
            self.position = end;
            return None;
        }
        Some(self.token(Kind::Eol, start, end))
    }

    /// Passes over the comment at `start`, up to its line break.
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

    /// Whether no token stands before this place on the line of a new statement.
    ///
    /// `tokenize` ends lines at line feeds only. A lone carriage return is a space to it, but one that starts a
    /// statement's line hides the rest of it, as does a comment there. Old Macintosh files are thus one line.
    fn starts_statement(&self) -> bool {
        self.depth == 0 && self.after_eol && !self.continued
    }

    /// Passes over a character outside ASCII that is white space or the byte order mark, or gives its token.
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

/// What 32-bit spans can name of a text.
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
