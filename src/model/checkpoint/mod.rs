//! A checkpoint folder: `config.json`, `tokenizer.json`, `model.safetensors`, `README.md`, and `gate.safetensors` if
//! the network is combined with a context model. Loads, verifies and atomically saves it.
//!
//! The folder is untrusted input: sizes, names, shapes, number formats and fingerprints are checked before a model is
//! built, and each failure has its own error. Does not depend on optimisers or on serving.

mod error;
mod read;
mod write;

use std::path::PathBuf;

#[cfg(feature = "candle")]
use candle_core::Device;
use serde::{Deserialize, Serialize};

pub use error::CheckpointError;

#[cfg(feature = "candle")]
use crate::model::Model;
use crate::model::ModelConfig;
use crate::model::Parameters;
use crate::tokenizer::Vocabulary;

/// Version of the folder layout that this program reads and writes.
pub const FORMAT: u32 = 1;

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const GATE: &str = "gate.safetensors";
const CARD: &str = "README.md";

/// `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// [`FORMAT`].
    pub format: u32,
    /// Architecture and sizes.
    pub model: ModelConfig,
    /// Softmax temperature: divides the logits of displayed probabilities (Guo et al. 2017, "On Calibration of Modern
    /// Neural Networks"); fitted by `trainer export --calibrate`.
    #[serde(default = "uncalibrated")]
    pub temperature: f64,
    /// Training settings and progress, as recorded by the trainer.
    pub training: serde_json::Value,
    /// Metrics measured by the trainer.
    pub metrics: serde_json::Value,
    /// The gate, if the network is combined with a context model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
    /// Expected fingerprints of the other files.
    pub fingerprints: Fingerprints,
}

/// `gate` in `config.json`, written by `trainer gate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// Names of the experts that the gate weighs.
    pub experts: Vec<String>,
    /// Fingerprint of the names of the features that the gate was fitted with. Gates that were fitted before features
    /// had names lack it; only their shapes are checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// Training data of the gate, and its loss.
    pub training: serde_json::Value,
    /// SHA-256 of the bytes of `gate.safetensors`, in hexadecimal.
    pub fingerprint: String,
}

fn uncalibrated() -> f64 {
    1.0
}

/// SHA-256 of the parts that belong together, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// [`Vocabulary::fingerprint`].
    pub vocabulary: String,
    /// SHA-256 of `model.safetensors`.
    pub weights: String,
}

/// Number format of stored weights; in memory they are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 4 bytes per weight: exact.
    F32,
    /// 2 bytes per weight: the format of distribution.
    F16,
}

/// A verified checkpoint in memory.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// `config.json`.
    pub config: Config,
    /// `tokenizer.json`.
    pub vocabulary: Vocabulary,
    parameters: Parameters,
    gate: Parameters, // empty without `config.gate`
    precision: Precision,
    /// The folder it was read from, for messages.
    folder: PathBuf,
}

impl Checkpoint {
    /// A checkpoint of these parameters, which must match `model`.
    pub fn new(
        model: ModelConfig,
        vocabulary: Vocabulary,
        parameters: Parameters,
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
                gate: None,
                fingerprints,
            },
            vocabulary,
            parameters,
            gate: Parameters::new(),
            precision: Precision::F32,
            folder: PathBuf::new(),
        }
    }

    /// Fails unless the server's engine can run this network: a recurrent one over whole tokens.
    pub fn check_served(&self) -> Result<(), CheckpointError> {
        let what = if self.config.model.transformer.is_some() {
            "a transformer"
        } else if self.vocabulary.has_pieces() {
            "a network over pieces of tokens"
        } else {
            return Ok(());
        };
        Err(CheckpointError::Unserved {
            path: self.folder.clone(),
            what,
        })
    }

    /// The number format in which the weights can be stored without loss: the format of the file they were read from.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The network's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The same checkpoint with other parameters of the same names. Drops the gate, which was fitted to the old ones.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.config.gate = None;
        Self {
            parameters,
            gate: Parameters::new(),
            precision: Precision::F32,
            ..self
        }
    }

    /// The same checkpoint with a gate, see [`crate::prediction`]. The gate's fingerprint is computed on saving.
    #[must_use]
    pub fn with_gate(mut self, config: GateConfig, gate: Parameters) -> Self {
        self.config.gate = Some(config);
        Self { gate, ..self }
    }

    /// The gate's entry in `config.json` and its unchecked parameters; [`crate::prediction`] checks them.
    pub fn gate(&self) -> Option<(&GateConfig, &Parameters)> {
        Some((self.config.gate.as_ref()?, &self.gate))
    }

    /// Path of the configuration file, for messages.
    pub fn config_path(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// An error for an invalid gate parameter.
    pub fn wrong_gate(&self, name: &str, problem: &str) -> CheckpointError {
        CheckpointError::Tensor {
            path: self.folder.join(GATE),
            name: name.to_owned(),
            problem: problem.to_owned(),
        }
    }

    /// The model in Candle, for inference on `device`.
    #[cfg(feature = "candle")]
    pub fn model(&self, device: &Device) -> Result<Model, CheckpointError> {
        Ok(Model::from_parameters(
            &self.config.model,
            &self.parameters,
            device,
        )?)
    }
}

#[cfg(test)]
mod tests;
