//! What followed the earlier occurrences of a context in the project, by its n-grams and by its longest match.

use super::ids::ProjectToken;
use super::ngram::{MAX_NGRAM_ORDER, interpolation_weight};
use super::project::{ProjectContext, weight};
use super::suffix_array::{MAX_MATCH_LENGTH, Matches};

/// Occurrences of one context that are looked at, evenly spread.
const SAMPLED: usize = 128;

/// What followed a context in the project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Continuations {
    /// By token, ascending: the score of the interpolated n-grams, and that of the longest match. Neither adds up to one.
    pub(crate) scores: Vec<(ProjectToken, [f32; 2])>,
    /// Length of the longest match.
    pub(crate) match_length: usize,
    /// How often the longest match occurs.
    pub(crate) occurrences: usize,
    /// How many distinct tokens follow it.
    pub(crate) distinct: usize,
    /// The share of the most frequent of these.
    pub(crate) largest_share: f32,
    /// By order, the weight of the context over shorter ones.
    pub(crate) interpolation_weights: [f32; MAX_NGRAM_ORDER],
}

/// Tokens, ascending, and their weighted counts.
type Counts = Vec<(ProjectToken, f32)>;

impl ProjectContext {
    /// What followed the occurrences of `context`, its last token first. A token that the project lacks ends it.
    pub(crate) fn continuations(
        &self,
        context: impl Iterator<Item = Option<ProjectToken>>,
    ) -> Continuations {
        let mut matches = self.suffixes.matches();
        let mut orders: Vec<Counts> = Vec::with_capacity(MAX_NGRAM_ORDER);
        for token in context.take(MAX_MATCH_LENGTH) {
            let Some(longer) = token.and_then(|token| matches.extended(token)) else {
                break;
            };
            matches = longer;
            if orders.len() < MAX_NGRAM_ORDER {
                orders.push(self.counts(&matches));
            }
        }
        if matches.length == 0 {
            return Continuations::default();
        }
        let longest = self.counts(&matches);
        let mut interpolation_weights = [0.0; MAX_NGRAM_ORDER];
        for (weight, counts) in interpolation_weights.iter_mut().zip(&orders) {
            *weight = interpolation_weight(total(counts), counts.len());
        }
        let largest = longest.iter().map(|&(_, count)| count).fold(0.0, f32::max);
        Continuations {
            match_length: matches.length,
            occurrences: matches.positions.len(),
            distinct: longest.len(),
            largest_share: largest / total(&longest),
            scores: scores(&orders, interpolation_weights, &longest),
            interpolation_weights,
        }
    }

    /// The tokens that follow some positions, ascending, and how often, those near the buffer counting more.
    fn counts(&self, matches: &Matches<'_>) -> Counts {
        let (tokens, positions) = (self.tokens(), matches.positions);
        let sampled = positions.len().min(SAMPLED);
        let each = positions.len() as f32 / sampled as f32;
        let at = |k: usize| positions[k * positions.len() / sampled] as usize;
        let mut counts: Counts = (0..sampled)
            .map(|k| (tokens[at(k) + 1], each * weight(at(k))))
            .collect();
        counts.sort_unstable_by_key(|&(token, _)| token);
        counts.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 += next.1;
            }
            is_same
        });
        counts
    }
}

fn total(counts: &Counts) -> f32 {
    counts.iter().map(|(_, count)| count).sum()
}

/// The n-grams of all orders interpolated, and the longest match, by token.
fn scores(
    orders: &[Counts],
    weights: [f32; MAX_NGRAM_ORDER],
    longest: &Counts,
) -> Vec<(ProjectToken, [f32; 2])> {
    let mut scores: Vec<(ProjectToken, [f32; 2])> = Vec::new();
    let mut left = 1.0;
    for (counts, weight) in orders.iter().zip(weights).rev() {
        let share = left * weight / total(counts);
        let scaled = counts
            .iter()
            .map(|&(token, count)| (token, [share * count, 0.0]));
        scores.extend(scaled);
        left *= 1.0 - weight;
    }
    scores.extend(longest.iter().map(|&(token, count)| (token, [0.0, count])));
    scores.sort_unstable_by_key(|&(token, _)| token);
    scores.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1[0] += next.1[0];
            kept.1[1] += next.1[1];
        }
        is_same
    });
    scores
}
