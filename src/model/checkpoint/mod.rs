//! A checkpoint folder: `config.json`, `tokenizer.json`, `model.safetensors`, `README.md`, and `gate.safetensors` if the
//! network is joined to the buffer. Load, verify, save atomically.
//!
//! What comes from the folder is not trusted: sizes, names, shapes, number formats and both fingerprints are checked
//! before a model is built, and each way to be wrong has its own error. Knows nothing of optimisers or of serving.

mod error;
mod read;
mod write;

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

pub use error::CheckpointError;

use crate::model::{Model, ModelConfig};
use crate::prediction::{EXPERTS, Mixture, features_fingerprint};
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
    /// How the network is joined to the buffer, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
    /// What the other files must be.
    pub fingerprints: Fingerprints,
}

/// `gate` in `config.json`: what `trainer gate` has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// [`crate::prediction::EXPERTS`] of the program that made it.
    pub experts: Vec<String>,
    /// [`features_fingerprint`] of the program that made it. Optional: gates that were fitted before features had names have
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
    tensors: BTreeMap<String, Tensor>, // f32, on the CPU
    gate: BTreeMap<String, Tensor>,    // the same; empty without `config.gate`
    precision: Precision,
}

impl Checkpoint {
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
                gate: None,
                fingerprints,
            },
            vocabulary,
            tensors,
            gate: BTreeMap::new(),
            precision: Precision::F32,
        }
    }

    /// How the weights were stored where they come from: stored so again, they are the same.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The parameters by name, f32, on the CPU.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// The same with other parameters of the same names, and without a gate: that belongs to the ones it was fitted to.
    #[must_use]
    pub fn with_tensors(mut self, tensors: BTreeMap<String, Tensor>) -> Self {
        self.config.gate = None;
        Self {
            tensors,
            gate: BTreeMap::new(),
            precision: Precision::F32,
            ..self
        }
    }

    /// The same, joined to the buffer by these [parameters](crate::prediction::parameters).
    #[must_use]
    pub fn with_gate(
        mut self,
        gate: BTreeMap<String, Tensor>,
        training: serde_json::Value,
    ) -> Self {
        self.config.gate = Some(GateConfig {
            experts: EXPERTS.map(str::to_owned).to_vec(),
            features: Some(features_fingerprint()),
            training,
            fingerprint: String::new(), // known when it is written
        });
        Self { gate, ..self }
    }

    /// What joins the network to the buffer, if there is anything.
    pub fn mixture(&self) -> Result<Option<Mixture>, CheckpointError> {
        let gate = self.config.gate.as_ref().map(|_| &self.gate);
        let joined = gate.map(|gate| Mixture::new(gate, &self.vocabulary));
        Ok(joined.transpose()?)
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
}

#[cfg(test)]
mod tests;
