//! Threads that read a server's output and errors, so that its pipes never fill up.

use std::io::{BufReader, Read};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::lsp::framing::{Frame, FrameReader};

/// Output of a server.
pub enum Incoming {
    /// A message, and the time when its last byte was read.
    Message(Value, Instant),
    /// Bytes that are not a message, and the reason.
    Malformed(String),
}

/// Forwards the server's messages until its output ends or the receiver is dropped.
pub fn read_messages(output: impl Read, sender: &Sender<Incoming>) {
    let mut frames = FrameReader::new(BufReader::new(output));
    loop {
        let frame = frames.read();
        let at = Instant::now();
        let incoming = match frame {
            Ok(Frame::End) => return,
            Ok(Frame::Body(body)) => match serde_json::from_slice(&body) {
                Ok(message) => Incoming::Message(message, at),
                Err(error) => Incoming::Malformed(error.to_string()),
            },
            Ok(Frame::Invalid(why)) => Incoming::Malformed(why),
            Ok(Frame::Truncated) => {
                Incoming::Malformed("its output ended in the middle of a message".to_owned())
            }
            Err(error) => {
                let _ = sender.send(Incoming::Malformed(error.to_string()));
                return;
            }
        };
        if sender.send(incoming).is_err() {
            return;
        }
    }
}

/// Collects the server's standard error.
pub fn collect(mut stderr: impl Read, errors: &Mutex<String>) {
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = stderr.read(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..n]);
        errors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(&text);
    }
}
