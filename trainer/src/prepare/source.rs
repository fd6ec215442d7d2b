//! Sources, told apart by what they are, as a stream of documents in their own order.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow, bail, ensure};
use minicopilot::python;
use rayon::prelude::*;

use super::parquet;
use super::spill::Spill;
use super::summary::Summary;
use crate::interrupt::Interrupt;

/// Documents in flight between the thread that reads and the one that numbers tokens.
const IN_FLIGHT: usize = 256;
/// Python files that are lexed in parallel before the next are read.
const LEXED_TOGETHER: usize = 256;

/// The tokens of a file, one behind the other in one string.
#[derive(Default)]
struct Document {
    path: String,
    package: String,
    text: String,
    ends: Vec<u32>,
}

/// What the reading thread sends.
enum Message {
    Document(Document),
    /// Something that cannot be used: where, and why.
    Skipped(String, &'static str),
    /// Bytes of the sources that are done.
    Done(u64),
}

/// Reads `sources` in order into `spill`.
pub fn read_all(
    sources: &[PathBuf],
    is_test: bool,
    spill: &mut Spill,
    summary: &mut Summary,
    interrupt: &Interrupt,
) -> Result<()> {
    let sources: Vec<Source> = sources
        .iter()
        .map(|path| Source::open(path))
        .collect::<Result<_>>()?;
    let bar = crate::train::bytes_bar(sources.iter().map(Source::size).sum());
    let (sender, receiver) = sync_channel(IN_FLIGHT);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let sender = sender; // moved here, so that the channel ends when the reading does
            sources
                .into_iter()
                .try_for_each(|source| source.read(&sender))
        });
        for message in receiver {
            ensure!(!interrupt.requested(), "interrupted; nothing was written");
            match message {
                Message::Done(bytes) => bar.inc(bytes),
                Message::Skipped(place, reason) => summary.skip(reason, place),
                Message::Document(document) => {
                    let path = document.path.clone();
                    if let Some(reason) = document.defect() {
                        summary.skip(reason, path);
                    } else if !spill.push(
                        document.path.clone(),
                        document.package.clone(),
                        is_test,
                        document.tokens(),
                    )? {
                        summary.skip("the same tokens as an earlier file", path);
                    }
                }
            }
        }
        reader
            .join()
            .map_err(|_| anyhow!("the reading thread ended unexpectedly"))?
    })?;
    bar.finish_and_clear();
    Ok(())
}

impl Document {
    fn push(&mut self, token: &str) {
        self.text.push_str(token);
        self.ends.push(self.text.len() as u32);
    }

    fn tokens(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.text[start as usize..end as usize])
    }

    /// Why this is not a file in the py150 format.
    fn defect(&self) -> Option<&'static str> {
        let is_framed = self.ends.len() >= 2
            && self.tokens().next() == Some(python::START)
            && self.tokens().last() == Some(python::END);
        if !is_framed {
            Some("tokens that do not begin with <s> and end with </s>")
        } else if self
            .tokens()
            .any(|token| token.is_empty() || token.contains(char::is_whitespace))
        {
            Some("a token that is empty or holds white space")
        } else {
            None
        }
    }
}

/// A source that exists.
enum Source {
    Parquet(PathBuf, u64),
    Text(PathBuf, u64),
    /// The folder, and its Python files with their sizes, sorted by path.
    Folder(PathBuf, Vec<(PathBuf, u64)>),
}

impl Source {
    fn open(path: &Path) -> Result<Self> {
        let name = path.display();
        let metadata =
            fs::metadata(path).with_context(|| format!("cannot read the source {name}"))?;
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if metadata.is_dir() {
            let mut files = Vec::new();
            list(path, &mut files).with_context(|| format!("cannot list {name}"))?;
            files.sort();
            ensure!(!files.is_empty(), "{name} holds no .py files");
            return Ok(Self::Folder(path.to_owned(), files));
        }
        match extension {
            "parquet" => Ok(Self::Parquet(path.to_owned(), metadata.len())),
            "txt" => Ok(Self::Text(path.to_owned(), metadata.len())),
            _ => bail!("{name} is neither a folder of .py files nor a .parquet or .txt file"),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Parquet(_, size) | Self::Text(_, size) => *size,
            Self::Folder(_, files) => files.iter().map(|(_, size)| size).sum(),
        }
    }

