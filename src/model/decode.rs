//! Decoding: whole sequences from a model that predicts one token at a time, by greedy search, beam search or sampling.
//!
//! The model is a [`StepModel`]. This module does not depend on networks or text.

use std::num::NonZeroUsize;

use super::random::SplitMix64;
use crate::tokenizer::TokenId;

#[cfg(test)]
mod tests;

/// A model that predicts the next token from what it has read.
pub trait StepModel {
    /// The tokens read so far, as the model represents them. Beam search clones it where a hypothesis branches.
    type State: Clone;
    /// Why a prediction failed.
    type Error;

    /// Adds `token` to `state` and returns the logits `[V]` of the token after it: log probabilities up to a constant.
    /// Each is finite, or −∞ for a token that is ruled out.
    fn step(&mut self, state: &mut Self::State, token: TokenId) -> Result<Vec<f32>, Self::Error>;
}

/// A search strategy.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// The most probable token at each step; in a tie, the one with the lowest id.
    Greedy,
    /// Beam search: at each step, the `width` most probable extensions of the live hypotheses are kept. An extension by
    /// an end token is finished. The search stops when no live hypothesis can replace one of `width` finished ones.
    Beam {
        /// The number of hypotheses.
        width: NonZeroUsize,
        /// α of the length penalty: a hypothesis of n tokens is ranked by its log probability divided by ((5 + n) / 6)^α
        /// (Wu et al. 2016, "Google's Neural Machine Translation System", equation 14). 0 ranks by log probability.
        length_penalty: f64,
    },
    /// Random draws from the model's distribution, optionally truncated: first by `top_k`, then by `top_p`.
    Sample {
        /// Divides the logits.
        temperature: f64,
        /// Draw only from the k most probable tokens.
        top_k: Option<NonZeroUsize>,
        /// Draw only from the nucleus: the fewest most probable tokens whose probabilities sum to at least p (Holtzman
        /// et al. 2020, "The Curious Case of Neural Text Degeneration"). The probabilities are those at `temperature`,
        /// normalised after `top_k`.
        top_p: Option<f64>,
        /// The same seed gives the same tokens.
        seed: u64,
    },
}

/// When a sequence ends.
#[derive(Clone, Copy, Debug)]
pub struct Stop<'a> {
    /// Any of these tokens finishes a sequence.
    pub end: &'a [TokenId],
    /// Maximum number of tokens, including the end token. A sequence of this length need not be finished.
    pub max_tokens: usize,
}

/// A decoded sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hypothesis {
    /// The tokens after the start token. The last one is an end token, unless the sequence reached the maximum length.
    pub tokens: Vec<TokenId>,
    /// The natural logarithm of the tokens' probability under the model itself: at temperature 1, without truncation or
    /// length penalty.
    pub log_probability: f64,
}

impl Hypothesis {
    fn extended(&self, token: TokenId, log_probability: f64) -> Self {
        Self {
            tokens: [&self.tokens[..], &[token]].concat(),
            log_probability: self.log_probability + log_probability,
        }
    }
}

/// Decodes after `start`, from the state `state`. Returns the hypotheses best first: up to `width` for beam search,
/// otherwise at most one. Drops a hypothesis that no token can follow, so the result may be empty.
///
/// # Panics
/// If a length penalty is negative, a temperature is not above 0, or `top_p` is not above 0.
pub fn decode<M: StepModel>(
    model: &mut M,
    state: M::State,
    start: TokenId,
    search: &Search,
    stop: Stop<'_>,
) -> Result<Vec<Hypothesis>, M::Error> {
    match *search {
        Search::Greedy => {
            let choose = |log_probabilities: &[f64]| most_probable(log_probabilities, 1).pop();
            decode_one(model, state, start, stop, choose)
        }
        Search::Beam {
            width,
            length_penalty,
        } => {
            assert!(
                length_penalty >= 0.0,
                "the length penalty must not be negative"
            );
            beam_search(model, state, start, stop, width.get(), length_penalty)
        }
        Search::Sample {
            temperature,
            top_k,
            top_p,
            seed,
        } => {
            assert!(temperature > 0.0, "the temperature must be positive");
            assert!(top_p.is_none_or(|p| p > 0.0), "top_p must be positive");
            let mut random = SplitMix64::new(seed);
            let choose = |log_probabilities: &[f64]| {
                let kept = truncated(log_probabilities, temperature, top_k, top_p);
                draw(&kept, &mut random)
            };
            decode_one(model, state, start, stop, choose)
        }
    }
}

/// Decodes one hypothesis. Each token is chosen from the log probabilities `[V]` after the previous ones.
fn decode_one<M: StepModel>(
    model: &mut M,
    mut state: M::State,
    start: TokenId,
    stop: Stop<'_>,
    mut choose: impl FnMut(&[f64]) -> Option<TokenId>,
) -> Result<Vec<Hypothesis>, M::Error> {
    let mut hypothesis = Hypothesis::default();
    let mut last = start;
    while hypothesis.tokens.len() < stop.max_tokens {
        let log_probabilities = log_softmax(&model.step(&mut state, last)?);
        let Some(token) = choose(&log_probabilities) else {
            return Ok(Vec::new());
        };
        hypothesis.tokens.push(token);
        hypothesis.log_probability += log_probabilities[token.index()];
        if stop.end.contains(&token) {
            break;
        }
        last = token;
    }
    Ok(vec![hypothesis])
}

