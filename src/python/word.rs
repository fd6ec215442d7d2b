//! Words: their characters, keywords and string prefixes.

use unicode_ident::is_xid_continue;

/// Whether an ASCII byte is a word character.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// The end of the word that continues at `position`.
#[inline]
pub(super) fn end(text: &str, mut position: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        while position < bytes.len() && WORD[bytes[position] as usize] {
            position += 1;
        }
        match non_ascii(text, position) {
            Some(character) if is_word(character) => position += character.len_utf8(),
            _ => return position,
        }
    }
}

/// The non-ASCII character at `position`, if there is one.
#[inline]
pub(super) fn non_ascii(text: &str, position: usize) -> Option<char> {
    match text.as_bytes().get(position) {
        Some(byte) if !byte.is_ascii() => text[position..].chars().next(),
        _ => None,
    }
}

/// Whether a character is a word character: Python's `\w`, which `tokenize` uses for names, or `XID_Continue`, which
/// the language uses (combining marks, for example, are only in the second).
pub(super) fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric() || is_xid_continue(character)
}

/// Whether the word is one of Python's 35 hard keywords; soft ones (`match`, `case`, `type`, `_`) are names.
#[inline]
pub fn is_keyword(word: &str) -> bool {
    keyword(word.as_bytes())
}

/// [`is_keyword`] on bytes.
#[inline]
pub(super) fn keyword(word: &[u8]) -> bool {
    match word.len() {
        2 => matches!(word, b"if" | b"in" | b"is" | b"as" | b"or"),
        3 => matches!(word, b"def" | b"for" | b"not" | b"and" | b"try" | b"del"),
        4 => matches!(
            word,
            b"None" | b"True" | b"else" | b"from" | b"with" | b"elif" | b"pass"
        ),
        5 => matches!(
            word,
            b"False" | b"class" | b"raise" | b"yield" | b"break" | b"while" | b"async" | b"await"
        ),
        6 => matches!(
            word,
            b"return" | b"import" | b"except" | b"lambda" | b"assert" | b"global"
        ),
        7 => word == b"finally",
        8 => matches!(word, b"continue" | b"nonlocal"),
        _ => false,
    }
}

/// Whether the word is a string prefix: `b`, `r`, `u`, `f`, `br`, `fr`, in any case and order.
#[inline]
pub(super) fn is_string_prefix(word: &[u8]) -> bool {
    match *word {
        [one] => matches!(one | 0x20, b'b' | b'r' | b'u' | b'f'),
        [one, two] => matches!(
            (one | 0x20, two | 0x20),
            (b'b' | b'f', b'r') | (b'r', b'b' | b'f')
        ),
        _ => false,
    }
}
