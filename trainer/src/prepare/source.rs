//! Sources of `prepare`: Parquet files, text files of tokens, Python files and folders of them, and data sets of the
//! hub.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::chunks::Chunks;
use super::document::{Body, Raw, RawChunk};
use super::folder::{self, Found};
use super::hub::{self, Hub};
use super::ordered::Sink;
use super::parquet;
use crate::data::SourceKind;
use crate::host::Host;

/// A command-line argument, or a file of the data set that it names.
#[derive(Debug)]
pub struct Source {
    /// As given on the command line, or the file's name on the hub.
    pub name: String,
    /// Its local path.
    pub path: PathBuf,
    pub kind: SourceKind,
    /// Whether it belongs to the test split.
    pub test: bool,
    /// Bytes on disk, for the progress bar.
    pub bytes: u64,
}

/// Checks all sources before any is read, and downloads data sets of the hub.
pub fn all(
    sources: &[PathBuf],
    test: &[PathBuf],
    hub: &Hub,
    host: &dyn Host,
) -> Result<Vec<Source>> {
    let sources = sources.iter().map(|path| (path, false));
    let mut all = Vec::new();
    for (path, test) in sources.chain(test.iter().map(|path| (path, true))) {
        if hub::is_name(path) {
            for file in hub.fetch(path, host)? {
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
                "{name}: cannot be read; a source is a local file or folder, or hf://OWNER/NAME"
            )
        };
        let metadata = path.metadata().with_context(unreadable)?;
        let has_extension = |wanted: &str| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case(wanted))
        };
        let (kind, bytes) = if metadata.is_dir() {
            (SourceKind::Python, folder_bytes(path))
        } else if has_extension("py") {
            (SourceKind::Python, metadata.len())
        } else if has_extension("txt") {
            (SourceKind::Text, metadata.len())
        } else if has_extension("parquet") || begins_as_parquet(path).with_context(unreadable)? {
            (SourceKind::Parquet, metadata.len())
        } else {
            bail!(
                "{name}: not a source; use .parquet, .txt (tokens separated by spaces), .py or a folder"
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

    /// Passes on all files in chunks, in an order that depends on the source alone. An error names the source.
    pub fn read(&self, sink: Sink<RawChunk>) -> Result<()> {
        match self.kind {
            SourceKind::Parquet => parquet::read(&self.path, &mut Chunks::new(sink)),
            SourceKind::Text => read_lines(&self.path, &mut Chunks::new(sink))
                .with_context(|| format!("{}: cannot be read", self.path.display())),
            SourceKind::Python => {
                read_python(&self.path, &mut Chunks::new(sink));
                Ok(())
            }
        }
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
