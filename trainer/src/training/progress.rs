//! How far a run is: `last/position.json`. A resume continues from it.

use minicopilot::metrics::Figures;
use serde::{Deserialize, Serialize};

use crate::data::Dataset;

/// How far a run is. The names of the fields are those of `position.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunProgress {
    pub epoch: u64,
    /// Batches done in this epoch.
    pub batch: u64,
    pub step: u64,
    /// Targets learned from, `<PAD>` aside.
    pub tokens: u64,
    /// Seconds of training, over all sittings.
    pub seconds: f64,
    pub best_loss: Option<f64>,
    /// The latest validation.
    pub validation: Option<Figures>,
    /// The step after which it was.
    #[serde(default)]
    pub validated_step: Option<u64>,
    #[serde(rename = "without_gain")]
    pub validations_since_best: u64,
    /// Length of the log: what comes after it was written after this checkpoint and is dropped by a resume.
    pub log_bytes: u64,
    /// Sum of the loss and number of steps since the last line of the log.
    pub pending: (f64, u64),
    /// Fingerprint of the prepared data.
    pub data: String,
    /// Where the first weights come from, unless they were drawn at random.
    #[serde(default)]
    pub from: Option<Origin>,
}

/// The checkpoint that a run began with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// SHA-256 of its weights.
    pub weights: String,
    /// How it was trained.
    pub training: serde_json::Value,
}

impl RunProgress {
    /// Of a run that begins.
    pub fn start(dataset: &Dataset, from: Option<Origin>) -> Self {
        Self {
            data: dataset.fingerprint().to_owned(),
            from,
            ..Self::default()
        }
    }

    /// The latest validation in one line; empty if there was none.
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
