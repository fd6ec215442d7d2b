//! The few protocol types that every caller needs; all else is JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ResponseError;

/// A place in a document: line and character from 0, the character in units of the negotiated encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 0.
    pub line: u32,
    /// Code units before the place in its line.
    pub character: u32,
}

impl Position {
    /// The place `character` units into `line`.
    pub const fn new(line: u32, character: u32) -> Self {
        Self { line, character }
    }
}

/// From `start` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First place.
    pub start: Position,
    /// The place after the last.
    pub end: Position,
}

/// One content change of `textDocument/didChange`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What is replaced; the whole document if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// What stands there afterwards.
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

    /// Replaces what lies between two places.
    pub fn replace(start: Position, end: Position, text: impl Into<String>) -> Self {
        Self {
            range: Some(Range { start, end }),
            text: text.into(),
        }
    }

    /// Types `text` at a place.
    pub fn insert(at: Position, text: impl Into<String>) -> Self {
        Self::replace(at, at, text)
    }
}

/// What a server answered, and how long it took from the last byte written to the last byte read.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The result, or the error that the server answered with.
    pub result: Result<Value, ResponseError>,
    /// Time at the pipe's client end.
    pub latency: Duration,
}

/// A message from the server that asks for no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Its method.
    pub method: String,
    /// Its parameters, `null` if it has none.
    pub params: Value,
}
