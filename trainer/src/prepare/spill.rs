//! The temporary file between reading and encoding: files as provisional token numbers.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use memmap2::Mmap;
use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use crate::data::Split;

/// What is kept of a file in memory.
pub struct FileEntry {
    pub path: String,
    pub package: String,
    /// Of the test sources.
    pub is_test: bool,
    pub split: Split,
    /// In tokens.
    pub length: u64,
}

/// Receives files.
pub struct Spill {
    numbers: FxHashMap<Box<str>, u32>,
    tokens: Vec<Box<str>>,
    files: Vec<FileEntry>,
    seen: FxHashSet<u128>,
    hash: Sha256,
    file: BufWriter<File>,
    current: Vec<u32>,
}

/// All files, to be read any number of times.
pub struct Prepared {
    /// Token of each provisional number.
    pub tokens: Vec<Box<str>>,
    pub files: Vec<FileEntry>,
    /// SHA-256 over all files in order: paths, packages and tokens.
    pub fingerprint: String,
    map: Option<Mmap>,
}

impl Spill {
    /// In a temporary file in `folder`, which the system removes when the program ends in whatever way.
    pub fn create(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        Ok(Self {
            numbers: FxHashMap::default(),
            tokens: Vec::new(),
            files: Vec::new(),
            seen: FxHashSet::default(),
            hash: Sha256::new(),
            file: BufWriter::with_capacity(1 << 20, file),
            current: Vec::new(),
        })
    }

    /// Adds a file; `false` if one with the same tokens is there already.
    pub fn push<'t>(
        &mut self,
        path: String,
        package: String,
        is_test: bool,
        tokens: impl Iterator<Item = &'t str>,
    ) -> Result<bool> {
        self.current.clear();
        for token in tokens {
            let number = if let Some(&number) = self.numbers.get(token) {
                number
            } else {
                let number =
                    u32::try_from(self.tokens.len()).context("more than 2^32 distinct tokens")?;
                self.tokens.push(token.into());
                self.numbers.insert(token.into(), number);
                number
            };
            self.current.push(number);
        }
        let bytes: &[u8] = bytemuck::cast_slice(&self.current);
        let digest = Sha256::digest(bytes);
        if !self.seen.insert(u128::from_le_bytes(
            digest[..16].try_into().expect("sixteen bytes"),
        )) {
            return Ok(false);
        }
        for part in [
            path.as_bytes(),
            &[0],
            package.as_bytes(),
            &[u8::from(is_test)],
            &digest,
        ] {
            self.hash.update(part);
        }
        self.file
            .write_all(bytes)
            .context("cannot write the temporary file")?;
        let length = self.current.len() as u64;
        self.files.push(FileEntry {
            path,
            package,
            is_test,
            split: Split::Test,
            length,
        });
        Ok(true)
    }

    /// Ends the writing.
    pub fn finish(mut self) -> Result<Prepared> {
        // Provisional numbers depend on the tokens before them, so the tokens themselves must be part of the fingerprint.
        for token in &self.tokens {
            self.hash.update((token.len() as u64).to_le_bytes());
            self.hash.update(token.as_bytes());
        }
        let fingerprint = self
            .hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let file = self
            .file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .context("cannot write the temporary file")?;
        // SAFETY: the file has no name, so nobody else can change it.
        let map = (!self.tokens.is_empty())
            .then(|| unsafe { Mmap::map(&file) })
            .transpose()
            .context("cannot map the temporary file")?;
        Ok(Prepared {
            tokens: self.tokens,
            files: self.files,
            fingerprint,
            map,
        })
    }
}

impl Prepared {
    /// Calls `f` with each file and its provisional numbers, in order.
    pub fn each(&self, mut f: impl FnMut(&FileEntry, &[u32]) -> Result<()>) -> Result<()> {
        let mut rest: &[u32] = self.map.as_deref().map_or(&[], bytemuck::cast_slice);
        for file in &self.files {
            let (tokens, behind) = rest.split_at(file.length as usize);
            f(file, tokens)?;
            rest = behind;
        }
        Ok(())
    }
}
