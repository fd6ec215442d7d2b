//! Errors of reading and writing checkpoints.

use std::io;
use std::path::PathBuf;

use super::{CONFIG, FORMAT, GATE, TOKENIZER, WEIGHTS};
use crate::model::MissingParameter;
use crate::tokenizer::VocabularyError;

/// Why a checkpoint could not be used: the file, the cause and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The folder or one of its files does not exist.
    #[error("{path} does not exist; a checkpoint folder holds {CONFIG}, {TOKENIZER}, {WEIGHTS} and, if it has a gate, {GATE}", path = .0.display())]
    Missing(PathBuf),
    /// The operating system returned an error.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// `config.json` is invalid.
    #[error("{path}: {source}; restore the file or export the checkpoint again", path = .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The JSON error and its position.
        source: serde_json::Error,
    },
    /// Written by a newer or much older version of the program.
    #[error("{path}: format {found}, but this program reads format {FORMAT}; use the version that wrote it", path = .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The file's format version.
        found: u32,
    },
    /// The gate was fitted to other experts than this program has.
    #[error("{path}: its gate was fitted for other experts than this program's; fit it again with `trainer gate`", path = .0.display())]
    Experts(PathBuf),
    /// The gate was fitted to other features than this program computes.
    #[error("{path}: its gate was fitted for other features than this program's; fit it again with `trainer gate`", path = .0.display())]
    Features(PathBuf),
    /// Sizes that are out of range.
    #[error("{path}: {what} is out of range", path = .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// The setting that is out of range.
        what: &'static str,
    },
    /// `tokenizer.json` is not a vocabulary written by this program.
    #[error("{path}: {source}; restore the file or export the checkpoint again", path = .path.display())]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: VocabularyError,
    },
    /// A file is readable but belongs to another checkpoint, or was changed.
    #[error(
        "{path} does not match {CONFIG} (SHA-256 {found:.12}…, expected {expected:.12}…): it is damaged or belongs \
         to another checkpoint; restore it", path = .path.display()
    )]
    Fingerprint {
        /// The file.
        path: PathBuf,
        /// The fingerprint in `config.json`.
        expected: String,
        /// The fingerprint of the file.
        found: String,
    },
    /// `model.safetensors` is not a valid safetensors file.
    #[error("{path} is not a readable safetensors file ({source}); restore it", path = .path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: safetensors::SafeTensorError,
    },
    /// A tensor is missing, has the wrong shape or type, or contains non-finite values.
    #[error("{path}: tensor {name} {problem}; the checkpoint does not match its {CONFIG}", path = .path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The problem with it.
        problem: String,
    },
    /// The program can train and evaluate this kind of network, but not serve it.
    #[error("{path} holds {what}; only recurrent networks over whole tokens can be served", path = .path.display())]
    Unserved {
        /// The folder.
        path: PathBuf,
        /// The kind of network.
        what: &'static str,
    },
    /// A network or a gate was built without one of its parameters.
    #[error(transparent)]
    Parameter(#[from] MissingParameter),
    /// The weights could not be moved to the device.
    #[cfg(feature = "candle")]
    #[error("cannot move the model to the device: {0}")]
    Device(#[from] candle_core::Error),
}
