//! Source decoding: byte order mark, then the coding line of PEP 263, then UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8};

/// The text of a source file without its byte order mark. Never fails: an unknown encoding is read as UTF-8, and
/// invalid bytes become U+FFFD.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[length..]).0;
    }
    match declared(bytes) {
        Declared::Ascii | Declared::Latin1 => encoding_rs::mem::decode_latin1(bytes),
        Declared::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
        Declared::Unknown => UTF_8.decode_without_bom_handling(bytes).0,
    }
}

/// The text of a source file; None if its bytes are invalid in the declared encoding.
pub(super) fn decode_strictly(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let strictly = |encoding: &'static Encoding, bytes| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    };
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        // A coding line must not contradict the byte order mark. Python compares names: `utf8` does contradict it.
        let contradicts = |name: &str| {
            let name = name.to_ascii_lowercase().replace('_', "-");
            name != "utf-8" && !name.starts_with("utf-8-")
        };
        if head(rest).find_map(coding).is_some_and(contradicts) {
            return None;
        }
        return strictly(UTF_8, rest);
    }
    // Python reads the lines that may declare an encoding as UTF-8.
    if !head(bytes).all(|line| std::str::from_utf8(line).is_ok()) {
        return None;
    }
    match declared(bytes) {
        Declared::Ascii if !bytes.is_ascii() => None,
        Declared::Ascii | Declared::Latin1 => Some(encoding_rs::mem::decode_latin1(bytes)),
        Declared::Other(encoding) => strictly(encoding, bytes),
        Declared::Unknown => None,
    }
}

/// The encoding that a file declares.
enum Declared {
    /// ASCII, read as its superset ISO 8859-1.
    Ascii,
    /// ISO 8859-1. For that name `encoding_rs` (following the web) uses Windows code page 1252; Python does not.
    Latin1,
    Other(&'static Encoding),
    /// An unknown name.
    Unknown,
}

/// The encoding declared in the first two lines.
fn declared(bytes: &[u8]) -> Declared {
    let name = head(bytes).find_map(coding);
    name.map_or(Declared::Other(UTF_8), named)
}

/// The lines that may declare an encoding: the first, and the second if the first is blank or a comment without a
/// declaration.
fn head(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let first = lines.next();
    let second = lines.next().filter(|_| {
        first.is_some_and(|line| {
            let start = line[indent(line)..].first();
            matches!(start, None | Some(b'#' | b'\r' | b'\n')) && coding(line).is_none()
        })
    });
    first.into_iter().chain(second)
}

/// Number of leading blanks.
fn indent(line: &[u8]) -> usize {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\x0c');
    line.iter().take_while(blank).count()
}

/// The encoding name in a comment's `coding: name` or `coding=name`.
fn coding(line: &[u8]) -> Option<&str> {
    let line = &line[indent(line)..];
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

/// The encoding that Python knows by this name, ignoring case and punctuation.
fn named(name: &str) -> Declared {
    let name = name.to_ascii_lowercase();
    let parts = name.split(['-', '_']).filter(|part| !part.is_empty());
    let mut name = parts.collect::<Vec<_>>().join("-");
    if ["ascii", "us-ascii"].contains(&name.as_str()) {
        return Declared::Ascii;
    }
    if LATIN_1.contains(&name.as_str())
        || LATIN_1_AND_MORE.iter().any(|more| name.starts_with(more))
    {
        return Declared::Latin1;
    }
    // An editor may have appended a suffix, as for Latin-1.
    if name.starts_with("utf-8-") {
        return Declared::Other(UTF_8);
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        name.insert_str(0, "cp");
    }
    let alias = ALIASES
        .iter()
        .find(|(names, _)| names.split(' ').any(|python| python == name));
    let label = alias.map_or(name.as_str(), |(_, label)| label);
    // Python rejects an encoding in which its own coding line cannot be read, such as UTF-16.
    let readable =
        |encoding: &&'static Encoding| encoding.is_ascii_compatible() || *encoding == ISO_2022_JP;
    Encoding::for_label(label.as_bytes())
        .filter(readable)
        .map_or(Declared::Unknown, Declared::Other)
}

/// Names of ISO 8859-1.
const LATIN_1: [&str; 10] = [
    "latin-1",
    "iso-8859-1",
    "iso-latin-1",
    "latin1",
    "l1",
    "latin",
    "8859",
    "iso8859",
    "iso8859-1",
    "cp819",
];

/// Prefixes of names with a suffix from Emacs: `latin-1-unix`.
const LATIN_1_AND_MORE: [&str; 3] = ["latin-1-", "iso-8859-1-", "iso-latin-1-"];

/// Python's names that differ from the web's labels in `encoding_rs`. The DOS code pages are in neither.
const ALIASES: [(&str, &str); 10] = [
    ("cp932 ms932 ms-kanji mskanji shiftjis s-jis", "shift_jis"),
    ("eucjp ujis u-jis", "euc-jp"),
    ("iso2022-jp iso2022jp", "iso-2022-jp"),
    ("cp936 ms936 euc-cn euccn", "gbk"),
    ("cp949 ms949 uhc euckr", "euc-kr"),
    ("cp950 ms950", "big5"),
    ("cp874 tis620 thai", "windows-874"),
    ("latin-9 latin9", "iso-8859-15"),
    ("mac-roman macroman", "macintosh"),
    ("mac-cyrillic maccyrillic", "x-mac-cyrillic"),
];
