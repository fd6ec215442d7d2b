//! Experiment settings: `experiments/*.toml`, one file per trained model, validated once and stored with the run in
//! resolved form.

use anyhow::{Context, Result, anyhow, bail, ensure};
use minicopilot::model::{
    Architecture, Initialization, MatmulPrecision, ModelConfig, TransformerConfig,
};
use serde::{Deserialize, Serialize};

/// An experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Settings of the network.
    pub model: ModelSettings,
    /// Settings of training.
    #[serde(default)]
    pub training: TrainingSettings,
}

/// [`ModelConfig`] without the vocabulary size, which is determined by the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// The architecture.
    pub architecture: Architecture,
    /// `E`, the embedding size.
    pub embedding_size: usize,
    /// `H`, the hidden size of each layer.
    pub hidden_size: usize,
    /// Dropout probability between layers and before the output layer.
    pub dropout: f64,
    /// The sizes that only a transformer has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformer: Option<TransformerConfig>,
}

/// How files are cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loader {
    /// The first 1,000 tokens of each file, padded to the longest file of the batch.
    Sequences,
    /// Whole files one after another in each lane; the state is carried from batch to batch.
    Streams,
}

/// Learning-rate schedule after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Constant rate.
    Constant,
    /// Cosine decay to `final_fraction` of the rate over the tokens of the run (Loshchilov & Hutter 2017).
    Cosine,
}

/// How gradients become updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Adam, or with weight decay AdamW, for all parameters.
    Adam,
    /// Muon for the matrices between hidden layers, Adam for everything else.
    Muon,
}

/// Batching, run length, optimiser and validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// Seed of initial weights, file order, dropout and sampled classes.
    pub seed: u64,
    /// Distribution of the initial weights.
    pub initialization: Initialization,
    /// How files are cut into batches.
    pub loader: Loader,
    /// `B`, lanes per batch.
    pub lanes: usize,
    /// `T`, steps per batch of [`Loader::Streams`].
    pub steps: usize,
    /// Passes over the training split.
    pub epochs: usize,
    /// Maximum training tokens: ends the run, and the schedule, before the epochs do.
    pub max_tokens: Option<u64>,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Schedule after the warm-up.
    pub schedule: Schedule,
    /// Steps of linear warm-up.
    pub warmup_steps: u64,
    /// Fraction of the peak rate at the end of a cosine schedule.
    pub final_fraction: f64,
    /// How gradients become updates.
    pub algorithm: Algorithm,
    /// Decay of the exponential moving average of the parameters. If it is not 0, the average is validated and saved as the
    /// best.
    pub average: f64,
    /// Adam's decay rate of the first moments.
    pub beta1: f64,
    /// Adam's decay rate of the second moments.
    pub beta2: f64,
    /// Adam's ε, added to the root of the second moments.
    pub epsilon: f64,
    /// Decoupled weight decay (AdamW); 0 gives Adam.
    pub weight_decay: f64,
    /// Precision of the matrix products. bf16 is faster on processors that support it, see `trainer bench`.
    pub precision: MatmulPrecision,
    /// Maximum global gradient norm; 0 disables clipping.
    pub clip: f64,
    /// Ids below this are in every sampled softmax; the vocabulary size or more gives the full softmax.
    pub softmax_head: u32,
    /// Number of other classes that are sampled per batch.
    pub softmax_sample: usize,
    /// Tokens per validation, from the start of the validation split.
    pub validation_tokens: u64,
    /// Also validates after this many tokens, in addition to after each epoch.
    pub validate_every: Option<u64>,
    /// Ends the run after this many consecutive validations without improvement.
    pub patience: usize,
}

impl Default for TrainingSettings {
    /// The original experiment: Adam at 1e-3 over the first 1,000 tokens of each file, full softmax.
    fn default() -> Self {
        Self {
            seed: 42,
            initialization: Initialization::Pytorch,
            loader: Loader::Sequences,
            lanes: 64,
            steps: 128,
            epochs: 5,
            max_tokens: None,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            warmup_steps: 0,
            final_fraction: 0.02,
            algorithm: Algorithm::Adam,
            average: 0.0,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            precision: MatmulPrecision::F32,
            clip: 1.0,
            softmax_head: u32::MAX,
            softmax_sample: 0,
            validation_tokens: 200_000,
            validate_every: None,
            patience: 2,
        }
    }
}

