//! The few protocol types that callers need. Everything else is JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ResponseError;

/// A position in a document. `character` is in code units of the negotiated encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line number, from 0.
    pub line: u32,
    /// Offset in the line, in code units.
    pub character: u32,
}

impl Position {
    /// The position `character` units into `line`.
    pub const fn new(line: u32, character: u32) -> Self {
        Self { line, character }
    }
}

/// A half-open range of text from `start` to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first position in the range.
    pub start: Position,
    /// The position after the range.
    pub end: Position,
}

/// One content change of `textDocument/didChange`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The text to replace; the whole document if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// The replacement.
    pub text: String,
}

impl Change {
    /// Replaces the whole document.
    pub fn full(text: impl Into<String>) -> Self {
        Self {
            range: None,
            text: text.into(),
        }
    }

    /// Replaces the text between two positions.
    pub fn replace(start: Position, end: Position, text: impl Into<String>) -> Self {
        Self {
            range: Some(Range { start, end }),
            text: text.into(),
        }
    }

    /// Inserts `text` at a position.
    pub fn insert(at: Position, text: impl Into<String>) -> Self {
        Self::replace(at, at, text)
    }
}

/// A server's answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The result, or the error in the response.
    pub result: Result<Value, ResponseError>,
    /// Time between sending the request and reading the last byte of the answer.
    pub latency: Duration,
}

/// A notification from the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Its method.
    pub method: String,
    /// Its parameters, `null` if it has none.
    pub params: Value,
}
