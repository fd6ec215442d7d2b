//! `minicopilot tokens`: files in, py150 tokens out, one file a line and one after another.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::one_line;
use crate::python::{self, END, START};
use crate::source;

/// Prints the tokens of each file. A file that cannot be read is named, and the others are printed all the same.
pub fn run(files: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match source::read(file) {
            Ok(text) => {
                write_line(&mut output, &text, json).context("cannot write to standard output")?;
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "minicopilot: {}", one_line(&error));
                code = ExitCode::FAILURE;
            }
        }
    }
    output.flush().context("cannot write to standard output")?;
    Ok(code)
}

fn write_line(output: &mut impl Write, text: &str, json: bool) -> io::Result<()> {
    let mut line = Line { output, json };
    line.write(if json { "[" } else { "" }, START)?;
    let separator = if json { ", " } else { " " };
    let mut surface = String::new();
    for token in python::lex(text) {
        python::surface(text, token, &mut surface);
        line.write(separator, &surface)?;
    }
    line.write(separator, END)?;
    line.output.write_all(if json { b"]\n" } else { b"\n" })
}

struct Line<'a, W> {
    output: &'a mut W,
    json: bool,
}

impl<W: Write> Line<'_, W> {
    fn write(&mut self, separator: &str, token: &str) -> io::Result<()> {
        self.output.write_all(separator.as_bytes())?;
        if self.json {
            Ok(serde_json::to_writer(&mut *self.output, token)?)
        } else {
            self.output.write_all(token.as_bytes())
        }
    }
}
