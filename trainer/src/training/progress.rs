//! A run's progress, `last/position.json`, from which a resume continues.

use minicopilot::metrics::Figures;
use serde::{Deserialize, Serialize};

use crate::data::Dataset;

/// A run's progress. The field names are those of `position.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProgress {
    pub epoch: u64,
    /// Finished batches of this epoch.
    pub batch: u64,
    pub step: u64,
    /// Targets trained on, excluding `<PAD>`.
    pub tokens: u64,
    /// Seconds of training, over all sessions.
    pub seconds: f64,
    pub best_loss: Option<f64>,
    /// The latest validation.
    pub validation: Option<Figures>,
    /// The step of the latest validation.
    #[serde(default)]
    pub validated_step: Option<u64>,
    #[serde(rename = "without_gain")]
    pub validations_since_best: u64,
    /// Length of the log in bytes. A resume drops everything after it.
    pub log_bytes: u64,
    /// Sum of the loss and number of steps since the last log line.
    pub pending: (f64, u64),
    /// Fingerprint of the prepared data.
    pub data: String,
    /// The checkpoint that the run started from; None for random weights.
    #[serde(default)]
    pub from: Option<Origin>,
}

/// The initial checkpoint of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// SHA-256 of its weights.
    pub weights: String,
    /// Its training settings.
    pub training: serde_json::Value,
}

impl RunProgress {
    /// The progress of a new run.
    pub fn start(dataset: &Dataset, from: Option<Origin>) -> Self {
        Self {
            data: dataset.fingerprint().to_owned(),
            from,
            ..Self::default()
        }
    }

    /// The latest validation in one line; empty if there is none.
    pub fn validation_line(&self) -> String {
        let Some(Figures {
            loss: Some(loss),
            perplexity: Some(perplexity),
            top1: Some(top1),
            top5: Some(top5),
            ..
        }) = &self.validation
        else {
            return String::new();
        };
        let Self { epoch, tokens, .. } = self;
        format!(
            "epoch {epoch}, {tokens} tokens: validation loss {loss:.4}, perplexity {perplexity:.3}, top-1 {top1:.4}, top-5 {top5:.4}"
        )
    }
}
