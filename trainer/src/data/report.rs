//! The report `prepare.json`: inputs, settings and counts of a prepared folder. `prepare` writes it; [`super::Dataset`]
//! checks the folder against it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::split::Split;

/// The contents of `prepare.json`. Independent of time, place and speed of the build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareReport {
    /// Version of all rules that determine the output's bytes.
    pub format: u32,
    /// SHA-256 over the contents of the sources and the settings that affect the output.
    pub fingerprint: String,
    /// The settings of the build.
    pub settings: RecordedSettings,
    /// The folder's vocabulary.
    pub vocabulary: VocabularyPart,
    /// The contents of each split, by its name.
    pub splits: BTreeMap<String, Counts>,
    /// The packages of the validation split, if whole packages are held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_packages: Option<Vec<String>>,
    /// Test files whose tokens also occur in a file of the other sources.
    pub test_files_also_in_training: u64,
    /// Files that were skipped.
    pub skipped: Skipped,
}

/// The settings of `trainer prepare`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedSettings {
    /// The sources, in their order.
    pub sources: Vec<RecordedSource>,
    /// The unit that is never divided between training and validation.
    pub split_by: SplitBy,
    /// The fraction that is held out.
    pub validation: f64,
    /// Seed of the held-out choice.
    pub seed: u64,
    /// The packages that were held out by name; if there are any, `validation` and `seed` were not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_out: Vec<String>,
    /// The vocabulary that was passed in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<PathBuf>,
    /// The size of the vocabulary that was built, if none was passed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary_size: Option<u32>,
    /// How tokens are split, unless the vocabulary was passed in or consists of whole tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<Pieces>,
}

/// How tokens are split into the entries of a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pieces {
    /// By byte-pair encoding.
    Bpe,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSource {
    /// As given on the command line, or the file's name on the hub.
    pub path: String,
    /// How it was read.
    pub kind: SourceKind,
    /// Whether it belongs to the test split.
    pub test: bool,
}

/// How a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Rows of a Parquet file.
    Parquet,
    /// A text file of tokens, one Python file per line.
    Text,
    /// A Python file or a folder of them.
    Python,
}

/// The unit that is never divided between training and validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// A file, as in the original experiment.
    File,
    /// A package: validation then resembles a test set of other packages.
    Package,
}

/// The vocabulary of a prepared folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VocabularyPart {
    /// Entries, including the reserved ones.
    pub tokens: usize,
    /// SHA-256 of its entries.
    pub fingerprint: String,
    /// Distinct tokens in all splits.
    pub distinct: usize,
}

/// Counts of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Files.
    pub files: u64,
    /// Tokens, including `<s>` and `</s>`.
    pub tokens: u64,
    /// Pieces of these tokens, if the vocabulary consists of pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<u64>,
    /// Out-of-vocabulary tokens.
    pub unknown: u64,
    /// `unknown` / `tokens`.
    pub oov_rate: f64,
    /// Tokens by class.
    pub classes: BTreeMap<String, u64>,
}

/// Skipped files, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped(BTreeMap<String, SkippedGroup>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SkippedGroup {
    files: u64,
    examples: Vec<String>,
}

/// Maximum number of skipped files that are named per reason.
const EXAMPLES: usize = 5;

impl Skipped {
    /// Counts a file that was skipped for the reason `why`; `detail` may be empty.
    pub fn add(&mut self, path: &str, why: &str, detail: &str) {
        if !self.0.contains_key(why) {
            self.0.insert(why.to_owned(), SkippedGroup::default());
        }
        let Some(group) = self.0.get_mut(why) else {
            return;
        };
        group.files += 1;
        if group.examples.len() < EXAMPLES {
            let detail = if detail.is_empty() {
                String::new()
            } else {
                format!(": {detail}")
            };
            group.examples.push(format!("{path}{detail}"));
        }
    }

    /// Whether no file was skipped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing was skipped");
        }
        let groups = self.0.iter().map(|(why, group)| {
            let first = group.examples.first().map_or("", String::as_str);
            format!("{} ({why}, such as {first})", group.files)
        });
        f.write_str(&groups.collect::<Vec<_>>().join("; "))
    }
}

impl PrepareReport {
    /// The counts of a split; None if the report does not contain it.
    pub fn counts(&self, split: Split) -> Option<&Counts> {
        self.splits.get(&split.to_string())
    }
}
