//! The subject of an evaluation: a checkpoint and the first files of a split of prepared data.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use minicopilot::model::checkpoint::Checkpoint;

use crate::data::{Dataset, Split};
use crate::host::{Host, Unit};

/// A checkpoint and the files to evaluate it on.
#[derive(Debug)]
pub struct Subject {
    /// A checkpoint folder.
    pub checkpoint: PathBuf,
    /// A folder of prepared data.
    pub data: PathBuf,
    /// The split.
    pub split: Split,
    /// Measure only the first files, whole ones, until they contain this many tokens.
    pub max_tokens: Option<u64>,
}

impl Subject {
    /// Loads the checkpoint and the data. Fails if the vocabularies differ or the split is empty.
    pub(super) fn open(&self) -> Result<(Checkpoint, Dataset)> {
        let checkpoint = Checkpoint::load(&self.checkpoint)?;
        let dataset = Dataset::open(&self.data)?;
        dataset.check_vocabulary(&checkpoint.vocabulary)?;
        ensure!(
            !dataset.files(self.split).is_empty(),
            "{} has no {} split; see `trainer prepare --help`",
            self.data.display(),
            self.split
        );
        Ok((checkpoint, dataset))
    }

    /// The limit, or the maximum if there is none.
    pub(super) fn limit(&self) -> u64 {
        self.max_tokens.unwrap_or(u64::MAX)
    }

    /// Calls `measure` with the limit and a progress callback, which returns false on cancellation. Returns `None` if
    /// the user cancelled: metrics of an arbitrary part would be misleading.
    pub(super) fn measure<T>(
        &self,
        dataset: &Dataset,
        message: &str,
        host: &dyn Host,
        measure: impl FnOnce(u64, &(dyn Fn(u64) -> bool + Sync)) -> Result<T>,
    ) -> Result<Option<T>> {
        let limit = self.limit();
        let total = limit.min(dataset.files(self.split).tokens());
        let progress = host.progress(Unit::Tokens, total, 0);
        progress.message(message);
        let measured = measure(limit, &|tokens| {
            progress.set(tokens);
            !host.cancelled()
        })?;
        Ok((!host.cancelled()).then_some(measured))
    }
}
