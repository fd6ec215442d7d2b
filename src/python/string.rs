//! Ends of string literals, including f-strings with nested quotes.
//!
//! An f-string ends at its first own quote outside replacement fields. Up to `CPython` 3.11 it ended at its first own
//! quote anywhere, but an open field there was an error, so every literal that 3.11 compiles ends at the same place.

use memchr::{memchr, memchr2, memchr3};

use super::word::is_string_prefix;

/// The end of a literal.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// Offset after its last byte.
    pub(super) at: usize,
    /// Whether it is terminated.
    pub(super) closed: bool,
}

/// The lexical properties of a literal.
#[derive(Clone, Copy)]
struct Literal {
    quote: u8,
    /// Whether it has triple quotes.
    triple: bool,
    /// Whether it may contain line breaks: triple-quoted literals, unless nested in a single-line f-string.
    multiline: bool,
    /// Whether a backslash is literal (it still keeps a quote from closing the literal).
    raw: bool,
}

/// Maximum nesting of f-strings; deeper ones are read as plain strings, so that no input overflows the stack.
const MAX_NESTING: u32 = 100;

/// The end of the literal with its first quote at `open`, after the letters `prefix`. An unterminated literal ends
/// before the line break, or at the end of the text if it is triple-quoted.
#[inline]
pub(super) fn end(bytes: &[u8], prefix: &[u8], open: usize) -> End {
    nested(bytes, prefix, open, true, 0)
}

/// [`end`] for a literal inside `depth` f-strings; these may span lines if `multiline`.
fn nested(bytes: &[u8], prefix: &[u8], open: usize, multiline: bool, depth: u32) -> End {
    let quote = bytes[open];
    let triple = bytes.get(open + 1) == Some(&quote) && bytes.get(open + 2) == Some(&quote);
    let has = |letter| prefix.iter().any(|&byte| byte | 0x20 == letter);
    let literal = Literal {
        quote,
        triple,
        multiline: triple && multiline,
        raw: has(b'r'),
    };
    let start = open + if triple { 3 } else { 1 };
    if has(b'f') && depth < MAX_NESTING {
        formatted(bytes, literal, start, depth)
    } else {
        plain(bytes, literal, start)
    }
}

/// The end of a literal without replacement fields; `position` is inside it.
fn plain(bytes: &[u8], literal: Literal, mut position: usize) -> End {
    let quote = literal.quote;
    loop {
        let rest = &bytes[position..];
        let found = if literal.multiline {
            memchr2(quote, b'\\', rest)
        } else {
            memchr3(quote, b'\\', b'\n', rest)
        };
        let Some(offset) = found else {
            return open_end(bytes);
        };
        position += offset;
        match bytes[position] {
            b'\\' => position = escape(bytes, position),
            b'\n' => return line_end(bytes, position),
            _ if closes(bytes, literal, position) => return closed(literal, position),
            _ => position += 1,
        }
    }
}

/// The state of the scan in an f-string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Literal text at the top level.
    Text,
    /// A replacement field's expression.
    Expression,
    /// A replacement field's format specification: literal text that may contain fields.
    Format,
}

/// The end of an f-string; `position` is directly after its opening quotes.
fn formatted(bytes: &[u8], literal: Literal, mut position: usize, depth: u32) -> End {
    let mut part = Part::Text;
    let mut fields = 0_usize; // number of open replacement fields, each in the format of the previous one
    let mut brackets = 0_usize; // number of open brackets in the innermost field's expression
    while let Some(&byte) = bytes.get(position) {
        let next = bytes.get(position + 1).copied();
        match (byte, part) {
            (b'\n', _) if !literal.multiline => return line_end(bytes, position),
            (b'\\', Part::Expression) => position = escape(bytes, position),
            (b'\\', _) => position = text_escape(bytes, literal, position),
            (b'\'' | b'"', Part::Expression) => {
                let inner = nested(
                    bytes,
                    prefix_before(bytes, position),
                    position,
                    literal.multiline,
                    depth + 1,
                );
                position = inner.at;
            }
            (_, Part::Text | Part::Format)
                if byte == literal.quote && closes(bytes, literal, position) =>
            {
                return closed(literal, position);
            }
            (b'{', Part::Text) if next == Some(b'{') => position += 2,
            (b'{', Part::Text | Part::Format) => {
                (part, brackets) = (Part::Expression, 0);
                fields += 1;
                position += 1;
            }
            (b'}', Part::Format | Part::Expression) if part == Part::Format || brackets == 0 => {
                fields -= 1;
                part = if fields == 0 {
                    Part::Text
                } else {
                    Part::Format
                };
                position += 1;
            }
            (b'(' | b'[' | b'{', Part::Expression) => {
                brackets += 1;
                position += 1;
            }
            (b')' | b']' | b'}', Part::Expression) => {
                brackets = brackets.saturating_sub(1);
                position += 1;
            }
            (b':', Part::Expression) if brackets == 0 => {
                part = Part::Format;
                position += 1;
            }
            (b'#', Part::Expression) => {
                position += memchr(b'\n', &bytes[position..]).unwrap_or(bytes.len() - position);
            }
            _ => position += 1,
        }
    }
    open_end(bytes)
}

/// The position after the backslash at `position` and the escaped character; CR LF is one line break.
fn escape(bytes: &[u8], position: usize) -> usize {
    let length = if bytes[position + 1..].starts_with(b"\r\n") {
        3
    } else {
        2
    };
    (position + length).min(bytes.len())
}

/// [`escape`] in the text of an f-string, where a backslash does not escape braces, except that `\N{…}` is a character
/// and not a field.
fn text_escape(bytes: &[u8], literal: Literal, position: usize) -> usize {
    match &bytes[position + 1..] {
        [b'{' | b'}', ..] => position + 1,
        [b'N', b'{', name @ ..] if !literal.raw => {
            let length = name
                .iter()
                .position(|&byte| !(byte.is_ascii_alphanumeric() || b" -".contains(&byte)));
            let end = position + 3 + length.unwrap_or(name.len());
            end + usize::from(bytes.get(end) == Some(&b'}'))
        }
        _ => escape(bytes, position),
    }
}

/// The string prefix that ends at `open`; empty if the word there is not a prefix.
fn prefix_before(bytes: &[u8], open: usize) -> &[u8] {
    let word = bytes[open.saturating_sub(3)..open]
        .rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_' && byte.is_ascii())
        .next()
        .unwrap_or_default();
    if is_string_prefix(word) { word } else { &[] }
}

/// Whether the quote at `position` closes the literal.
fn closes(bytes: &[u8], literal: Literal, position: usize) -> bool {
    let quote = Some(&literal.quote);
    !literal.triple || (bytes.get(position + 1) == quote && bytes.get(position + 2) == quote)
}

fn closed(literal: Literal, position: usize) -> End {
    End {
        at: position + if literal.triple { 3 } else { 1 },
        closed: true,
    }
}

fn open_end(bytes: &[u8]) -> End {
    End {
        at: bytes.len(),
        closed: false,
    }
}

/// The end of a literal that is unterminated at the line feed at `position`.
fn line_end(bytes: &[u8], position: usize) -> End {
    End {
        at: position - usize::from(bytes[position - 1] == b'\r'),
        closed: false,
    }
}
