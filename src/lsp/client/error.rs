//! The client's errors.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// The error object of a response.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ResponseError {
    /// JSON-RPC or LSP error code.
    pub code: i64,
    /// The message.
    pub message: String,
    /// Additional data.
    #[serde(default)]
    pub data: Value,
}

/// Why a call has no result.
#[derive(Debug)]
pub enum Error {
    /// The server could not be started.
    Start(io::Error),
    /// The server exited or closed its pipe. Contains the exit status if it is known.
    Closed(Option<ExitStatus>),
    /// No answer before the timeout.
    Timeout {
        /// The request's method.
        method: String,
        /// The time allowed.
        after: Duration,
    },
    /// The response is an error.
    Response {
        /// The request's method.
        method: String,
        /// The error.
        error: ResponseError,
    },
    /// The server wrote something that is not LSP.
    Malformed(String),
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the server could not be started: {error}"),
            Self::Closed(Some(status)) => write!(f, "the server exited ({status})"),
            Self::Closed(None) => write!(f, "the server closed its output"),
            Self::Timeout { method, after } => {
                write!(f, "no answer to {method} within {after:?}")
            }
            Self::Response { method, error } => {
                write!(f, "{method}: error {}: {}", error.code, error.message)
            }
            Self::Malformed(what) => write!(f, "the server broke the protocol: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start(error) => Some(error),
            _ => None,
        }
    }
}
