//! `minicopilot tokens`: prints the py150 tokens of files, one file per line.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::output::one_line;
use crate::files::python_files;
use crate::python::{self, END, START};

/// Prints the tokens of each file, or `null` if `strict` is set and the file has a lexical error. A file that cannot be read
/// is reported, and the other files are still printed.
pub fn run(files: &[PathBuf], json: bool, strict: bool) -> anyhow::Result<ExitCode> {
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match read(file, strict) {
            Ok(Some(text)) => write_line(&mut output, &text, json),
            Ok(None) => output.write_all(b"null\n"),
            Err(error) => {
                let _ = writeln!(io::stderr(), "minicopilot: {}", one_line(&error));
                code = ExitCode::FAILURE;
                Ok(())
            }
        }
        .context("cannot write to standard output")?;
    }
    output.flush().context("cannot write to standard output")?;
    Ok(code)
}

/// A file's text, or `None` if `strict` is set and the file has a lexical error.
fn read(file: &Path, strict: bool) -> anyhow::Result<Option<String>> {
    let bytes = python_files::bytes(file)?;
    Ok(if strict {
        python::validate(&bytes).ok().map(Cow::into_owned)
    } else {
        Some(python::decode(&bytes).into_owned())
    })
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
