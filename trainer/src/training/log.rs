//! A run's log `metrics.jsonl`: one JSON object per line. A run writes it; reports read it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// One line. `F` is the type of validation figures. Fields that older trainers did not write may be missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line<F> {
    /// Training steps.
    Train(Train),
    /// A validation.
    Validation(Validation<F>),
    /// A line kind of a newer trainer.
    #[serde(other)]
    Unknown,
}

/// The steps since the previous line: their mean loss, and the other values of the last step.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Train {
    pub epoch: u64,
    pub step: u64,
    /// Targets trained on so far.
    pub tokens: u64,
    /// Seconds of training so far.
    pub seconds: f64,
    /// Mean loss in nats per target.
    pub loss: Option<f64>,
    pub learning_rate: Option<f64>,
    /// Norm of all gradients as one vector.
    pub gradient_norm: Option<f64>,
    /// Gradient norms by parameter name.
    pub gradient_norms: BTreeMap<String, Option<f64>>,
}

/// Metrics of the validation split.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Validation<F> {
    #[serde(default)]
    pub epoch: u64,
    #[serde(default)]
    pub step: u64,
    pub tokens: u64,
    pub seconds: f64,
    /// The evaluated context: always `whole`.
    #[serde(default)]
    pub context: String,
    pub figures: F,
}

/// A log that is being written.
#[derive(Debug)]
pub struct Log(File);

impl Log {
    /// Opens the log at `path` and truncates it to `length` bytes.
    pub fn open(path: &Path, length: u64) -> Result<Self> {
        let found = fs::metadata(path).map_or(0, |metadata| metadata.len());
        ensure!(
            found >= length,
            "{} has {found} bytes, but had {length} when the last checkpoint was saved; restore it",
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
        // Through a `Value`, so that keys are sorted as in all earlier logs.
        let line = serde_json::to_value(line)?;
        writeln!(self.0, "{line}").context("cannot write the log")
    }

    /// Syncs all lines to disk; returns the log's length in bytes.
    pub fn sync(&mut self) -> Result<u64> {
        self.0.sync_all().context("cannot write the log")?;
        self.0.stream_position().context("cannot write the log")
    }
}
