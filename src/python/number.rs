//! Numeric literals by the regular expressions of `CPython`'s `tokenize`. The longest match wins: `1if` is `1` and a
//! word, `0xfor` is `0xf` and a word, and `012` (no longer valid in Python) is `0` and `12`.

/// The end of the number at `start`, which must be a digit, or a dot before a digit.
pub(super) fn end(bytes: &[u8], start: usize) -> usize {
    if bytes[start] == b'.' {
        return imaginary(bytes, exponent(bytes, digits(bytes, start + 1)));
    }
    // Floats and imaginary numbers come first: their integer part may have leading zeros.
    let whole = digits(bytes, start);
    match bytes.get(whole) {
        Some(b'.') => return imaginary(bytes, exponent(bytes, digits(bytes, whole + 1))),
        Some(b'e' | b'E') => {
            let end = exponent(bytes, whole);
            if end > whole {
                return imaginary(bytes, end);
            }
        }
        Some(b'j' | b'J') => return whole + 1,
        _ => {}
    }
    if bytes[start] != b'0' {
        return whole;
    }
    let in_base = match bytes.get(start + 1) {
        Some(b'x' | b'X') => Some(run(bytes, start + 2, true, |byte| byte.is_ascii_hexdigit())),
        Some(b'o' | b'O') => Some(run(bytes, start + 2, true, |byte| {
            matches!(byte, b'0'..=b'7')
        })),
        Some(b'b' | b'B') => Some(run(bytes, start + 2, true, |byte| {
            matches!(byte, b'0' | b'1')
        })),
        _ => None,
    };
    match in_base {
        Some(end) if end > start + 2 => end,
        _ => run(bytes, start, false, |byte| byte == b'0'),
    }
}

/// Whether appending characters to `text`, which starts with a digit or a dot before a digit, could make it a single
/// number: true for `1`, `0x`, `1e-`, `1_`, `1.`, `012` (`012.5` is a number); false for `1j` and `1if`.
pub(super) fn is_open(text: &[u8]) -> bool {
    // A digit continues every unfinished number, and the dot allows digits after leading zeros.
    end(&[text, b"0."].concat(), 0) > text.len()
}

/// The end of the decimal digits at `position`, with single underscores between them; `position` if there are none.
#[inline]
fn digits(bytes: &[u8], position: usize) -> usize {
    run(bytes, position, false, |byte| byte.is_ascii_digit())
}

/// The end of the digits at `position`, each after at most one underscore; the first one only if `underscore_first`.
#[inline]
fn run(
    bytes: &[u8],
    mut position: usize,
    underscore_first: bool,
    digit: impl Fn(u8) -> bool,
) -> usize {
    let mut underscore = underscore_first;
    loop {
        let next = position + usize::from(underscore && bytes.get(position) == Some(&b'_'));
        if !bytes.get(next).is_some_and(|&byte| digit(byte)) {
            return position;
        }
        position = next + 1;
        underscore = true;
    }
}

/// The end of the exponent at `position`; `position` if there is none.
fn exponent(bytes: &[u8], position: usize) -> usize {
    if !matches!(bytes.get(position), Some(b'e' | b'E')) {
        return position;
    }
    let first = position + 1 + usize::from(matches!(bytes.get(position + 1), Some(b'+' | b'-')));
    let end = digits(bytes, first);
    if end > first { end } else { position }
}

/// The position after the `j` at `position`, or `position` if there is none.
fn imaginary(bytes: &[u8], position: usize) -> usize {
    position + usize::from(matches!(bytes.get(position), Some(b'j' | b'J')))
}