    /// Sends everything; stops early, without an error, when nobody listens any more.
    fn read(self, sender: &SyncSender<Message>) -> Result<()> {
        match self {
            Self::Parquet(path, size) => read_parquet(&path, size, sender),
            Self::Text(path, _) => read_text(&path, sender),
            Self::Folder(root, files) => {
                for group in files.chunks(LEXED_TOGETHER) {
                    let messages: Vec<Message> = group
                        .par_iter()
                        .map(|(path, _)| lexed(&root, path))
                        .collect();
                    for message in messages
                        .into_iter()
                        .chain([Message::Done(group.iter().map(|(_, size)| size).sum())])
                    {
                        if sender.send(message).is_err() {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

/// All `.py` files below a folder. Links to folders are not followed, so that there are no loops.
fn list(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "py") {
            files.push((path, entry.metadata().map_or(0, |m| m.len())));
        }
    }
    Ok(())
}

fn lexed(root: &Path, path: &Path) -> Message {
    let Ok(bytes) = fs::read(path) else {
        return Message::Skipped(path.display().to_string(), "a file that cannot be read");
    };
    let text = python::decode(&bytes);
    let inside = path
        .strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned();
    let package = first_folder(&inside);
    let mut document = Document {
        path: inside,
        package,
        ..Document::default()
    };
    document.push(python::START);
    let mut surface = String::new();
    for token in python::lex(&text) {
        python::surface(&text, token, &mut surface);
        document.push(&surface);
    }
    document.push(python::END);
    Message::Document(document)
}

/// The package of a path that no column names one for.
fn first_folder(path: &str) -> String {
    path.split(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or_default()
        .to_owned()
}

fn read_text(path: &Path, sender: &SyncSender<Message>) -> Result<()> {
    let name = path.display();
    let mut file =
        BufReader::new(fs::File::open(path).with_context(|| format!("cannot open {name}"))?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = file
            .read_until(b'\n', &mut line)
            .with_context(|| format!("cannot read {name}"))?;
        if read == 0 {
            break;
        }
        let place = format!("{name}:{number}");
        let message = match std::str::from_utf8(&line) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => {
                let mut document = Document {
                    package: first_folder(&place),
                    path: place,
                    ..Document::default()
                };
                text.split_ascii_whitespace()
                    .for_each(|token| document.push(token));
                Message::Document(document)
            }
            Err(_) => Message::Skipped(place, "a line that is not UTF-8"),
        };
        if sender.send(message).is_err() || sender.send(Message::Done(read as u64)).is_err() {
            break;
        }
    }
    Ok(())
}

fn read_parquet(path: &Path, size: u64, sender: &SyncSender<Message>) -> Result<()> {
    let mut number = 0;
    let mut reported = 0;
    parquet::read(path, |rows, total| {
        for row in rows {
            let document = row_document(&row);
            let message = document.unwrap_or_else(|reason| {
                Message::Skipped(format!("{} row {number}", path.display()), reason)
            });
            number += 1;
            if sender.send(message).is_err() {
                return Ok(false);
            }
        }
        let done = (size as f64 * number as f64 / total.max(1) as f64) as u64;
        let listening = sender.send(Message::Done(done - reported)).is_ok();
        reported = done;
        Ok(listening)
    })
}

fn row_document(row: &parquet::Row) -> Result<Message, &'static str> {
    let path = row
        .path
        .as_ref()
        .ok_or("a row without path")?
        .as_utf8()
        .map_err(|_| "a path that is not UTF-8")?
        .to_owned();
    let code = row.code.as_ref().ok_or("a row without code")?;
    let package = match &row.package {
        Some(package) => package
            .as_utf8()
            .map_err(|_| "a package that is not UTF-8")?
            .to_owned(),
        None => first_folder(&path),
    };
    let mut document = Document {
        path,
        package,
        ..Document::default()
    };
    for token in code {
        document.push(token.as_utf8().map_err(|_| "a token that is not UTF-8")?);
    }
    Ok(Message::Document(document))
}
