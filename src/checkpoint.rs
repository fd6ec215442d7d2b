//! A checkpoint folder: `config.json`, `tokenizer.json`, `model.safetensors`, `README.md`. Load, verify, save atomically.
//!
//! What comes from the folder is not trusted: sizes, names, shapes, number formats and both fingerprints are checked
//! before a model is built, and each way to be wrong has its own error. Knows nothing of optimisers or of serving.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Model, ModelConfig};
use crate::vocabulary::{Vocabulary, VocabularyError};

/// The version of the folder's layout that this program reads and writes.
pub const FORMAT: u32 = 1;

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const CARD: &str = "README.md";

/// `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// [`FORMAT`].
    pub format: u32,
    /// Architecture and sizes.
    pub model: ModelConfig,
    /// What the logits are divided by before the softmax wherever a probability is shown (Guo et al. 2017, "On
    /// Calibration of Modern Neural Networks"); fitted by `trainer export --calibrate`.
    #[serde(default = "uncalibrated")]
    pub temperature: f64,
    /// Settings that the weights were trained with and how far, as the trainer recorded them.
    pub training: serde_json::Value,
    /// What the trainer measured.
    pub metrics: serde_json::Value,
    /// What the other files must be.
    pub fingerprints: Fingerprints,
}

fn uncalibrated() -> f64 {
    1.0
}

/// SHA-256 of the parts that must belong together, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// [`Vocabulary::fingerprint`].
    pub vocabulary: String,
    /// Of the bytes of `model.safetensors`.
    pub weights: String,
}

/// How weights are stored; they are always f32 in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 4 bytes a weight: exact.
    F32,
    /// 2 bytes a weight: what is distributed.
    F16,
}

/// Why a checkpoint could not be used, saying which file, what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The folder or a file of it is not there.
    #[error("{path} does not exist; a checkpoint folder holds {CONFIG}, {TOKENIZER} and {WEIGHTS}", path = .0.display())]
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
    /// The device refused the weights.
    #[error("cannot put the model on the device: {0}")]
    Device(#[from] candle_core::Error),
}

/// A verified checkpoint in memory.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// `config.json`.
    pub config: Config,
    /// `tokenizer.json`.
    pub vocabulary: Vocabulary,
    tensors: BTreeMap<String, Tensor>, // f32, on the CPU
}

impl Checkpoint {
    /// Reads and verifies a checkpoint folder.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        if !folder.exists() {
            return Err(CheckpointError::Missing(folder.to_owned()));
        }
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => CheckpointError::Missing(path),
                _ => CheckpointError::Io {
                    action: "read",
                    path,
                    source,
                },
            })
        };
        Self::verify(folder, &read(CONFIG)?, &read(TOKENIZER)?, &read(WEIGHTS)?)
    }

    /// Verifies a checkpoint whose files are in memory; `name` stands for the folder in errors.
    pub fn from_bytes(
        name: &str,
        config: &[u8],
        tokenizer: &[u8],
        weights: &[u8],
    ) -> Result<Self, CheckpointError> {
        Self::verify(Path::new(name), config, tokenizer, weights)
    }

    fn verify(
        folder: &Path,
        config: &[u8],
        tokenizer: &[u8],
        weights: &[u8],
    ) -> Result<Self, CheckpointError> {
        let config = read_config(&folder.join(CONFIG), config)?;

        let path = folder.join(TOKENIZER);
        let vocabulary = Vocabulary::from_tokenizer_json(tokenizer).map_err(|source| {
            CheckpointError::Vocabulary {
                path: path.clone(),
                source,
            }
        })?;
        check_fingerprint(
            path,
            &config.fingerprints.vocabulary,
            vocabulary.fingerprint(),
        )?;
        if vocabulary.len() != config.model.vocabulary_size {
            return Err(CheckpointError::Size {
                path: folder.join(CONFIG),
                what: "model.vocabulary_size",
            });
        }

        let path = folder.join(WEIGHTS);
        check_fingerprint(path.clone(), &config.fingerprints.weights, sha256(weights))?;
        let tensors = read_tensors(&path, &config.model, weights)?;
        Ok(Self {
            config,
            vocabulary,
            tensors,
        })
    }

    /// A checkpoint of these parameters, which must be those that `model` names.
    pub fn new(
        model: ModelConfig,
        vocabulary: Vocabulary,
        tensors: BTreeMap<String, Tensor>,
        training: serde_json::Value,
        metrics: serde_json::Value,
    ) -> Self {
        let fingerprints = Fingerprints {
            vocabulary: vocabulary.fingerprint(),
            weights: String::new(),
        };
        Self {
            config: Config {
                format: FORMAT,
                model,
                temperature: uncalibrated(),
                training,
                metrics,
                fingerprints,
            },
            vocabulary,
            tensors,
        }
    }

    /// The parameters by name, f32, on the CPU.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// The model for inference on `device`.
    pub fn model(&self, device: &Device) -> Result<Model, CheckpointError> {
        let tensors: HashMap<_, _> = self
            .tensors
            .iter()
            .map(|(name, t)| (name.clone(), t.clone()))
            .collect();
        Ok(Model::new(
            &self.config.model,
            &VarBuilder::from_tensors(tensors, DType::F32, device),
        )?)
    }

    /// Writes the folder, replacing one that is there only when the new one is complete. `card` is its `README.md`;
    /// `more` may write further files into the folder it is given.
    pub fn save(
        &self,
        folder: &Path,
        precision: Precision,
        card: &str,
        more: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), CheckpointError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CheckpointError::Io {
                action: "write",
                path,
                source,
            }
        };
        let weights = self.weights(precision)?;
        let fingerprints = Fingerprints {
            weights: sha256(&weights),
            ..self.config.fingerprints.clone()
        };
        let config = Config {
            fingerprints,
            ..self.config.clone()
        };
        let config = serde_json::to_vec_pretty(&config).map_err(|e| failed(folder)(e.into()))?;
        let tokenizer =
            self.vocabulary
                .to_tokenizer_json()
                .map_err(|source| CheckpointError::Vocabulary {
                    path: folder.join(TOKENIZER),
                    source,
                })?;

        replace_folder(folder, |new| {
            for (name, bytes) in [
                (WEIGHTS, &weights),
                (TOKENIZER, &tokenizer),
                (CONFIG, &config),
            ] {
                write_synced(&new.join(name), bytes)?;
            }
            write_synced(&new.join(CARD), card.as_bytes())?;
            more(new)
        })
        .map_err(failed(folder))
    }

    /// The bytes of `model.safetensors`.
    fn weights(&self, precision: Precision) -> Result<Vec<u8>, CheckpointError> {
        let mut tensors = Vec::new();
        for (name, tensor) in &self.tensors {
            let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
            let (dtype, bytes): (_, Vec<u8>) = match precision {
                Precision::F32 => (
                    Dtype::F32,
                    values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                ),
                Precision::F16 => (
                    Dtype::F16,
                    values
                        .iter()
                        .flat_map(|&v| half::f16::from_f32(v).to_le_bytes())
                        .collect(),
                ),
            };
            tensors.push((name, dtype, tensor.dims().to_vec(), bytes));
        }
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).expect("bytes of this shape");
            (name.as_str(), view)
        });
        safetensors::serialize(views, None).map_err(|source| CheckpointError::Weights {
            path: PathBuf::from(WEIGHTS),
            source,
        })
    }
}

