//! The base protocol: `Content-Length` headers, a blank line, a JSON body.

use std::io::{self, BufRead};

/// Larger bodies are taken for a broken header.
const MAX_BODY: usize = 1 << 30;

/// A message as it goes over the pipe.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The next message's body; `None` at a clean end of input.
///
/// # Errors
/// `InvalidData` for what is not a header, `UnexpectedEof` for an end inside a message.
pub fn read_frame(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return match length {
                None => Ok(None),
                Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        match (text.split_once(':'), length) {
            (None, Some(length)) if text.is_empty() => {
                let mut body = vec![0; length];
                input.read_exact(&mut body)?;
                return Ok(Some(body));
            }
            (Some((name, value)), _) if name.eq_ignore_ascii_case("Content-Length") => {
                let value = value.trim().parse().ok().filter(|n| *n <= MAX_BODY);
                length = Some(value.ok_or_else(|| invalid(text))?);
            }
            (Some((name, _)), _) if name.eq_ignore_ascii_case("Content-Type") => {}
            _ => return Err(invalid(text)),
        }
    }
}

fn invalid(line: &str) -> io::Error {
    let shown: String = line.chars().take(80).collect();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{shown:?} where a header was expected"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_framed_is_read_back() {
        let bodies: [&[u8]; 3] = [b"{}", b"", "{\"text\":\"\u{1f40d}\r\n\r\n\"}".as_bytes()];
        let bytes: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        let mut input = bytes.as_slice();
        for body in bodies {
            assert_eq!(read_frame(&mut input).unwrap().unwrap(), body);
        }
        assert!(read_frame(&mut input).unwrap().is_none());
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for (bytes, kind) in [
            ("Hello\r\n\r\n", io::ErrorKind::InvalidData),
            ("\r\n", io::ErrorKind::InvalidData),
            ("Content-Length: -1\r\n\r\n", io::ErrorKind::InvalidData),
            (
                "Content-Length: 99999999999\r\n\r\n",
                io::ErrorKind::InvalidData,
            ),
            ("Content-Length: 5\r\n\r\n{}", io::ErrorKind::UnexpectedEof),
            ("Content-Length: 5\r\n", io::ErrorKind::UnexpectedEof),
        ] {
            let error = read_frame(&mut bytes.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), kind, "{bytes:?}");
        }
    }
}
