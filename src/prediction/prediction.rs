//! The predicted distribution: the mixture of all experts over one candidate space.

use std::cmp::Ordering;

use super::expert::Expert;
use super::scores::ExpertScores;
use super::tuning::FEATURE_FLOOR;
use crate::context::{BufferNames, BufferTokens, CandidateId, CandidateSpace};
use crate::inference::Distribution;
use crate::symbols;
use crate::tokenizer::TokenId;

/// A distribution over the [candidates](CandidateSpace) for the next token of a buffer.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// One probability per candidate.
    pub probabilities: Vec<f32>,
    /// One mixture weight per expert.
    pub weights: [f32; Expert::COUNT],
    /// What the syntax before the token restricts it to.
    pub restriction: Restriction,
    pub(super) scores: ExpertScores,
    /// Factor that normalizes the network's probabilities to 1 without `<UNK>`.
    pub(super) in_vocabulary_scale: f32,
    pub(super) gate_activations: Vec<f32>,
    vocabulary_size: usize,
}

/// What the syntax before a token restricts it to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restriction {
    /// The token is a name: it follows a dot after an expression.
    pub is_name: bool,
    /// The token starts the name of an imported module.
    pub is_module: bool,
}

impl Restriction {
    /// The restriction at the end of a buffer.
    pub(super) fn of(names: &BufferNames<'_>) -> Self {
        Self {
            is_name: symbols::is_attribute(names.resolver_inputs()),
            is_module: symbols::begins_module(names.resolver_inputs()),
        }
    }
}

impl Prediction {
    /// Mixes the experts with the gate's `weights` and raises members to their floor.
    pub(super) fn new(
        names: &BufferNames<'_>,
        distribution: &Distribution,
        scores: ExpertScores,
        weights: [f32; Expert::COUNT],
        gate_activations: Vec<f32>,
    ) -> Self {
        let space = &names.space;
        let unknown = distribution.probability(TokenId::UNK);
        let in_vocabulary_scale = 1.0 / (1.0 - unknown).max(FEATURE_FLOOR);
        let scale = weights[Expert::Network as usize] * in_vocabulary_scale;
        let mut probabilities = vec![0.0; space.len()];
        distribution.write_scaled(scale, &mut probabilities);
        probabilities[CandidateId::from(TokenId::UNK).index()] = 0.0;
        scores.add_to(&mut probabilities, space, &weights);
        if scores.members.floor > 0.0 {
            scores.members.apply_floor(&mut probabilities, names.syntax);
        }
        Self {
            probabilities,
            weights,
            restriction: Restriction::of(names),
            scores,
            in_vocabulary_scale,
            gate_activations,
            vocabulary_size: space.vocabulary_size(),
        }
    }

    /// The network's own distribution, including `<UNK>`.
    pub fn of_network(distribution: &Distribution) -> Self {
        let mut weights = [0.0; Expert::COUNT];
        weights[Expert::Network as usize] = 1.0;
        Self {
            probabilities: distribution.to_dense(),
            weights,
            restriction: Restriction::default(),
            scores: ExpertScores::default(),
            in_vocabulary_scale: 1.0,
            gate_activations: Vec::new(),
            vocabulary_size: distribution.vocabulary_size(),
        }
    }

    /// The candidate space of the buffer that the prediction was made for.
    pub fn space<'a>(&self, buffer: &'a BufferTokens) -> CandidateSpace<'a> {
        CandidateSpace::new(self.vocabulary_size, buffer)
    }

    /// All candidates that have a probability.
    pub fn candidates(&self) -> impl Iterator<Item = CandidateId> + use<> {
        (0..self.probabilities.len()).map(CandidateId::at)
    }

    /// A candidate's probability; 0 if it has none.
    pub fn probability(&self, candidate: CandidateId) -> f32 {
        let p = self.probabilities.get(candidate.index());
        p.copied().unwrap_or(0.0)
    }

    /// The `most` best of some candidates with their probabilities, best first.
    pub fn best(
        &self,
        candidates: impl Iterator<Item = CandidateId>,
        most: usize,
    ) -> Vec<(CandidateId, f32)> {
        let mut best: Vec<(CandidateId, f32)> = candidates
            .map(|candidate| (candidate, self.probability(candidate)))
            .filter(|&(_, p)| p > 0.0)
            .collect();
        keep_best(&mut best, most);
        best
    }

    /// The experts that contribute at least 1 % of a candidate's probability, with their shares, as the gate weights them:
    /// before members are raised to their floor and before reranking. Empty if the checkpoint has only the network.
    pub fn expert_shares(
        &self,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        candidate: CandidateId,
    ) -> Vec<(Expert, f32)> {
        if self.scores.is_empty() {
            return Vec::new();
        }
        let mut parts = self
            .scores
            .expert_probabilities(space, distribution, candidate);
        for (part, weight) in parts.iter_mut().zip(self.weights) {
            *part *= weight;
        }
        let all = parts.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let shares = Expert::ALL.into_iter().zip(parts.map(|part| part / all));
        shares.filter(|&(_, share)| share >= 0.01).collect()
    }

    /// The context vector for the reranker, `[UNITS]`; empty if the checkpoint has only the network.
    pub fn gate_activations(&self) -> &[f32] {
        &self.gate_activations
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.probabilities[..]) + self.scores.bytes()
    }
}

/// Orders by descending probability, then by ascending index.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that sorting needs"
)]
pub(super) fn descending(a: &(CandidateId, f32), b: &(CandidateId, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the `most` best candidates, sorted.
fn keep_best(candidates: &mut Vec<(CandidateId, f32)>, most: usize) {
    if candidates.len() > most {
        if most > 0 {
            candidates.select_nth_unstable_by(most - 1, descending);
        }
        candidates.truncate(most);
    }
    candidates.sort_unstable_by(descending);
}
