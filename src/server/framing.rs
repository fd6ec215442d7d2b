//! The base protocol's frames out of a stream that may hold anything.
//!
//! Garbage is reported once, and skipped up to the next `Content-Length` header wherever it stands, since a body that
//! was announced too short or too long leaves its rest in front of it.

use std::io::{self, BufRead, Read};

/// A longer line is no header.
const MAX_LINE: u64 = 4096;
/// A larger body is not believed in.
const MAX_BODY: usize = 256 << 20;

const LENGTH: &str = "Content-Length:";

/// Reads frames.
pub struct Frames<R> {
    input: R,
    length: Option<usize>,
    lost: bool,
}

/// What stood next in the stream.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// A message's body.
    Body(Vec<u8>),
    /// Bytes that are no frame, told once however many they are.
    Garbage(String),
    /// Nothing more.
    End,
}

enum Line {
    Length(usize),
    OtherHeader,
    Blank,
    Garbage,
}

impl<R: BufRead> Frames<R> {
    /// Reads frames from `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            length: None,
            lost: false,
        }
    }

    /// The next frame. An end inside a frame is an end.
    pub fn next(&mut self) -> io::Result<Frame> {
        loop {
            let mut line = Vec::new();
            if (&mut self.input)
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)?
                == 0
            {
                return Ok(Frame::End);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            let complaint = match (classify(text), self.length) {
                (Line::Blank, Some(length)) => return self.body(length),
                (Line::Blank, None) => "a header block without Content-Length".to_owned(),
                (Line::Length(length), _) => {
                    self.length = Some(length);
                    continue;
                }
                (Line::OtherHeader, _) => continue,
                (Line::Garbage, _) => {
                    // A header may follow what a wrong length has left over.
                    let header = text.find(LENGTH).map(|at| classify(&text[at..]));
                    self.length = match header {
                        Some(Line::Length(length)) => Some(length),
                        _ => None,
                    };
                    let shown: String = text.chars().take(60).collect();
                    format!("{shown:?} where a header was expected")
                }
            };
            if !self.lost {
                self.lost = true;
                return Ok(Frame::Garbage(complaint));
            }
        }
    }

    fn body(&mut self, length: usize) -> io::Result<Frame> {
        self.length = None;
        self.lost = false;
        // Grows with what really comes, not with what is announced.
        let mut body = Vec::new();
        (&mut self.input)
            .take(length as u64)
            .read_to_end(&mut body)?;
        Ok(if body.len() == length {
            Frame::Body(body)
        } else {
            Frame::End
        })
    }
}

fn classify(line: &str) -> Line {
    if line.is_empty() {
        return Line::Blank;
    }
    match line.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case("Content-Length") => value
            .trim()
            .parse()
            .ok()
            .filter(|length| *length <= MAX_BODY)
            .map_or(Line::Garbage, Line::Length),
        Some((name, _)) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            Line::OtherHeader
        }
        _ => Line::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The frames of a stream, one line each.
    fn check(bytes: &[u8]) -> String {
        let mut frames = Frames::new(bytes);
        let mut seen = Vec::new();
        loop {
            match frames.next().unwrap() {
                Frame::Body(body) => seen.push(String::from_utf8_lossy(&body).into_owned()),
                Frame::Garbage(why) => seen.push(format!("garbage: {why}")),
                Frame::End => return seen.join("\n"),
            }
        }
    }

    #[test]
    fn frames_are_read() {
        let other = b"content-length:2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}";
        assert_eq!(check(other), "{}");
        assert_eq!(
            check(b"Content-Length: 1\n\nxContent-Length: 0\r\n\r\n"),
            "x\n"
        );
        assert_eq!(check(b"Content-Length: 9\r\n\r\n{}"), "");
    }

    #[test]
    fn after_garbage_the_next_frame_is_found() {
        let next = "Content-Length: 2\r\n\r\n{}";
        let mut seen = Vec::new();
        for garbage in [
            "Hello\r\nWorld\r\n",
            "\r\n",
            "Content-Type: x\r\n\r\n",
            "Content-Length: two\r\n\r\n[]",
            "Content-Length: -1\r\n\r\n",
            "Content-Length: 99999999999999999999\r\n\r\n",
            "{\"jsonrpc\": \"2.0\"}",
            &"x".repeat(10_000),
            &format!("X-Long: {}\r\n", "x".repeat(10_000)),
        ] {
            seen.push(check((garbage.to_owned() + next).as_bytes()));
        }
        insta::assert_snapshot!(seen.join("\n"), @r#"
        garbage: "Hello" where a header was expected
        {}
        garbage: a header block without Content-Length
        {}
        garbage: a header block without Content-Length
        {}
        garbage: "Content-Length: two" where a header was expected
        {}
        garbage: "Content-Length: -1" where a header was expected
        {}
        garbage: "Content-Length: 99999999999999999999" where a header was expected
        {}
        garbage: "{\"jsonrpc\": \"2.0\"}Content-Length: 2" where a header was expected
        {}
        garbage: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" where a header was expected
        garbage: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" where a header was expected
        {}
        "#);
    }

    #[test]
    fn a_length_that_is_wrong_costs_one_message() {
        let after = "Content-Length: 2\r\n\r\n[]Content-Length: 2\r\n\r\n[]";
        assert_eq!(
            check(format!("Content-Length: 1\r\n\r\n{{}}{after}").as_bytes()),
            "{\ngarbage: \"}Content-Length: 2\" where a header was expected\n[]\n[]"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_a_frame_after_them_is_found(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut stream = bytes;
            stream.extend(b"\r\nContent-Length: 4\r\n\r\ntrue");
            prop_assert!(check(&stream).ends_with("true"));
        }
    }
}
