//! Continuations of a context in the project: the tokens that followed its n-grams and its longest match.

use super::ids::ProjectToken;
use super::ngram::{MAX_NGRAM_ORDER, interpolation_weight};
use super::project::{ProjectContext, weight};
use super::suffix_array::{MAX_MATCH_LENGTH, Matches};

/// Maximum number of occurrences counted per context, evenly spaced.
const SAMPLED: usize = 128;

/// The continuations of a context in the project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Continuations {
    /// Ascending by token: the interpolated n-gram score and the longest-match score. Neither is normalized.
    pub(crate) scores: Vec<(ProjectToken, [f32; 2])>,
    /// Length of the longest match in tokens.
    pub(crate) match_length: usize,
    /// Number of occurrences of the longest match.
    pub(crate) occurrences: usize,
    /// Number of distinct tokens that follow it.
    pub(crate) distinct: usize,
    /// Share of the most frequent of these tokens.
    pub(crate) largest_share: f32,
    /// For each order, the interpolation weight of the context over shorter ones.
    pub(crate) interpolation_weights: [f32; MAX_NGRAM_ORDER],
}

/// Weighted counts, ascending by token.
type Counts = Vec<(ProjectToken, f32)>;

impl ProjectContext {
    /// The continuations of `context`, given last token first. A token that the project does not have ends the context.
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

    /// Weighted counts of the tokens after the matches, ascending by token. Occurrences near the buffer weigh more.
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

/// Scores per token: n-grams of all orders interpolated, and the longest match.
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
