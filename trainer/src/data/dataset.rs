//! A prepared folder: its vocabulary, its three splits, and the fingerprint of its inputs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use minicopilot::tokenizer::Vocabulary;

use super::report::PrepareReport;
use super::shard::Shards;
use super::split::Split;

/// File name of the vocabulary in a prepared folder.
pub const TOKENIZER: &str = "tokenizer.json";
/// File name of the report with counts, settings and fingerprint in a prepared folder.
pub const REPORT: &str = "prepare.json";

/// A prepared folder, opened and checked. A split that was not prepared is empty.
pub struct Dataset {
    vocabulary: Vocabulary,
    fingerprint: String,
    folder: PathBuf,
    splits: [Shards; 3],
}

impl Dataset {
    /// Opens the output of `trainer prepare`. Verifies every shard's checksum, which reads each shard once.
    pub fn open(dir: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read(&path).with_context(|| {
                let (path, dir) = (path.display(), dir.display());
                format!("{path}: cannot be read; is {dir} a folder written by `trainer prepare`?")
            })
        };
        let report: PrepareReport = serde_json::from_slice(&read(REPORT)?).with_context(|| {
            damaged(&dir.join(REPORT), "it is not a report of `trainer prepare`")
        })?;
        let vocabulary = Vocabulary::from_tokenizer_json(&read(TOKENIZER)?)
            .with_context(|| damaged(&dir.join(TOKENIZER), "it is not a vocabulary"))?;
        ensure!(
            report.vocabulary.fingerprint == vocabulary.fingerprint(),
            damaged(
                &dir.join(TOKENIZER),
                "it is not the vocabulary that prepare.json names"
            )
        );
        let [train, validation, test] = Split::ALL;
        let open = |split: Split| Shards::open(&dir.join(split.shard()), vocabulary.len());
        Ok(Self {
            splits: [open(train)?, open(validation)?, open(test)?],
            fingerprint: report.fingerprint,
            folder: dir.to_owned(),
            vocabulary,
        })
    }

    /// Fails unless the files are encoded with `vocabulary`, which belongs to a checkpoint.
    pub fn check_vocabulary(&self, vocabulary: &Vocabulary) -> Result<()> {
        ensure!(
            self.vocabulary == *vocabulary,
            "{} has another vocabulary than the checkpoint; prepare the data with --vocabulary CHECKPOINT",
            self.folder.display(),
        );
        Ok(())
    }

    /// The vocabulary that the files are encoded with.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Fingerprint of the folder's inputs and settings.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The encoded files of a split.
    pub fn files(&self, split: Split) -> &Shards {
        &self.splits[split as usize]
    }
}

impl Dataset {
    /// The path of each file of a split.
    pub fn paths(&self, split: Split) -> Result<Vec<String>> {
        let path = self.folder.join(split.paths());
        let text =
            std::fs::read_to_string(&path).with_context(|| damaged(&path, "it cannot be read"))?;
        let lines = text.lines().map(serde_json::from_str);
        let paths: Vec<String> = lines
            .collect::<serde_json::Result<_>>()
            .with_context(|| damaged(&path, "it is not a list of paths"))?;
        ensure!(
            paths.len() == self.files(split).len(),
            damaged(&path, "it does not have one line per file")
        );
        Ok(paths)
    }

    /// The out-of-vocabulary tokens of each file of a split, in order, separated by spaces.
    pub fn unknown(&self, split: Split) -> Result<Vec<String>> {
        let path = self.folder.join(split.unknown());
        let text =
            std::fs::read_to_string(&path).with_context(|| damaged(&path, "it cannot be read"))?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        ensure!(
            lines.len() == self.files(split).len(),
            damaged(&path, "it does not have one line per file")
        );
        Ok(lines)
    }
}

fn damaged(path: &Path, cause: &str) -> String {
    let path = path.display();
    format!("{path}: {cause}; recreate the folder with `trainer prepare`")
}
