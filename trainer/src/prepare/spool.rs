//! A temporary file of tokenised files: each with its path, package and provisional token numbers, in source order.
//!
//! The file is unnamed, so it disappears when the process ends. Its format is private.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result};

const BUFFER: usize = 1 << 20;

/// A file between the sources and a split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub path: String,
    /// Index of its package.
    pub package: u32,
    /// Whether it comes from a test source.
    pub test: bool,
    /// Provisional token numbers.
    pub tokens: Vec<u32>,
}

/// Writes entries sequentially.
pub struct SpoolWriter {
    out: BufWriter<File>,
    bytes: Vec<u8>,
    files: u64,
    tokens: u64,
}

impl SpoolWriter {
    /// Creates an empty spool on the file system of `folder`.
    pub fn create(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).with_context(|| {
            format!("{}: cannot write a temporary file there", folder.display())
        })?;
        Ok(Self {
            out: BufWriter::with_capacity(BUFFER, file),
            bytes: Vec::new(),
            files: 0,
            tokens: 0,
        })
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: &Entry) -> Result<()> {
        let head = [
            u32::from(entry.test),
            entry.package,
            entry.path.len() as u32,
            entry.tokens.len() as u32,
        ];
        self.bytes.clear();
        self.bytes.extend(bytemuck::cast_slice(&head));
        self.bytes.extend(entry.path.as_bytes());
        self.bytes.extend(bytemuck::cast_slice(&entry.tokens));
        self.out.write_all(&self.bytes).with_context(full)?;
        self.files += 1;
        self.tokens += entry.tokens.len() as u64;
        Ok(())
    }

    /// Finishes writing.
    pub fn finish(self) -> Result<Spool> {
        let file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .with_context(full)?;
        Ok(Spool {
            file,
            files: self.files,
            tokens: self.tokens,
        })
    }
}

fn full() -> &'static str {
    "cannot write the temporary file next to --out; free up space or choose another --out"
}

/// All entries; can be read any number of times.
pub struct Spool {
    file: File,
    files: u64,
    tokens: u64,
}

impl Spool {
    /// Number of entries.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Number of tokens in all entries.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Calls `visit` with each entry in order; reuses the entry's memory.
    pub fn each(&self, mut visit: impl FnMut(&Entry) -> Result<()>) -> Result<()> {
        let mut file = &self.file;
        file.rewind().with_context(unreadable)?;
        let mut file = BufReader::with_capacity(BUFFER, file);
        let (mut entry, mut path) = (Entry::default(), Vec::new());
        for _ in 0..self.files {
            let mut head = [0_u32; 4];
            file.read_exact(bytemuck::cast_slice_mut(&mut head))
                .with_context(unreadable)?;
            let [test, package, path_bytes, tokens] = head;
            path.resize(path_bytes as usize, 0);
            file.read_exact(&mut path).with_context(unreadable)?;
            entry.tokens.resize(tokens as usize, 0);
            file.read_exact(bytemuck::cast_slice_mut(&mut entry.tokens))
                .with_context(unreadable)?;
            entry.path = String::from_utf8_lossy(&path).into_owned();
            entry.package = package;
            entry.test = test != 0;
            visit(&entry)?;
        }
        Ok(())
    }
}

fn unreadable() -> &'static str {
    "cannot read the temporary file next to --out"
}
