//! The base protocol: a message is a `Content-Length` header, a blank line and a JSON body.
//!
//! [`FrameReader`] reads arbitrary bytes. It reports invalid bytes once and resumes at the next `Content-Length`
//! header, even in the middle of a line: if an announced length was too small, the rest of the body precedes the next
//! header. The module does not parse JSON or interpret messages.

use std::io::{self, BufRead, Read};

/// Maximum length of a header line in bytes.
const MAX_LINE: u64 = 4096;
/// Maximum length of a body in bytes. A header that announces more is invalid.
const MAX_BODY: usize = 256 << 20;

const CONTENT_LENGTH: &str = "Content-Length";

/// A message with its header, as sent.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{CONTENT_LENGTH}: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Reads messages from a byte stream.
#[derive(Debug)]
pub struct FrameReader<R> {
    input: R,
    /// The length announced by the current header block.
    length: Option<usize>,
    /// Whether invalid bytes have been reported since the last message.
    is_resyncing: bool,
}

/// The next item in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The body of a message.
    Body(Vec<u8>),
    /// Bytes outside any message, and the reason. Reported once until the next message.
    Invalid(String),
    /// The stream ended inside a message.
    Truncated,
    /// The stream ended.
    End,
}

enum Line<'a> {
    Length(usize),
    /// A `Content-Length` with this value, which is not a valid length.
    InvalidLength(&'a str),
    OtherHeader,
    Blank,
    Invalid,
}

impl<R: BufRead> FrameReader<R> {
    /// Reads messages from `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            length: None,
            is_resyncing: false,
        }
    }

    /// Reads to the end of the next message, or of the first invalid line.
    ///
    /// # Errors
    /// I/O errors of the stream. Invalid contents are not an error: they are returned as a [`Frame`].
    pub fn read(&mut self) -> io::Result<Frame> {
        loop {
            let mut line = Vec::new();
            let read = (&mut self.input)
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                let is_inside = self.length.take().is_some();
                return Ok(if is_inside {
                    Frame::Truncated
                } else {
                    Frame::End
                });
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            let complaint = match (classify(text), self.length) {
                (Line::Blank, Some(length)) => return self.read_body(length),
                (Line::Blank, None) => format!("a header block without {CONTENT_LENGTH}"),
                (Line::Length(length), _) => {
                    self.length = Some(length);
                    continue;
                }
                (Line::OtherHeader, _) => continue,
                (Line::InvalidLength(value), _) => {
                    self.length = None;
                    format!(
                        "{CONTENT_LENGTH} must be a number from 0 to {MAX_BODY}, not {:?}",
                        beginning(value)
                    )
                }
                (Line::Invalid, _) => {
                    self.length = length_inside(text);
                    format!("expected a header, found {:?}", beginning(text))
                }
            };
            if !self.is_resyncing {
                self.is_resyncing = true;
                return Ok(Frame::Invalid(complaint));
            }
        }
    }

    fn read_body(&mut self, length: usize) -> io::Result<Frame> {
        self.length = None;
        self.is_resyncing = false;
        // Grow with the bytes that arrive, not with the announced length.
        let mut body = Vec::new();
        (&mut self.input)
            .take(length as u64)
            .read_to_end(&mut body)?;
        Ok(if body.len() == length {
            Frame::Body(body)
        } else {
            Frame::Truncated
        })
    }
}

fn classify(line: &str) -> Line<'_> {
    if line.is_empty() {
        return Line::Blank;
    }
    match line.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case(CONTENT_LENGTH) => {
            let value = value.trim();
            let length = value.parse().ok().filter(|length| *length <= MAX_BODY);
            length.map_or(Line::InvalidLength(value), Line::Length)
        }
        Some((name, _)) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            Line::OtherHeader
        }
        _ => Line::Invalid,
    }
}

/// The characters of a line that an error message shows.
fn beginning(line: &str) -> String {
    line.chars().take(60).collect()
}