fn read_config(path: &Path, bytes: &[u8]) -> Result<Config, CheckpointError> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let failed = |source| CheckpointError::Config {
        path: path.to_owned(),
        source,
    };
    // The version first: another version may have other fields.
    let version: Version = serde_json::from_slice(bytes).map_err(failed)?;
    if version.format != FORMAT {
        return Err(CheckpointError::Format {
            path: path.to_owned(),
            found: version.format,
        });
    }
    let config: Config = serde_json::from_slice(bytes).map_err(failed)?;
    let sizes = [
        (
            "model.vocabulary_size",
            config.model.vocabulary_size,
            crate::vocabulary::MAX_LEN,
        ),
        ("model.embedding_size", config.model.embedding_size, 1 << 14),
        ("model.hidden_size", config.model.hidden_size, 1 << 14),
    ];
    let wrong = sizes
        .into_iter()
        .find(|&(_, size, most)| size == 0 || size > most)
        .map(|(what, ..)| what)
        .or((!(0.01..=100.0).contains(&config.temperature)).then_some("temperature"));
    match wrong {
        Some(what) => Err(CheckpointError::Size {
            path: path.to_owned(),
            what,
        }),
        None => Ok(config),
    }
}

fn read_tensors(
    path: &Path,
    model: &ModelConfig,
    bytes: &[u8],
) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let file = SafeTensors::deserialize(bytes).map_err(|source| CheckpointError::Weights {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |name: &str, problem: String| CheckpointError::Tensor {
        path: path.to_owned(),
        name: name.to_owned(),
        problem,
    };
    let expected = model.parameters();
    if let Some(name) = file
        .names()
        .into_iter()
        .find(|&name| expected.iter().all(|(e, _)| e != name))
    {
        return Err(wrong(
            name,
            "does not belong to this architecture".to_owned(),
        ));
    }
    let mut tensors = BTreeMap::new();
    for (name, shape) in expected {
        let view = file
            .tensor(&name)
            .map_err(|_| wrong(&name, "is missing".to_owned()))?;
        if view.shape() != shape {
            return Err(wrong(
                &name,
                format!("has shape {:?} instead of {shape:?}", view.shape()),
            ));
        }
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => view
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
            Dtype::F16 => view
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|b| half::f16::from_le_bytes(*b).to_f32())
                .collect(),
            other => {
                return Err(wrong(
                    &name,
                    format!("has type {other:?} instead of F32 or F16"),
                ));
            }
        };
        if !values.iter().all(|v| v.is_finite()) {
            return Err(wrong(&name, "holds values that are not finite".to_owned()));
        }
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
    }
    Ok(tensors)
}

fn check_fingerprint(path: PathBuf, expected: &str, found: String) -> Result<(), CheckpointError> {
    if expected == found {
        return Ok(());
    }
    Err(CheckpointError::Fingerprint {
        path,
        expected: expected.to_owned(),
        found,
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Writes a file and waits until it is on the disk.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Has `write` fill a new folder beside `folder`, and only then puts it in `folder`'s place. On an error nothing is left
/// behind and the old folder stays. A program killed between the two renames leaves `folder.old`: see [`recover_folder`].
pub fn replace_folder(
    folder: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let parent = folder
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let new = tempfile::Builder::new()
        .prefix(".writing-")
        .tempdir_in(parent)?;
    write(new.path())?;
    let old = old_name(folder);
    if folder.exists() {
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        fs::rename(folder, &old)?;
    }
    let new = new.keep();
    if let Err(error) = fs::rename(&new, folder) {
        // Best effort: the error to report is the first one.
        let _ = fs::rename(&old, folder);
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    File::open(parent)?.sync_all()?;
    match fs::remove_dir_all(&old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Undoes a replacement that was cut off after the old folder had been moved aside.
pub fn recover_folder(folder: &Path) -> io::Result<()> {
    let old = old_name(folder);
    if folder.exists() || !old.exists() {
        return Ok(());
    }
    fs::rename(old, folder)
}

fn old_name(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".old");
    folder.with_file_name(name)
}

#[cfg(test)]
mod tests;
