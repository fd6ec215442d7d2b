//! The network's distribution over the next token.
//!
//! Callers ask for a token's probability by id. Only this module knows how the probabilities are stored: densely, over
//! the vocabulary. A subword network would store some tokens and the total mass of the others.

use crate::tokenizer::TokenId;

/// The network's distribution over the token after a context.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// One per vocabulary entry, `[V]`.
    probabilities: Vec<f32>,
    entropy: f32,
    hidden: Vec<f32>,
}

impl Distribution {
    /// Creates a distribution from a softmax over the vocabulary `[V]`, its entropy in nats, and the hidden state `[H]`
    /// it was computed from.
    pub fn new(probabilities: Vec<f32>, entropy: f32, hidden: Vec<f32>) -> Self {
        Self {
            probabilities,
            entropy,
            hidden,
        }
    }

    /// Number of vocabulary entries.
    pub fn vocabulary_size(&self) -> usize {
        self.probabilities.len()
    }

    /// The probability of a token, or 0 if it is not in the vocabulary.
    pub fn probability(&self, id: TokenId) -> f32 {
        let p = self.probabilities.get(id.index());
        p.copied().unwrap_or(0.0)
    }

    /// The most probable token other than `excluded`, and its probability. The lowest id wins a tie.
    pub fn best_except(&self, excluded: TokenId) -> (TokenId, f32) {
        let all = (0..).map(TokenId::new).zip(&self.probabilities);
        let others = all.filter(|&(id, _)| id != excluded);
        others.fold(
            (TokenId::PAD, 0.0),
            |best, (id, &p)| if p > best.1 { (id, p) } else { best },
        )
    }

    /// Writes each token's probability times `factor` to its place in `probabilities`, which is at least as long as the
    /// vocabulary.
    pub fn write_scaled(&self, factor: f32, probabilities: &mut [f32]) {
        for (to, p) in probabilities.iter_mut().zip(&self.probabilities) {
            *to = p * factor;
        }
    }

    /// One probability per vocabulary entry, `[V]`.
    pub fn to_dense(&self) -> Vec<f32> {
        self.probabilities.clone()
    }

    /// The entropy, in nats.
    pub fn entropy(&self) -> f32 {
        self.entropy
    }

    /// The hidden state that the distribution was computed from, `[H]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.probabilities[..]) + size_of_val(&self.hidden[..])
    }
}
