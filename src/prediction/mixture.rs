//! The mixture of experts: predicts the next token and ranks candidates.

use super::expert::{Expert, Scope};
use super::features::{CANDIDATE_FEATURES, FEATURES, features_fingerprint};
use super::gate::{Gate, GateOutput, prior, shrink_project_weights};
use super::gate_features::gate_features;
use super::prediction::Prediction;
use super::reranker::Reranker;
use super::scores::ExpertScores;
use crate::context::{BufferNames, BufferTokens, CandidateId, CandidateSpace, Syntax};
use crate::inference::{CosineScores, Distribution};
use crate::model::checkpoint::{Checkpoint, CheckpointError, GateConfig};
use crate::model::{MissingParameter, Parameters};
use crate::simd::softmax_in_place;
use crate::tokenizer::Vocabulary;

/// Name and shape of every gate and reranker parameter, for a network with this hidden size.
pub fn parameters(hidden_size: usize) -> Vec<(String, Vec<usize>)> {
    let all = Gate::parameters(hidden_size).into_iter();
    all.chain(Reranker::parameters())
        .map(|(name, shape)| (name.to_owned(), shape))
        .collect()
}

/// The `config.json` entry for a gate just fitted by this program.
pub fn gate_config(training: serde_json::Value) -> GateConfig {
    GateConfig {
        experts: Expert::NAMES.map(str::to_owned).to_vec(),
        features: Some(features_fingerprint()),
        training,
        fingerprint: String::new(), // computed when the checkpoint is written
    }
}

/// The gate and the reranker.
#[derive(Clone, Debug)]
pub struct Mixture {
    gate: Gate,
    reranker: Reranker,
    syntax: Syntax,
    /// Whether each expert is ablated.
    ablated: [bool; Expert::COUNT],
    reranks: bool,
}

/// A part of the mixture that can be ablated to measure its contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One of the experts.
    Expert(Expert),
    /// All project experts.
    Project,
    /// The reranker.
    Reranker,
}

impl Part {
    /// Names of all parts except `project`, in order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Expert::context().map(Expert::name).chain(["reranker"])
    }

    /// The part with this name: an expert other than the network, `project`, or `reranker`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "project" => Some(Self::Project),
            "reranker" => Some(Self::Reranker),
            _ => Expert::context()
                .find(|expert| expert.name() == name)
                .map(Self::Expert),
        }
    }
}

impl Mixture {
    /// Loads the mixture of a checkpoint; `None` if it has no gate.
    ///
    /// # Errors
    /// If the gate was fitted for other experts or features, or its parameters do not match [`parameters`].
    pub fn of(checkpoint: &Checkpoint) -> Result<Option<Self>, CheckpointError> {
        let Some((config, given)) = checkpoint.gate() else {
            return Ok(None);
        };
        if config.experts != Expert::NAMES {
            return Err(CheckpointError::Experts(checkpoint.config_path()));
        }
        let features = config.features.as_ref();
        if features.is_some_and(|features| *features != features_fingerprint()) {
            return Err(CheckpointError::Features(checkpoint.config_path()));
        }
        checkpoint.check_gate(&parameters(checkpoint.config.model.hidden_size))?;
        let deviation = given["gate.deviation"].values();
        if deviation.iter().any(|&deviation| deviation <= 0.0) {
            let problem = "contains a deviation that is not positive";
            return Err(checkpoint.wrong_gate("gate.deviation", problem));
        }
        Ok(Some(Self::new(given, &checkpoint.vocabulary)?))
    }

    /// Reads the mixture from parameters with the names and shapes of [`parameters`], for buffers tokenized with
    /// `vocabulary`.
    pub fn new(given: &Parameters, vocabulary: &Vocabulary) -> Result<Self, MissingParameter> {
        Ok(Self {
            gate: Gate::new(given)?,
            reranker: Reranker::new(given)?,
            syntax: Syntax::new(vocabulary),
            ablated: [false; Expert::COUNT],
            reranks: true,
        })
    }

    /// The same mixture without a part.
    #[must_use]
    pub fn without(mut self, part: Part) -> Self {
        match part {
            Part::Expert(expert) => self.ablated[expert as usize] = true,
            Part::Project => {
                for expert in Expert::of(Scope::Project) {
                    self.ablated[expert as usize] = true;
                }
            }
            Part::Reranker => self.reranks = false,
        }
        self
    }

    /// The mean hidden state, `[H]`, for [`crate::inference::Engine::new`].
    pub fn mean_hidden(&self) -> &[f32] {
        &self.gate.mean_hidden
    }

    /// Predicts the token after `buffer`, given the network's `distribution` and the `cosines` of earlier
    /// states with the current one.
    pub fn predict(
        &self,
        buffer: &BufferTokens,
        distribution: &Distribution,
        cosines: &CosineScores,
    ) -> Prediction {
        let names = BufferNames {
            space: CandidateSpace::new(self.syntax.vocabulary_size(), buffer),
            syntax: &self.syntax,
        };
        let space = &names.space;
        let mut scores = ExpertScores::new(space, &self.syntax, cosines);
        if self.ablated[Expert::Members as usize] {
            scores.members.floor = 0.0;
        }
        let features = gate_features(space, distribution, cosines, &scores);
        let prior = prior(distribution, &scores);
        let (mut weights, activations) = self.weigh(&features, distribution.hidden(), &prior);
        shrink_project_weights(&mut weights, buffer.project().len());
        Prediction::new(&names, distribution, scores, weights, activations)
    }

    /// The gate's forward pass: the experts' weights and the activations `[UNITS]`, from the [features](gate_features), the
    /// hidden state `[H]` and the [`prior`].
    pub fn weigh(
        &self,
        features: &[f32; FEATURES],
        hidden: &[f32],
        prior: &[f32; Expert::COUNT],
    ) -> ([f32; Expert::COUNT], Vec<f32>) {
        let GateOutput {
            logits,
            activations,
        } = self.gate.forward(features, hidden);
        let mut weights: [f32; Expert::COUNT] = std::array::from_fn(|k| {
            if self.ablated[k] {
                f32::NEG_INFINITY
            } else {
                logits[k] + prior[k]
            }
        });
        softmax_in_place(&mut weights);
        (weights, activations)
    }

    /// The reranker's forward pass: the score of each candidate, from the gate's activations `[UNITS]` and the candidates'
    /// [features](Prediction::features). A softmax over the scores redistributes the total probability of the candidates.
    pub fn scores(
        &self,
        activations: &[f32],
        candidates: &[[f32; CANDIDATE_FEATURES]],
    ) -> Vec<f32> {
        let candidates = candidates.iter().copied();
        self.reranker.scores(activations, candidates)
    }

    /// The `most` best of some candidates with their probabilities, best first.
    pub fn rank(
        &self,
        prediction: &Prediction,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        candidates: impl Iterator<Item = CandidateId>,
        most: usize,
    ) -> Vec<(CandidateId, f32)> {
        if self.reranks {
            (self.reranker).rank(prediction, space, distribution, candidates, most)
        } else {
            prediction.best(candidates, most)
        }
    }
}
