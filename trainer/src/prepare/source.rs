//! What `prepare` reads: Parquet files, text files of tokens, Python files and folders of them, and data sets of the hub.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::document::{Body, Raw, RawChunk};
use super::folder::{self, Found};
use super::hub::{self, Hub};
use super::ordered::Sink;
use super::parquet;
use crate::interrupt::Interrupt;

/// Raw bytes of a chunk: enough to keep a thread busy for milliseconds, little enough for many to be under way.
const CHUNK_BYTES: u64 = 1 << 20;
/// Files of a chunk, however small.
const CHUNK_FILES: usize = 256;

/// One argument of the command line, or one file of the data set that it names.
#[derive(Debug, Serialize)]
pub struct Source {
    /// As it was given, or the file's name in the hub.
    #[serde(rename = "path")]
    pub name: String,
    /// Where it lies.
    #[serde(skip)]
    pub path: PathBuf,
    pub kind: Kind,
    /// It belongs to the test split.
    pub test: bool,
    /// Bytes on the disk, for the progress bar.
    #[serde(skip)]
    pub bytes: u64,
}

/// How a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Parquet,
    Text,
    Python,
}

/// Looks at all sources before anything is read, and fetches what the hub has.
pub fn all(
    sources: &[PathBuf],
    test: &[PathBuf],
    hub: &Hub,
    interrupt: &Interrupt,
) -> Result<Vec<Source>> {
    let sources = sources.iter().map(|path| (path, false));
    let mut all = Vec::new();
    for (path, test) in sources.chain(test.iter().map(|path| (path, true))) {
        if hub::is_name(path) {
            for file in hub.fetch(path, interrupt)? {
                all.push(Source::new(&file.path, file.name, test)?);
            }
        } else {
            all.push(Source::new(
                path,
                path.to_string_lossy().into_owned(),
                test,
            )?);
        }
    }
    Ok(all)
}

impl Source {
    fn new(path: &Path, name: String, test: bool) -> Result<Self> {
        let unreadable = || {
            format!(
                "{name}: cannot be read; a source is a file or folder on this machine, or hf://OWNER/NAME"
            )
        };
        let metadata = path.metadata().with_context(unreadable)?;
        let has_extension = |wanted: &str| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case(wanted))
        };
        let (kind, bytes) = if metadata.is_dir() {
            (Kind::Python, folder_bytes(path))
        } else if has_extension("py") {
            (Kind::Python, metadata.len())
        } else if has_extension("txt") {
            (Kind::Text, metadata.len())
        } else if has_extension("parquet") || begins_as_parquet(path).with_context(unreadable)? {
            (Kind::Parquet, metadata.len())
        } else {
            bail!(
                "{name}: not a source; take .parquet, .txt (tokens separated by spaces), .py or a folder"
            );
        };
        Ok(Self {
            name,
            path: path.to_owned(),
            kind,
            test,
            bytes,
        })
    }

    /// Hands on all files in chunks, in an order that depends on the source alone. An error names the source.
    pub fn read(&self, sink: Sink<RawChunk>) -> Result<()> {
        match self.kind {
            Kind::Parquet => parquet::read(&self.path, &mut Chunks::new(sink)),
            Kind::Text => read_lines(&self.path, &mut Chunks::new(sink))
                .with_context(|| format!("{}: cannot be read", self.path.display())),
            Kind::Python => {
                read_python(&self.path, &mut Chunks::new(sink));
                Ok(())
            }
        }
    }
}

/// Gathers single files into chunks.
pub struct Chunks<'a> {
    sink: Sink<'a, RawChunk>,
    chunk: RawChunk,
}

impl<'a> Chunks<'a> {
    fn new(sink: Sink<'a, RawChunk>) -> Self {
        let chunk = RawChunk::default();
        Self { sink, chunk }
    }

    /// Adds a file that is so many bytes of the source's, which hold `in_memory` bytes until they are tokenised.
    pub fn push(&mut self, raw: Raw, bytes: u64) -> ControlFlow<()> {
        self.chunk.files.push(raw);
        self.chunk.bytes += bytes;
        if self.chunk.bytes >= CHUNK_BYTES || self.chunk.files.len() >= CHUNK_FILES {
            return self.flush();
        }
        ControlFlow::Continue(())
    }

    /// Hands on what has gathered.
    pub fn flush(&mut self) -> ControlFlow<()> {
        if self.chunk.files.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.sink)(std::mem::take(&mut self.chunk))
    }
}

fn read_lines(path: &Path, chunks: &mut Chunks) -> std::io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let name = file_name(path);
    for number in 1.. {
        let mut line = Vec::new();
        let bytes = file.read_until(b'\n', &mut line)? as u64;
        if bytes == 0 {
            break;
        }
        line.truncate(line.trim_ascii_end().len());
        if line.is_empty() {
            continue;
        }
        let raw = Raw {
            path: format!("{name}:{number}"),
            package: Some(name.clone()),
            body: Body::Line(line),
        };
        if chunks.push(raw, bytes).is_break() {
            return Ok(());
        }
    }
    let _ = chunks.flush();
    Ok(())
}

fn read_python(path: &Path, chunks: &mut Chunks) {
    if path.is_file() {
        let raw = Raw {
            path: file_name(path),
            package: None,
            body: Body::Python(path.to_owned()),
        };
        let _ = chunks.push(raw, 0);
    } else {
        let _ = folder::walk(path, &mut |name, found| {
            let (body, bytes) = match found {
                Found::File(path, bytes) => (Body::Python(path), bytes),
                Found::Broken(skip) => (Body::Broken(skip), 0),
            };
            chunks.push(
                Raw {
                    path: name,
                    package: None,
                    body,
                },
                bytes,
            )
        });
    }
    let _ = chunks.flush();
}

fn folder_bytes(path: &Path) -> u64 {
    let mut sum = 0;
    let _ = folder::walk(path, &mut |_, found| {
        if let Found::File(_, bytes) = found {
            sum += bytes;
        }
        ControlFlow::Continue(())
    });
    sum
}

fn begins_as_parquet(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(head == b"PAR1")
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
