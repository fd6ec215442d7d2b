//! Reading: every byte is checked before a model is built of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{
    CONFIG, Checkpoint, CheckpointError, Config, FORMAT, GATE, Precision, TOKENIZER, WEIGHTS,
};
use crate::files::fingerprint;
use crate::prediction;
use crate::tokenizer::Vocabulary;

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
        let config = read_config(&folder.join(CONFIG), &read(CONFIG)?)?;
        let (tokenizer, weights) = (read(TOKENIZER)?, read(WEIGHTS)?);
        let gate = config.gate.is_some().then(|| read(GATE)).transpose()?;
        let gate = gate.unwrap_or_default();
        Self::verify(folder, config, &tokenizer, &weights, &gate)
    }

    /// Verifies a checkpoint whose files are in memory; `name` stands for the folder in errors, and `gate` is not looked
    /// at if `config` names none.
    pub fn from_bytes(
        name: &str,
        config: &[u8],
        tokenizer: &[u8],
        weights: &[u8],
        gate: &[u8],
    ) -> Result<Self, CheckpointError> {
        let folder = Path::new(name);
        let config = read_config(&folder.join(CONFIG), config)?;
        Self::verify(folder, config, tokenizer, weights, gate)
    }

    fn verify(
        folder: &Path,
        config: Config,
        tokenizer: &[u8],
        weights: &[u8],
        gate: &[u8],
    ) -> Result<Self, CheckpointError> {
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
        check_fingerprint(
            path.clone(),
            &config.fingerprints.weights,
            fingerprint::of(weights),
        )?;
        let tensors = read_tensors(&path, config.model.parameters(), weights)?;
        let gate = match &config.gate {
            Some(expected) => {
                let path = folder.join(GATE);
                check_fingerprint(path.clone(), &expected.fingerprint, fingerprint::of(gate))?;
                let parameters = prediction::parameters(config.model.hidden_size);
                let gate = read_tensors(&path, parameters, gate)?;
                let deviation: Vec<f32> = gate["gate.deviation"].to_vec1()?;
                if deviation.iter().any(|&deviation| deviation <= 0.0) {
                    return Err(CheckpointError::Tensor {
                        path,
                        name: "gate.deviation".to_owned(),
                        problem: "holds a deviation that is not positive".to_owned(),
                    });
                }
                gate
            }
            None => BTreeMap::new(),
        };
        Ok(Self {
            config,
            vocabulary,
            precision: precision(weights),
            tensors,
            gate,
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
            crate::tokenizer::MAX_LEN,
        ),
        ("model.embedding_size", config.model.embedding_size, 1 << 14),
        ("model.hidden_size", config.model.hidden_size, 1 << 14),
    ];
    let wrong = sizes
        .into_iter()
        .find(|&(_, size, most)| size == 0 || size > most)
        .map(|(what, ..)| what)
        .or((!(0.01..=100.0).contains(&config.temperature)).then_some("temperature"));
    if let Some(gate) = &config.gate {
        if gate.experts != prediction::EXPERTS {
            return Err(CheckpointError::Experts(path.to_owned()));
        }
        let features = gate.features.as_ref();
        if features.is_some_and(|features| *features != prediction::features_fingerprint()) {
            return Err(CheckpointError::Features(path.to_owned()));
        }
    }
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
    expected: Vec<(String, Vec<usize>)>,
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
            Dtype::F16 => widened(view.data()),
            other => {
                return Err(wrong(
                    &name,
                    format!("has type {other:?} instead of F32 or F16"),
                ));
            }
        };
        // Without an early end, so that it is vectorised.
        if values.iter().fold(false, |any, v| any | !v.is_finite()) {
            return Err(wrong(&name, "holds values that are not finite".to_owned()));
        }
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
    }
    Ok(tensors)
}

/// How a file's tensors are stored.
fn precision(bytes: &[u8]) -> Precision {
    let halves = SafeTensors::deserialize(bytes)
        .is_ok_and(|file| file.tensors().iter().all(|(_, t)| t.dtype() == Dtype::F16));
    if halves {
        Precision::F16
    } else {
        Precision::F32
    }
}

/// f16, little-endian -> f32.
fn widened(bytes: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; bytes.len() / 2];
    let mut halves = [f16::ZERO; 4096];
    let blocks = bytes.as_chunks::<2>().0.chunks(halves.len());
    for (out, block) in values.chunks_mut(halves.len()).zip(blocks) {
        for (half, &bytes) in halves.iter_mut().zip(block) {
            *half = f16::from_le_bytes(bytes);
        }
        // A slice at a time: the processor's own instructions, found once and not for each number.
        halves[..block.len()].convert_to_f32_slice(out);
    }
    values
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