/// See [`Search::Beam`].
fn beam_search<M: StepModel>(
    model: &mut M,
    state: M::State,
    start: TokenId,
    stop: Stop<'_>,
    width: usize,
    length_penalty: f64,
) -> Result<Vec<Hypothesis>, M::Error> {
    let score_at = |log_probability: f64, length: usize| {
        log_probability / ((5.0 + length as f64) / 6.0).powf(length_penalty)
    };
    let score = |h: &Hypothesis| score_at(h.log_probability, h.tokens.len());
    // Stable sorts, so that ties keep the order in which hypotheses were found.
    let keep_best = |hypotheses: &mut Vec<Hypothesis>| {
        hypotheses.sort_by(|a, b| score(b).total_cmp(&score(a)));
        hypotheses.truncate(width);
    };
    let mut live = vec![(Hypothesis::default(), state)];
    let mut finished = Vec::new();
    for _ in 0..stop.max_tokens {
        let mut extensions = Vec::new();
        for (parent, (hypothesis, state)) in live.iter_mut().enumerate() {
            let last = hypothesis.tokens.last().copied().unwrap_or(start);
            let log_probabilities = log_softmax(&model.step(state, last)?);
            for token in most_probable(&log_probabilities, width) {
                let extended = hypothesis.extended(token, log_probabilities[token.index()]);
                extensions.push((extended, token, parent));
            }
        }
        extensions.sort_by(|(a, ..), (b, ..)| b.log_probability.total_cmp(&a.log_probability));
        extensions.truncate(width);
        let mut next = Vec::new();
        for (extended, token, parent) in extensions {
            if stop.end.contains(&token) {
                finished.push(extended);
            } else {
                next.push((extended, live[parent].1.clone()));
            }
        }
        live = next;
        keep_best(&mut finished);
        // Log probabilities only fall, and the penalty is largest at the maximum length, so no descendant has a higher
        // score than this.
        let bound = live
            .first()
            .map(|(best, _)| score_at(best.log_probability, stop.max_tokens));
        let worst = finished.get(width - 1).map(score);
        if bound.is_none_or(|bound| worst.is_some_and(|worst| worst >= bound)) {
            break; // the live hypotheses also rank below the finished ones
        }
    }
    finished.extend(live.into_iter().map(|(hypothesis, _)| hypothesis));
    keep_best(&mut finished);
    Ok(finished)
}

/// The tokens to sample from, most probable first, with their weights; see [`Search::Sample`].
fn truncated(
    log_probabilities: &[f64],
    temperature: f64,
    top_k: Option<NonZeroUsize>,
    top_p: Option<f64>,
) -> Vec<(TokenId, f64)> {
    let most = top_k.map_or(log_probabilities.len(), NonZeroUsize::get);
    let ids = most_probable(log_probabilities, most);
    let at = |id: TokenId| log_probabilities[id.index()];
    // Relative to the largest, so that they do not all underflow at a low temperature.
    let weight = |&id: &TokenId| (id, ((at(id) - at(ids[0])) / temperature).exp());
    let mut weights: Vec<(TokenId, f64)> = ids.iter().map(weight).collect();
    if let Some(top_p) = top_p {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut sum = 0.0;
        let nucleus = weights.iter().position(|(_, weight)| {
            sum += weight;
            sum >= top_p * total
        });
        weights.truncate(nucleus.map_or(weights.len(), |last| last + 1));
    }
    weights
}

/// Draws a token in proportion to the weights; `None` if there are none.
fn draw(weights: &[(TokenId, f64)], random: &mut SplitMix64) -> Option<TokenId> {
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut rest = random.uniform() * total;
    let drawn = weights.iter().find(|(_, weight)| {
        rest -= weight;
        rest < 0.0
    });
    // Rounding may leave no token: then any will do, and the first is the most probable.
    drawn.or(weights.first()).map(|&(id, _)| id)
}

/// The ids of the `count` most probable tokens that are not ruled out, most probable first; ties by lower id.
fn most_probable(log_probabilities: &[f64], count: usize) -> Vec<TokenId> {
    let at = |id: TokenId| log_probabilities[id.index()];
    let order = |a: &TokenId, b: &TokenId| at(*b).total_cmp(&at(*a)).then(a.cmp(b));
    let all = (0..log_probabilities.len()).map(TokenId::at);
    let mut ids: Vec<TokenId> = all.filter(|&id| at(id) > f64::NEG_INFINITY).collect();
    if count < ids.len() {
        ids.select_nth_unstable_by(count, order);
        ids.truncate(count);
    }
    ids.sort_unstable_by(order);
    ids
}

/// Logits -> log probabilities, `[V]`; all −∞ if every token is ruled out.
fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    if max == f64::NEG_INFINITY {
        return vec![max; logits.len()];
    }
    let sum: f64 = logits.iter().map(|&z| (f64::from(z) - max).exp()).sum();
    let normaliser = max + sum.ln();
    logits.iter().map(|&z| f64::from(z) - normaliser).collect()
}
