//! The threads that read what a server writes, so that its pipes never fill up.

use std::io::{BufReader, Read};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::framing::read_frame;

/// What came out of the server.
pub enum Incoming {
    /// A message, and when its last byte was read.
    Message(Value, Instant),
    /// What is not one; nothing follows it if even the framing is broken.
    Malformed(String),
}

/// Reads messages until the output ends or nobody listens.
pub fn read_messages(output: impl Read, sender: &Sender<Incoming>) {
    let mut output = BufReader::new(output);
    loop {
        let incoming = match read_frame(&mut output) {
            Ok(None) => return,
            Ok(Some(body)) => {
                let at = Instant::now();
                match serde_json::from_slice(&body) {
                    Ok(message) => Incoming::Message(message, at),
                    Err(error) => Incoming::Malformed(error.to_string()),
                }
            }
            Err(error) => {
                // After this the stream cannot be understood any more.
                let _ = sender.send(Incoming::Malformed(error.to_string()));
                return;
            }
        };
        if sender.send(incoming).is_err() {
            return;
        }
    }
}

/// Appends all that the server says on its standard error.
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
