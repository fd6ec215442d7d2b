//! Line ends of a text: `\n`, `\r\n` and a lone `\r`, as in Python source and the Language Server Protocol.

use std::ops::Range;

use memchr::{memchr2, memrchr2};

/// The byte range of each line, without its line break. A text has one line more than line breaks.
pub fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let found = line_break(text, from);
        start = found.as_ref().map(|found| found.end);
        Some(from..found.map_or(text.len(), |found| found.start))
    })
}

/// The byte range of the first line break at or after `from`.
pub fn line_break(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let start = from + memchr2(b'\n', b'\r', &bytes[from..])?;
    let is_pair = bytes[start..].starts_with(b"\r\n");
    Some(start..start + if is_pair { 2 } else { 1 })
}

/// The byte offset of the start of the line that contains `offset`. A `\r\n` belongs to the line that it ends.
pub fn line_start(text: &str, offset: usize) -> usize {
    let bytes = text.as_bytes();
    let is_inside_pair = bytes[..offset].ends_with(b"\r") && bytes[offset..].starts_with(b"\n");
    let before = &bytes[..offset - usize::from(is_inside_pair)];
    memrchr2(b'\n', b'\r', before).map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_are_those_of_the_text_with_plain_line_ends(text in "[a\u{e9}\n\r]{0,24}") {
            let plain = text.replace("\r\n", "\n").replace('\r', "\n");
            let found: Vec<_> = lines(&text).collect();
            let spelled: Vec<_> = found.iter().map(|line| &text[line.clone()]).collect();
            prop_assert_eq!(spelled, plain.split('\n').collect::<Vec<_>>());
            for offset in 0..=text.len() {
                let line = found.iter().rfind(|line| line.start <= offset);
                prop_assert_eq!(line_start(&text, offset), line.unwrap().start);
            }
        }
    }
}
