//! Each way in which a checkpoint can be wrong.

use std::io;
use std::path::PathBuf;

use super::{CONFIG, FORMAT, GATE, TOKENIZER, WEIGHTS};
use crate::model::MissingParameter;
use crate::tokenizer::VocabularyError;

/// Why a checkpoint could not be used, saying which file, what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The folder or a file of it is not there.
    #[error("{path} does not exist; a checkpoint folder holds {CONFIG}, {TOKENIZER}, {WEIGHTS} and, if it has a gate, {GATE}", path = .0.display())]
    Missing(PathBuf),
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `config.json` is not what it should be.
    #[error("{path}: {source}; restore the file or export the checkpoint again", path = .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Where the JSON departs from the format.
        source: serde_json::Error,
    },
    /// Written by a newer or much older program.
    #[error("{path}: format {found}, but this program reads format {FORMAT}; use the version it was made with", path = .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Its gate weighs other experts than this program has.
    #[error("{path}: its gate was fitted to other experts than this program has; fit it anew with `trainer gate`", path = .0.display())]
    Experts(PathBuf),
    /// Its gate was fitted with other features than this program computes.
    #[error("{path}: its gate was fitted for other features than this program computes; fit it again with `trainer gate`", path = .0.display())]
    Features(PathBuf),
    /// Sizes that no model can have.
    #[error("{path}: {what} is out of range", path = .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// The setting.
        what: &'static str,
    },
    /// `tokenizer.json` is not a vocabulary of ours.
    #[error("{path}: {source}; restore the file or export the checkpoint again", path = .path.display())]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// In what way.
        source: VocabularyError,
    },
    /// A file is sound but belongs to another checkpoint, or was changed.
    #[error(
        "{path} is not the file that {CONFIG} names (SHA-256 {found:.12}…, expected {expected:.12}…): it was damaged \
         or comes from another checkpoint; restore it", path = .path.display()
    )]
    Fingerprint {
        /// The file.
        path: PathBuf,
        /// The fingerprint in `config.json`.
        expected: String,
        /// The fingerprint of what is there.
        found: String,
    },
    /// `model.safetensors` cannot be read as such.
    #[error("{path} is not a readable safetensors file ({source}); restore it", path = .path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// In what way.
        source: safetensors::SafeTensorError,
    },
    /// A tensor is missing, of the wrong shape or type, or holds values that are not finite.
    #[error("{path}: tensor {name} {problem}; the checkpoint does not fit its {CONFIG}", path = .path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A network or a gate was built without one of its parameters.
    #[error(transparent)]
    Parameter(#[from] MissingParameter),
    /// The device refused the weights.
    #[cfg(feature = "candle")]
    #[error("cannot put the model on the device: {0}")]
    Device(#[from] candle_core::Error),
}
