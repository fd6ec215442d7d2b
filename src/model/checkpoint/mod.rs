//! A checkpoint folder: `config.json`, `tokenizer.json`, `model.safetensors`, `README.md`, and `gate.safetensors` if the
//! network is combined with a context model. Load, verify, save atomically.
//!
//! What comes from the folder is not trusted: sizes, names, shapes, number formats and both fingerprints are checked
//! before a model is built, and each way to be wrong has its own error. Knows nothing of optimisers or of serving.

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

/// The version of the folder's layout that this program reads and writes.
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
    /// What the logits are divided by before the softmax wherever a probability is shown (Guo et al. 2017, "On
    /// Calibration of Modern Neural Networks"); fitted by `trainer export --calibrate`.
    #[serde(default = "uncalibrated")]
    pub temperature: f64,
    /// Settings that the weights were trained with and how far, as the trainer recorded them.
    pub training: serde_json::Value,
    /// What the trainer measured.
    pub metrics: serde_json::Value,
    /// How the network is combined with the context model, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
    /// What the other files must be.
    pub fingerprints: Fingerprints,
}

/// `gate` in `config.json`: what `trainer gate` has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// The names of the experts that it weighs.
    pub experts: Vec<String>,
    /// The fingerprint of the names of the features that it was fitted with. Optional: gates that were fitted before features had names have
    /// none, and only their shapes are checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// What it was fitted on, and how well it fits.
    pub training: serde_json::Value,
    /// SHA-256 of the bytes of `gate.safetensors`, in hexadecimal.
    pub fingerprint: String,
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
    /// Where it was read from, for messages.
    folder: PathBuf,
}

impl Checkpoint {
    /// A checkpoint of these parameters, which must be those that `model` names.
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

    /// How the weights were stored where they come from: stored so again, they are the same.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The network's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The same with other parameters of the same names, and without a gate: that belongs to the ones it was fitted to.
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

    /// The same with a gate, which is a matter of [`crate::prediction`]. Its fingerprint is known when it is written.
    #[must_use]
    pub fn with_gate(mut self, config: GateConfig, gate: Parameters) -> Self {
        self.config.gate = Some(config);
        Self { gate, ..self }
    }

    /// The gate's entry in `config.json`, and its parameters as they were read: only [`crate::prediction`] knows which it must have.
    pub fn gate(&self) -> Option<(&GateConfig, &Parameters)> {
        Some((self.config.gate.as_ref()?, &self.gate))
    }

    /// The file of its folder that holds the configuration, for messages.
    pub fn config_path(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// The error that a parameter of the gate is of no use.
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
