//! Output of commands: results on standard output, errors as one line.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;

/// Writes a result to standard output and flushes it.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("cannot write to standard output")
}

/// An error and its causes on one line, without causes already quoted by an outer message.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error
        .chain()
        .map(|cause| cause.to_string().replace('\n', " "))
    {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = line + ": " + &cause;
        }
    }
    line
}

/// A result as JSON or as text.
pub(super) fn json_or_text(
    json: bool,
    result: &(impl Serialize + Display),
) -> anyhow::Result<String> {
    if json {
        return Ok(serde_json::to_string_pretty(result)? + "\n");
    }
    Ok(result.to_string())
}