/// The length in a header that is preceded by other bytes on the same line.
fn length_inside(line: &str) -> Option<usize> {
    let at = line.find(CONTENT_LENGTH)?;
    match classify(&line[at..]) {
        Line::Length(length) => Some(length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The frames of a stream, one per line.
    fn check(bytes: &[u8]) -> String {
        let mut reader = FrameReader::new(bytes);
        let mut seen = Vec::new();
        loop {
            match reader.read().unwrap() {
                Frame::Body(body) => seen.push(String::from_utf8_lossy(&body).into_owned()),
                Frame::Invalid(why) => seen.push(format!("invalid: {why}")),
                Frame::Truncated => seen.push("truncated".to_owned()),
                Frame::End => return seen.join("\n"),
            }
        }
    }

    #[test]
    fn headers_are_read_in_any_case_and_order() {
        let other = b"content-length:2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}";
        assert_eq!(check(other), "{}");
        assert_eq!(
            check(b"Content-Length: 1\n\nxContent-Length: 0\r\n\r\n"),
            "x\n"
        );
    }

    #[test]
    fn a_truncated_message_is_reported() {
        for (bytes, seen) in [
            ("", ""),
            ("Content-Length: 9\r\n\r\n{}", "truncated"),
            ("Content-Length: 9\r\n", "truncated"),
            ("Content-Length: 2\r\n\r\n{}", "{}"),
        ] {
            assert_eq!(check(bytes.as_bytes()), seen, "{bytes:?}");
        }
    }

    #[test]
    fn reading_resumes_at_the_next_header() {
        let next = "Content-Length: 2\r\n\r\n{}";
        let mut seen = Vec::new();
        for invalid in [
            "Hello\r\nWorld\r\n",
            "\r\n",
            "Content-Type: x\r\n\r\n",
            "Content-Length: two\r\n\r\n[]",
            "Content-Length: -1\r\n\r\n",
            "Content-Length: 99999999999999999999\r\n\r\n",
            "Content-Length: 268435457\r\n\r\n",
            "{\"jsonrpc\": \"2.0\"}",
            &"x".repeat(10_000),
            &format!("X-Long: {}\r\n", "x".repeat(10_000)),
        ] {
            seen.push(check((invalid.to_owned() + next).as_bytes()));
        }
        insta::assert_snapshot!(seen.join("\n"), @r#"
        invalid: expected a header, found "Hello"
        {}
        invalid: a header block without Content-Length
        {}
        invalid: a header block without Content-Length
        {}
        invalid: Content-Length must be a number from 0 to 268435456, not "two"
        {}
        invalid: Content-Length must be a number from 0 to 268435456, not "-1"
        {}
        invalid: Content-Length must be a number from 0 to 268435456, not "99999999999999999999"
        {}
        invalid: Content-Length must be a number from 0 to 268435456, not "268435457"
        {}
        invalid: expected a header, found "{\"jsonrpc\": \"2.0\"}Content-Length: 2"
        {}
        invalid: expected a header, found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        invalid: expected a header, found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        {}
        "#);
    }

    #[test]
    fn a_wrong_length_costs_one_message() {
        let after = "Content-Length: 2\r\n\r\n[]Content-Length: 2\r\n\r\n[]";
        assert_eq!(
            check(format!("Content-Length: 1\r\n\r\n{{}}{after}").as_bytes()),
            "{\ninvalid: expected a header, found \"}Content-Length: 2\"\n[]\n[]"
        );
    }

    proptest! {
        #[test]
        fn framed_bodies_are_read_back(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
            let bytes: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
            let mut reader = FrameReader::new(bytes.as_slice());
            for body in bodies {
                prop_assert_eq!(reader.read().unwrap(), Frame::Body(body));
            }
            prop_assert_eq!(reader.read().unwrap(), Frame::End);
        }

        #[test]
        fn no_bytes_panic_and_a_message_after_them_is_found(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut stream = bytes;
            stream.extend(b"\r\nContent-Length: 4\r\n\r\ntrue");
            prop_assert!(check(&stream).ends_with("true"));
        }
    }
}
