//! A source file's bytes -> text: byte order mark, then the coding line of PEP 263, then UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8};
use memchr::memchr;

/// The text of a source file. Never fails: an encoding that is unknown counts as UTF-8, and what is wrong in
/// the file's encoding becomes U+FFFD. The byte order mark is left out.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[length..]).0;
    }
    match declared(bytes) {
        Declared::Latin1 => encoding_rs::mem::decode_latin1(bytes),
        Declared::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
    }
}

/// What a file says it is written in.
enum Declared {
    /// ISO 8859-1 proper. By that name `encoding_rs` (as the web does) means Windows' code page 1252, Python does not.
    Latin1,
    Other(&'static Encoding),
}

/// The encoding that one of the first two lines declares; the second counts only if the first is blank or a comment.
fn declared(bytes: &[u8]) -> Declared {
    let mut rest = bytes;
    for _ in 0..2 {
        let (line, behind) = match memchr(b'\n', rest) {
            Some(length) => rest.split_at(length + 1),
            None => (rest, &[][..]),
        };
        let indent = line
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'))
            .count();
        let line = &line[indent..];
        if let Some(name) = coding(line) {
            return named(name);
        }
        if !matches!(line.first(), None | Some(b'#' | b'\r' | b'\n')) {
            break;
        }
        rest = behind;
    }
    Declared::Other(UTF_8)
}

/// The name in a comment's `coding: name` or `coding=name`.
fn coding(line: &[u8]) -> Option<&str> {
    if line.first() != Some(&b'#') {
        return None;
    }
    let mut starts =
        memchr::memmem::find_iter(line, b"coding").map(|start| start + b"coding".len());
    starts.find_map(|end| {
        let (mark, rest) = line[end..].split_first()?;
        let blanks = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let name = rest[blanks..]
            .split(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)))
            .next()?;
        (matches!(mark, b':' | b'=') && !name.is_empty()).then(|| std::str::from_utf8(name).ok())?
    })
}

/// The encoding that Python knows by this name.
fn named(name: &str) -> Declared {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is = |known: &str| {
        name.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    if ["latin-1", "iso-8859-1", "iso-latin-1"].into_iter().any(is) {
        return Declared::Latin1;
    }
    let label = match name.as_str() {
        "latin1" | "l1" | "latin" | "8859" | "iso8859" | "iso8859-1" | "cp819" | "ascii"
        | "us-ascii" | "646" => {
            return Declared::Latin1;
        }
        // What Python calls otherwise than the web's list of labels, which `encoding_rs` goes by.
        "cp932" | "ms932" | "mskanji" | "shiftjis" => "shift_jis",
        "cp936" | "ms936" => "gbk",
        "cp949" | "ms949" | "uhc" | "euckr" => "euc-kr",
        "cp950" | "ms950" => "big5",
        "eucjp" | "ujis" => "euc-jp",
        "latin-9" | "latin9" => "iso-8859-15",
        "mac-roman" | "macroman" => "macintosh",
        "mac-cyrillic" => "x-mac-cyrillic",
        other => other,
    };
    // Python refuses a coding line that could not be read in the encoding it names, such as UTF-16's.
    let known = Encoding::for_label(label.as_bytes());
    Declared::Other(
        known
            .filter(|known| known.is_ascii_compatible() || *known == ISO_2022_JP)
            .unwrap_or(UTF_8),
    )
}