impl Experiment {
    /// Parses and validates the text of a `.toml`.
    pub fn parse(text: &str) -> Result<Self> {
        let experiment: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = text[..before].matches('\n').count() + 1;
            anyhow!("line {line}: {}", error.message())
        })?;
        let t = &experiment.training;
        let checks = [
            (t.lanes > 0, "training.lanes must be at least 1"),
            (t.steps > 0, "training.steps must be at least 1"),
            (t.epochs > 0, "training.epochs must be at least 1"),
            (
                t.learning_rate > 0.0 && t.learning_rate.is_finite(),
                "training.learning_rate must be positive",
            ),
            (
                (0.0..1.0).contains(&t.beta1) && (0.0..1.0).contains(&t.beta2),
                "training.beta1 and beta2 must be in [0, 1)",
            ),
            (
                (0.0..1.0).contains(&t.average),
                "training.average must be in [0, 1)",
            ),
            (t.epsilon > 0.0, "training.epsilon must be positive"),
            (
                t.weight_decay >= 0.0 && t.clip >= 0.0,
                "training.weight_decay and clip must not be negative",
            ),
            (
                (0.0..=1.0).contains(&t.final_fraction),
                "training.final_fraction must be in [0, 1]",
            ),
            (
                t.softmax_head > 1,
                "training.softmax_head must be at least 2",
            ),
            (
                (0.0..1.0).contains(&experiment.model.dropout),
                "model.dropout must be in [0, 1)",
            ),
            (
                experiment.model.embedding_size > 0 && experiment.model.hidden_size > 0,
                "model sizes must be at least 1",
            ),
        ];
        ensure!(
            t.validate_every != Some(0) && t.validation_tokens > 0,
            "training.validate_every and validation_tokens must be at least 1"
        );
        for (holds, message) in checks {
            ensure!(holds, message);
        }
        if let Some(problem) = experiment.model_config(1).problem() {
            bail!("{problem}");
        }
        Ok(experiment)
    }

    /// The `.toml` with every default written out.
    pub fn resolved(&self) -> Result<String> {
        toml::to_string_pretty(self).context("cannot write the experiment as TOML")
    }

    /// The network's configuration for a vocabulary size.
    pub fn model_config(&self, vocabulary_size: usize) -> ModelConfig {
        let ModelSettings {
            architecture,
            embedding_size,
            hidden_size,
            dropout,
            ref transformer,
        } = self.model;
        ModelConfig {
            architecture,
            vocabulary_size,
            embedding_size,
            hidden_size,
            dropout,
            transformer: transformer.clone(),
        }
    }
}

impl TrainingSettings {
    /// Learning rate of step `step` (from 0) when the fraction `progress` of the run is done.
    pub fn rate(&self, step: u64, progress: f64) -> f64 {
        let warmup = ((step + 1) as f64 / (self.warmup_steps + 1) as f64).min(1.0);
        let decay = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos());
                self.final_fraction + (1.0 - self.final_fraction) * cosine
            }
        };
        self.learning_rate * warmup * decay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolved_text_parses_to_the_same() {
        let text = "[model]\narchitecture = \"lstm\"\nembedding_size = 2\nhidden_size = 3\ndropout = 0.5\n";
        let experiment = Experiment::parse(text).unwrap();
        assert_eq!(
            Experiment::parse(&experiment.resolved().unwrap()).unwrap(),
            experiment
        );
        let error = Experiment::parse(&format!("{text}[training]\nlanse = 3\n"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("unknown field `lanse`"), "{error}");
        let error = Experiment::parse(&format!("{text}[training]\nlanes = 0\n"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "training.lanes must be at least 1");
    }

    #[test]
    fn every_experiment_in_the_repository_is_valid() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            Experiment::parse(&std::fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    #[test]
    fn the_rate_warms_up_and_falls() {
        let settings = TrainingSettings {
            schedule: Schedule::Cosine,
            warmup_steps: 9,
            ..Default::default()
        };
        let share = |step, progress| settings.rate(step, progress) / settings.learning_rate;
        for ((step, progress), expected) in [
            ((0, 0.0), 0.1),
            ((9, 0.0), 1.0),
            ((99, 0.5), 0.51),
            ((99, 1.0), 0.02),
        ] {
            assert!(
                (share(step, progress) - expected).abs() < 1e-9,
                "step {step}"
            );
        }
    }
}
