//! The three parts of a corpus, and the names of their files in a prepared folder.

use std::fmt;

/// What a part of the corpus is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Weights are fitted on it, and the vocabulary is counted on it alone.
    Train,
    /// Settings are chosen by it.
    Validation,
    /// Read by `evaluate` alone.
    Test,
}

impl Split {
    /// All of them, in the order of the files.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name on the command line and in the names of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The name of its ids' file, see [`super::shard`].
    pub fn shard(self) -> String {
        format!("{self}.shard")
    }

    /// The name of its list of paths: one JSON string a line, in the order of the shard's files.
    pub fn paths(self) -> String {
        format!("{self}.files.jsonl")
    }

    /// The name of the file with what `<UNK>` stands for: the tokens outside the vocabulary in their order, separated by
    /// spaces, one line a file, in the order of the shard's files.
    pub fn unknown(self) -> String {
        format!("{self}.unknown.txt")
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
