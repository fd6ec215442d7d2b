//! `metrics.jsonl`, the log of a run: one JSON object a line. A run writes it, reports read it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// One line. `F` is as much of the figures as its reader or writer knows. What an older trainer did not write may be
/// missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line<F> {
    /// Some steps.
    Train(Train),
    /// A validation.
    Validation(Validation<F>),
    /// Written by a trainer that logs more than this one reads.
    #[serde(other)]
    Unknown,
}

/// The last steps before a line: their mean loss, and the rest of the last of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Train {
    pub epoch: u64,
    pub step: u64,
    /// Targets learned from so far.
    pub tokens: u64,
    /// Seconds of training so far.
    pub seconds: f64,
    /// Nats for each target.
    pub loss: Option<f64>,
    pub learning_rate: Option<f64>,
    /// Of all gradients as one vector.
    pub gradient_norm: Option<f64>,
    /// By the parameter's name.
    pub gradient_norms: BTreeMap<String, Option<f64>>,
}

/// Figures of the validation part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Validation<F> {
    #[serde(default)]
    pub epoch: u64,
    #[serde(default)]
    pub step: u64,
    pub tokens: u64,
    pub seconds: f64,
    /// How much of a file is read: always `whole`.
    #[serde(default)]
    pub context: String,
    pub figures: F,
}

/// A log that is written.
#[derive(Debug)]
pub struct Log(File);

impl Log {
    /// Opens the log at `path` to append to its first `length` bytes; what comes after them is dropped.
    pub fn open(path: &Path, length: u64) -> Result<Self> {
        let found = fs::metadata(path).map_or(0, |metadata| metadata.len());
        ensure!(
            found >= length,
            "{} has {found} bytes and had {length} when the last checkpoint was saved; restore it",
            path.display()
        );
        let open = || -> std::io::Result<File> {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)?;
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self(file))
    }

    /// Appends a line.
    pub fn write<F: Serialize>(&mut self, line: &Line<F>) -> Result<()> {
        // By way of a value, so that keys are in alphabetical order as in every log before.
        let line = serde_json::to_value(line)?;
        writeln!(self.0, "{line}").context("cannot write the log")
    }

    /// Waits until all lines are on the disk; returns their length in bytes.
    pub fn sync(&mut self) -> Result<u64> {
        self.0.sync_all().context("cannot write the log")?;
        self.0.stream_position().context("cannot write the log")
    }
}
