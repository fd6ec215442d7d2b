//! The reranker: a small network that reorders the mixture's best candidates, given their features and the gate's
//! activations, and redistributes their total probability.
//!
//! `trainer gate` fits it with the same forward pass in Candle.

use super::expert::Expert;
use super::features::CANDIDATE_FEATURES;
use super::gate::UNITS;
use super::linear::{Linear, NamedShape};
use super::prediction::{Prediction, descending};
use super::tuning::RERANKED;
use crate::context::{CandidateId, CandidateSpace};
use crate::inference::Distribution;
use crate::model::{MissingParameter, Parameters};
use crate::simd::{softmax_in_place, tanh};

/// Number of log probabilities among a candidate's features, which come first: the mixture's and each expert's.
pub const LOGS: usize = 1 + Expert::COUNT;
/// Number of hidden units.
const HIDDEN: usize = 32;

/// The reranker's parameters.
#[derive(Clone, Debug)]
pub(super) struct Reranker {
    /// Maps the context to the weights of the log probabilities of the mixture and the experts.
    log_linear: Linear,
    context_projection: Linear,
    /// Without bias: the projection of the context is added instead.
    candidate_projection: Linear,
    output: Linear,
}

impl Reranker {
    /// Name and shape of every parameter.
    pub(super) fn parameters() -> Vec<NamedShape> {
        vec![
            ("reranker.exponent.weight", vec![LOGS, UNITS]),
            ("reranker.exponent.bias", vec![LOGS]),
            ("reranker.context.weight", vec![HIDDEN, UNITS]),
            ("reranker.context.bias", vec![HIDDEN]),
            ("reranker.hidden.weight", vec![HIDDEN, CANDIDATE_FEATURES]),
            ("reranker.output.weight", vec![1, HIDDEN]),
            ("reranker.output.bias", vec![1]),
        ]
    }

    /// Reads the reranker from parameters with these names and shapes.
    pub(super) fn new(given: &Parameters) -> Result<Self, MissingParameter> {
        Ok(Self {
            log_linear: Linear::new(given, "reranker.exponent")?,
            context_projection: Linear::new(given, "reranker.context")?,
            candidate_projection: Linear::without_bias(given, "reranker.hidden", HIDDEN)?,
            output: Linear::new(given, "reranker.output")?,
        })
    }

    /// The score of each candidate in the context of `activations` `[UNITS]`: its log probability in the mixture, plus a
    /// weighted sum of all log probabilities, plus the output of one layer of tanh units over its features.
    pub(super) fn scores(
        &self,
        activations: &[f32],
        candidates: impl Iterator<Item = [f32; CANDIDATE_FEATURES]>,
    ) -> Vec<f32> {
        let exponents = self.log_linear.apply(activations);
        let context = self.context_projection.apply(activations);
        let score = |features: [f32; CANDIDATE_FEATURES]| {
            let logs = features.iter().zip(&exponents);
            let powers: f32 = logs.map(|(log, exponent)| log * exponent).sum();
            let mut hidden = self.candidate_projection.apply(&features);
            for (h, c) in hidden.iter_mut().zip(&context) {
                *h = tanh(*h + c);
            }
            features[0] + powers + self.output.apply(&hidden)[0]
        };
        candidates.map(score).collect()
    }

    /// The `most` best of some candidates with their probabilities, best first. The top [`RERANKED`] of the mixture
    /// redistribute their total probability by their scores. Where members have a floor, members and other candidates do so
    /// separately.
    pub(super) fn rank(
        &self,
        prediction: &Prediction,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        candidates: impl Iterator<Item = CandidateId>,
        most: usize,
    ) -> Vec<(CandidateId, f32)> {
        let mut best = prediction.best(candidates, most.max(RERANKED));
        let head = best[..best.len().min(RERANKED)].iter();
        let features =
            head.map(|&(candidate, _)| prediction.features(space, distribution, candidate));
        let mut scores = self.scores(&prediction.gate_activations, features);
        softmax_in_place(&mut scores);
        let members = &prediction.scores.members;
        let is_kept = |member| members.floor > 0.0 && members.share(member).is_some();
        let mut sums = [(0.0, 0.0); 2];
        for (&(candidate, p), score) in best.iter().zip(&scores) {
            let (mass, scored) = &mut sums[usize::from(is_kept(candidate))];
            *mass += p;
            *scored += score;
        }
        for ((candidate, p), score) in best.iter_mut().zip(scores) {
            let (mass, scored) = sums[usize::from(is_kept(*candidate))];
            *p = score * mass / f32::max(scored, f32::MIN_POSITIVE);
        }
        best.sort_by(descending);
        best.truncate(most);
        best
    }
}
