//! Reading checkpoints: all input is validated before a model is built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{
    CONFIG, Checkpoint, CheckpointError, Config, FORMAT, GATE, Precision, TOKENIZER, WEIGHTS,
};
use crate::files::fingerprint;
use crate::model::{Parameter, Parameters};
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

    /// Verifies a checkpoint whose files are in memory. `name` replaces the folder in errors; `gate` is ignored if
    /// `config` has no gate.
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
        let parameters = read_parameters(&path, weights)?;
        check_shapes(&path, &config.model.parameters(), &parameters)?;
        let gate = match &config.gate {
            Some(expected) => {
                let path = folder.join(GATE);
                check_fingerprint(path.clone(), &expected.fingerprint, fingerprint::of(gate))?;
                read_parameters(&path, gate)?
            }
            None => Parameters::new(),
        };
        Ok(Self {
            config,
            vocabulary,
            precision: precision(weights),
            folder: folder.to_owned(),
            parameters,
            gate,
        })
    }
}

impl Checkpoint {
    /// Checks that the gate has exactly these parameters.
    pub fn check_gate(&self, expected: &[(String, Vec<usize>)]) -> Result<(), CheckpointError> {
        check_shapes(&self.folder.join(GATE), expected, &self.gate)
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
    // The version first: other versions may have other fields.
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
        .or((!(0.01..=100.0).contains(&config.temperature)).then_some("temperature"))
        .or(config.model.problem().map(|_| "model.transformer"));
    match wrong {
        Some(what) => Err(CheckpointError::Size {
            path: path.to_owned(),
            what,
        }),
        None => Ok(config),
    }
}

/// All parameters of a safetensors file. Fails on non-finite numbers.
fn read_parameters(path: &Path, bytes: &[u8]) -> Result<Parameters, CheckpointError> {
    let file = SafeTensors::deserialize(bytes).map_err(|source| CheckpointError::Weights {
        path: path.to_owned(),
        source,
    })?;
    let mut parameters = Parameters::new();
    for (name, view) in file.tensors() {
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
                let problem = format!("has type {other:?} instead of F32 or F16");
                return Err(wrong(path, &name, problem));
            }
        };
        // Without early exit, so that the loop is vectorised.
        if values.iter().fold(false, |any, v| any | !v.is_finite()) {
            let problem = "contains values that are not finite".to_owned();
            return Err(wrong(path, &name, problem));
        }
        parameters.insert(name, Parameter::new(values, view.shape().to_vec()));
    }
    Ok(parameters)
}

/// Checks that the parameters read from `path` have exactly the expected names and shapes.
fn check_shapes(
    path: &Path,
    expected: &[(String, Vec<usize>)],
    given: &Parameters,
) -> Result<(), CheckpointError> {
    let is_unknown = |name: &&String| expected.iter().all(|(e, _)| e != *name);
    if let Some(name) = given.keys().find(is_unknown) {
        let problem = "does not belong to this architecture".to_owned();
        return Err(wrong(path, name, problem));
    }
    for (name, shape) in expected {
        let Some(parameter) = given.get(name) else {
            return Err(wrong(path, name, "is missing".to_owned()));
        };
        let found = parameter.shape();
        if found != shape {
            let problem = format!("has shape {found:?} instead of {shape:?}");
            return Err(wrong(path, name, problem));
        }
    }
    Ok(())
}

fn wrong(path: &Path, name: &str, problem: String) -> CheckpointError {
    CheckpointError::Tensor {
        path: path.to_owned(),
        name: name.to_owned(),
        problem,
    }
}

/// The number format of a file's tensors.
fn precision(bytes: &[u8]) -> Precision {
    let halves = SafeTensors::deserialize(bytes)
        .is_ok_and(|file| file.tensors().iter().all(|(_, t)| t.dtype() == Dtype::F16));
    if halves {
        Precision::F16
    } else {
        Precision::F32
    }
}

/// Widens little-endian f16 to f32.
fn widened(bytes: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; bytes.len() / 2];
    let mut halves = [f16::ZERO; 4096];
    let blocks = bytes.as_chunks::<2>().0.chunks(halves.len());
    for (out, block) in values.chunks_mut(halves.len()).zip(blocks) {
        for (half, &bytes) in halves.iter_mut().zip(block) {
            *half = f16::from_le_bytes(bytes);
        }
        // In slices, so that the processor's features are detected once per slice and not once per number.
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
