//! Streams the Python files of a downloaded archive. Nothing is unpacked or executed.
//!
//! A member's name is only a label: it is never used as a path on this machine.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use rustc_hash::FxHashSet;

/// A member whose name ends in `.py`.
pub struct Member {
    /// Path relative to the archive's root, without an sdist's top-level folder; separated by `/`.
    pub path: String,
    /// None if the member exceeds the maximum length.
    pub bytes: Option<Vec<u8>>,
}

/// The Python files of an archive in archive order, each path once; contents up to `longest` bytes.
pub fn python_files(file: &Path, longest: u64) -> Result<Vec<Member>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let broken = || {
        format!(
            "{name}: the archive is broken although its SHA-256 matches the manifest; remove its line from the manifest"
        )
    };
    let reader = File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let reader = BufReader::with_capacity(1 << 20, reader);
    let mut members = Members {
        is_wheel: name.ends_with(".whl"),
        longest,
        seen: FxHashSet::default(),
        found: Vec::new(),
    };
    if name.ends_with(".whl") || name.ends_with(".zip") {
        members.zip(reader).with_context(broken)?;
    } else {
        members
            .tar(MultiGzDecoder::new(reader))
            .with_context(broken)?;
    }
    Ok(members.found)
}

struct Members {
    is_wheel: bool,
    longest: u64,
    seen: FxHashSet<String>,
    found: Vec<Member>,
}

impl Members {
    fn tar(&mut self, reader: impl Read) -> Result<()> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            let entry = entry?;
            if entry.header().entry_type().is_file() {
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                self.member(&name, entry.size(), entry)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, reader: BufReader<File>) -> Result<()> {
        let mut archive = zip::ZipArchive::new(reader)?;
        for number in 0..archive.len() {
            let entry = archive.by_index(number)?;
            if entry.is_file() {
                let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
                self.member(&name, entry.size(), entry)?;
            }
        }
        Ok(())
    }

    fn member(&mut self, name: &str, size: u64, reader: impl Read) -> Result<()> {
        let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<&str> = parts.skip(usize::from(!self.is_wheel)).collect();
        let path = parts.join("/");
        let is_python = Path::new(&path).extension().is_some_and(|e| e == "py");
        // A path that leads out of the archive is not part of any module.
        if !is_python || parts.contains(&"..") || !self.seen.insert(path.clone()) {
            return Ok(());
        }
        let mut bytes = None;
        if size <= self.longest {
            let mut read = Vec::new();
            // The sizes in a zip directory cannot be trusted.
            reader.take(self.longest + 1).read_to_end(&mut read)?;
            bytes = Some(read).filter(|read| read.len() as u64 <= self.longest);
        }
        self.found.push(Member { path, bytes });
        Ok(())
    }
}
