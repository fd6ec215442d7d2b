//! Converts between a protocol position (line, code units of the negotiated encoding) and a byte offset into UTF-8
//! text.
//!
//! Lines end at `\n`, `\r\n` or `\r` and nowhere else. Positions outside the text are clamped, as the specification says:
//! past the last character of a line means the end of the line, and past the last line means the end of the text. A
//! position inside a character means its start.

use tower_lsp::ls_types::{Position, PositionEncodingKind, Range};

use crate::python;

/// What a position's `character` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: the protocol's default.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The first encoding in the client's list that the server supports; UTF-16 if there is none.
    pub fn negotiate(offered: Option<&[PositionEncodingKind]>) -> Self {
        let known = offered.unwrap_or_default().iter().find_map(|kind| {
            [Self::Utf8, Self::Utf16, Self::Utf32]
                .into_iter()
                .find(|encoding| encoding.kind() == *kind)
        });
        known.unwrap_or_default()
    }

    /// The encoding's name in the protocol.
    pub const fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    const fn units(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// The byte offset of a position.
pub fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let Some(range) = python::lines(text).nth(position.line as usize) else {
        return text.len();
    };
    let line = &text[range.clone()];
    let wanted = position.character as usize;
    range.start
        + match encoding {
            Encoding::Utf8 => line.floor_char_boundary(wanted),
            Encoding::Utf16 | Encoding::Utf32 => {
                let mut units = 0;
                let past = line.char_indices().find(|(_, character)| {
                    units += encoding.units(*character);
                    units > wanted
                });
                past.map_or(line.len(), |(at, _)| at)
            }
        }
}

/// The position of a byte offset. An offset between `\r` and `\n` maps to the end of the line.
pub fn position(text: &str, offset: usize, encoding: Encoding) -> Position {
    let offset = text.floor_char_boundary(offset);
    let (mut number, mut line) = (0, 0..0);
    for (next_number, next) in (0..).zip(python::lines(text)) {
        if next.start > offset {
            break;
        }
        (number, line) = (next_number, next);
    }
    let before = &text[line.start..offset.min(line.end)];
    let units: usize = before.chars().map(|c| encoding.units(c)).sum();
    Position::new(number, units as u32)
}

/// The range of a span of bytes.
pub fn range(text: &str, span: std::ops::Range<usize>, encoding: Encoding) -> Range {
    Range::new(
        position(text, span.start, encoding),
        position(text, span.end, encoding),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    /// All positions of a text by the definition: one character at a time, without a search.
    fn places(text: &str, encoding: Encoding) -> Vec<(Position, usize)> {
        let mut found = Vec::new();
        let (mut line, mut character) = (0, 0);
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            found.push((Position::new(line, character), at));
            if c == '\r' && matches!(rest.peek(), Some((_, '\n'))) {
                rest.next();
            }
            if c == '\n' || c == '\r' {
                (line, character) = (line + 1, 0);
            } else {
                character += match encoding {
                    Encoding::Utf8 => c.to_string().len() as u32,
                    Encoding::Utf16 => c.to_string().encode_utf16().count() as u32,
                    Encoding::Utf32 => 1,
                };
            }
        }
        found.push((Position::new(line, character), text.len()));
        found
    }

    fn text() -> impl Strategy<Value = String> {
        "[ab \u{e9}\u{20ac}\u{1f40d}\u{2028}\u{c}\n\r]{0,24}"
    }

    proptest! {
        #[test]
        fn every_place_goes_there_and_back(text in text()) {
            for encoding in ALL {
                for (at, bytes) in places(&text, encoding) {
                    prop_assert_eq!(offset(&text, at, encoding), bytes);
                    prop_assert_eq!(position(&text, bytes, encoding), at);
                }
            }
        }

        #[test]
        fn positions_outside_the_text_are_clamped(text in text(), line in 0_u32..9, character in 0_u32..30) {
            for encoding in ALL {
                let wanted = Position::new(line, character);
                // The last position on that line at or before the wanted one, or else the end of the text.
                let expected = places(&text, encoding).into_iter()
                    .rfind(|(at, _)| at.line == line && at.character <= character)
                    .map_or(text.len(), |(_, bytes)| bytes);
                prop_assert_eq!(offset(&text, wanted, encoding), expected);
                prop_assert_eq!(offset(&text, Position::new(u32::MAX, u32::MAX), encoding), text.len());
            }
        }

        #[test]
        fn no_offset_panics(text in text(), bytes in 0_usize..100) {
            for encoding in ALL {
                let at = position(&text, bytes, encoding);
                prop_assert!(offset(&text, at, encoding) <= text.floor_char_boundary(bytes));
            }
        }
    }

    #[test]
    fn the_clients_first_known_encoding_is_taken() {
        let offer = |names: &[&'static str]| {
            let kinds: Vec<_> = names
                .iter()
                .map(|name| PositionEncodingKind::new(name))
                .collect();
            Encoding::negotiate(Some(&kinds))
        };
        assert_eq!(Encoding::negotiate(None), Encoding::Utf16);
        assert_eq!(offer(&[]), Encoding::Utf16);
        assert_eq!(offer(&["utf-7"]), Encoding::Utf16);
        assert_eq!(offer(&["utf-7", "utf-32", "utf-8"]), Encoding::Utf32);
        assert_eq!(offer(&["utf-8", "utf-16"]), Encoding::Utf8);
    }
}
