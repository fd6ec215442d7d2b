//! The three splits of a corpus, and their file names in a prepared folder.

use std::fmt;

/// The purpose of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Weights are fitted on it, and the vocabulary is built from it alone.
    Train,
    /// Hyperparameters are chosen on it.
    Validation,
    /// Only read by `evaluate`.
    Test,
}

impl Split {
    /// All splits, in the order of the files.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name on the command line and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// File name of the encoded ids, see [`super::shard`].
    pub fn shard(self) -> String {
        format!("{self}.shard")
    }

    /// File name of the list of paths: one JSON string per line, in the order of the shard's files.
    pub fn paths(self) -> String {
        format!("{self}.files.jsonl")
    }

    /// File name of the out-of-vocabulary tokens: one line per file in the order of the shard's files, tokens in text
    /// order, separated by spaces.
    pub fn unknown(self) -> String {
        format!("{self}.unknown.txt")
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
