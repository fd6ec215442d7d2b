//! The network joined to the buffer: experts, a gate that weighs them, and a reranker of the best.
//!
//! [`BufferTokens`] holds a buffer's tokens and finds where a context has occurred before; `evidence` makes a distribution of
//! that for each expert, and numbers about them; the gate turns these numbers into weights (a small network, fitted by
//! `trainer gate`), [`Prediction`] is the mixture, and the reranker shares out anew what its best candidates have
//! together. Knows nothing of text, prefixes or protocols.

mod candidates;
mod experts;
mod features;
mod weights;

use std::collections::BTreeMap;

use candle_core::Tensor;

pub use candidates::{CANDIDATE_FEATURES, LOGS, Prediction, RERANKED};
pub use experts::{CACHES, EXPERTS, ExpertScores, FEATURES, SCOPES};
pub use features::{CANDIDATE_FEATURE_NAMES, FEATURE_NAMES, features_fingerprint};
pub use weights::{GATE, PROJECTED, RERANKER, UNITS, parameters};

use crate::context::{BufferTokens, Syntax};
use crate::inference::{CosineScores, Distribution};
use crate::simd::softmax_in_place;
use crate::symbols;
use crate::tokenizer::{UNK, Vocabulary};
use experts::OUTSIDE;
use weights::{Gated, Weights};

/// Tokens around a document of which the experts for its project are trusted half.
const FEW: f32 = 1000.0;

/// The gate and the reranker.
#[derive(Clone, Debug)]
pub struct Mixture {
    weights: Weights,
    syntax: Syntax,
    /// Experts that are not listened to: see [`Mixture::without`].
    silent: [bool; EXPERTS.len()],
    reranks: bool,
}

impl Mixture {
    /// From tensors with the names and shapes of [`parameters`], for documents of this vocabulary.
    pub fn new(
        tensors: &BTreeMap<String, Tensor>,
        vocabulary: &Vocabulary,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            syntax: Syntax::new(vocabulary),
            weights: Weights::new(tensors)?,
            silent: [false; EXPERTS.len()],
            reranks: true,
        })
    }

    /// The same without one of [`EXPERTS`] but the network, without those for the "project", or without the "reranker": how
    /// much it is worth. `None` if there is none of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Option<Self> {
        if name == "reranker" {
            self.reranks = false;
        } else {
            let mut found = false;
            for (expert, silent) in EXPERTS.iter().zip(&mut self.silent).skip(1) {
                let is_one = *expert == name || name == "project" && expert.starts_with(name);
                *silent |= is_one;
                found |= is_one;
            }
            if !found {
                return None;
            }
        }
        Some(self)
    }

    /// Where hidden states lie on average: what [`crate::inference::Engine::keep_hidden_states`] is to be given.
    pub fn centre(&self) -> &[f32] {
        &self.weights.centre
    }

    /// What comes after `document`, where the network has said `answer` in a state that is `similar` to earlier ones.
    pub fn predict(
        &self,
        document: &BufferTokens,
        answer: &Distribution,
        similar: &CosineScores,
    ) -> Prediction {
        let mut evidence = document.evidence(&self.syntax, answer, similar);
        if self.silent[EXPERTS.len() - 1] {
            evidence.members.least = 0.0;
        }
        let prior = prior(answer, &evidence);
        let (mut weights, units) = self.weigh(&evidence.features, &answer.hidden, &prior);
        trust(
            &mut weights,
            document.surroundings().map_or(0, |around| around.code()),
        );
        Prediction::new(&self.syntax, document, answer, evidence, weights, units)
    }

    /// The gate's forward pass: the experts' weights, from [features](ExpertScores::features), the hidden state `[H]` and the
    /// [`prior`]; and its units `[UNITS]`.
    pub fn weigh(
        &self,
        features: &[f32; FEATURES],
        hidden: &[f32],
        prior: &[f32; EXPERTS.len()],
    ) -> ([f32; EXPERTS.len()], Vec<f32>) {
        let Gated { logits, units } = self.weights.gate(features, hidden);
        let mut weights: [f32; EXPERTS.len()] = std::array::from_fn(|k| {
            if self.silent[k] {
                f32::NEG_INFINITY
            } else {
                logits[k] + prior[k]
            }
        });
        softmax_in_place(&mut weights);
        (weights, units)
    }

    /// The reranker's forward pass: the score of each candidate, from the gate's `units` and the candidates'
    /// [features](Prediction::features). A softmax over the scores shares out what the candidates have together.
    pub fn scores(&self, units: &[f32], candidates: &[[f32; CANDIDATE_FEATURES]]) -> Vec<f32> {
        self.weights.scores(units, candidates.iter().copied())
    }

    /// Whether `document` ends with a dot behind something that it is asked of, so that a name must follow.
    pub fn needs_a_name(&self, document: &BufferTokens) -> bool {
        symbols::is_attribute(document, &self.syntax)
    }

    /// Whether the name of a module that is imported begins behind `document`.
    pub fn begins_module(&self, document: &BufferTokens) -> bool {
        symbols::begins_module(document, &self.syntax)
    }

    /// Of the candidates that fit, the likeliest `most` with their probabilities, the likeliest first.
    pub fn rank(
        &self,
        prediction: &Prediction,
        document: &BufferTokens,
        answer: &Distribution,
        fitting: impl Iterator<Item = usize>,
        most: usize,
    ) -> Vec<(usize, f32)> {
        if self.reranks {
            prediction.ranked(&self.weights, document, answer, fitting, most)
        } else {
            prediction.best(fitting, most)
        }
    }
}

/// Takes from the experts for the project what little there is of it does not warrant: the gate was fitted on packages.
fn trust(weights: &mut [f32; EXPERTS.len()], tokens: usize) {
    let share = tokens as f32 / (tokens as f32 + FEW);
    for (expert, weight) in EXPERTS.iter().zip(&mut *weights) {
        if expert.starts_with("project") {
            *weight *= share;
        }
    }
    let total: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
}

/// The logarithms of what the experts' weights would be by the network's word alone: it speaks of what is in the
/// vocabulary, and of the rest those do that know nothing else. Who says nothing has none.
pub fn prior(answer: &Distribution, evidence: &ExpertScores) -> [f32; EXPERTS.len()] {
    let unknown = answer.probabilities[UNK as usize].clamp(1e-6, 1.0 - 1e-6);
    std::array::from_fn(|expert| {
        if expert > 0 && !evidence.alive[expert - 1] {
            f32::NEG_INFINITY
        } else if OUTSIDE[expert] {
            unknown.ln()
        } else if expert == 0 {
            (1.0 - unknown).ln()
        } else {
            0.0
        }
    })
}
