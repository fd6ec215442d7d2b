//! Continuations of the last tokens in the buffer: interpolated n-grams and the longest match.

use super::buffer::BufferScores;
use crate::context::{BufferTokens, BufferWord, MAX_NGRAM_ORDER, Position, interpolation_weight};
use crate::inference::WINDOW;
use crate::prediction::expert::Expert;
use crate::prediction::tuning::{
    MAX_MATCH_LENGTH, MAX_MATCHES, MAX_OCCURRENCES, OCCURRENCE_DECAY, UNIGRAM_DECAY,
};

const NGRAM: usize = Expert::Ngrams.column();
const MATCH: usize = Expert::LongestMatch.column();

/// The continuations of one context.
#[derive(Clone, Debug, Default)]
pub(in crate::prediction) struct ContinuationCounts {
    total: f32,
    /// Words and their decayed counts.
    counts: Vec<(BufferWord, f32)>,
    /// Number of occurrences counted.
    pub(in crate::prediction) occurrences: usize,
}

impl ContinuationCounts {
    fn new(buffer: &BufferTokens, order: usize) -> Self {
        let mut all = Self::default();
        let mut weight = 1.0;
        for position in buffer.previous_matches(order).take(MAX_OCCURRENCES) {
            let word = buffer.word_at(position.next());
            match all.counts.iter_mut().find(|(other, _)| *other == word) {
                Some((_, count)) => *count += weight,
                None => all.counts.push((word, weight)),
            }
            all.total += weight;
            all.occurrences += 1;
            weight *= OCCURRENCE_DECAY[order - 1];
        }
        all
    }

    /// Interpolation weight of the context over shorter ones.
    pub(in crate::prediction) fn interpolation_weight(&self) -> f32 {
        interpolation_weight(self.total, self.counts.len())
    }

    /// Number of distinct continuations.
    pub(in crate::prediction) fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Share of the most frequent continuation.
    pub(in crate::prediction) fn largest_share(&self) -> f32 {
        let counts = self.counts.iter().map(|&(_, count)| count);
        counts.fold(0.0, f32::max) / self.total.max(f32::MIN_POSITIVE)
    }
}

/// The continuations of the last tokens of a buffer.
#[derive(Clone, Debug, Default)]
pub(in crate::prediction) struct BufferContinuations {
    /// For contexts of 1, 2, … tokens.
    pub(in crate::prediction) orders: [ContinuationCounts; MAX_NGRAM_ORDER],
    /// Order of the longest context that occurred before.
    pub(in crate::prediction) longest_order: Option<usize>,
    /// Length of the longest match in tokens, at most [`MAX_MATCH_LENGTH`].
    pub(in crate::prediction) match_length: usize,
}

impl BufferContinuations {
    /// The continuations of the longest context that occurred before.
    pub(in crate::prediction) fn longest(&self) -> Option<&ContinuationCounts> {
        self.longest_order.map(|order| &self.orders[order - 1])
    }
}

/// Scores words by the n-grams and by the longest match.
pub(in crate::prediction) fn score(
    buffer: &BufferTokens,
    scores: &mut BufferScores,
) -> BufferContinuations {
    let orders = std::array::from_fn(|k| ContinuationCounts::new(buffer, k + 1));
    score_unigrams(buffer, scores);
    score_ngrams(&orders, scores);
    let longest_order = (1..=MAX_NGRAM_ORDER)
        .rev()
        .find(|&order| orders[order - 1].total > 0.0);
    BufferContinuations {
        match_length: longest_order.map_or(0, |order| score_longest_match(buffer, order, scores)),
        orders,
        longest_order,
    }
}

/// Scores the words of the last [`WINDOW`] tokens.
fn score_unigrams(buffer: &BufferTokens, scores: &mut BufferScores) {
    let (mut weight, mut total) = (1.0, 0.0);
    let end = buffer.len();
    for position in (end.saturating_sub(WINDOW).max(1)..end).rev() {
        let word = buffer.word_at(Position::at(position));
        scores.row(word)[NGRAM] += weight;
        total += weight;
        weight *= UNIGRAM_DECAY;
    }
    if total > 0.0 {
        scores.map(Expert::Ngrams, |score| score / total);
    }
}

/// Interpolates the unigrams with longer contexts.
fn score_ngrams(orders: &[ContinuationCounts; MAX_NGRAM_ORDER], scores: &mut BufferScores) {
    let shorter = orders
        .iter()
        .map(|order| 1.0 - order.interpolation_weight());
    let shorter: f32 = shorter.product();
    scores.map(Expert::Ngrams, |score| score * shorter);
    let mut left = 1.0;
    for continuations in orders.iter().rev() {
        let weight = continuations.interpolation_weight();
        for &(word, count) in &continuations.counts {
            scores.row(word)[NGRAM] += left * weight * count / continuations.total;
        }
        left *= 1.0 - weight;
    }
}

/// Scores the continuations of the longest match, among occurrences of a context of length `order`. Returns the match
/// length.
fn score_longest_match(buffer: &BufferTokens, order: usize, scores: &mut BufferScores) -> usize {
    let matches: Vec<(Position, usize)> = buffer
        .previous_matches(order)
        .take(MAX_MATCHES)
        .map(|position| (position, buffer.match_length(position, MAX_MATCH_LENGTH)))
        .collect();
    let longest = matches.iter().map(|&(_, length)| length).max();
    let mut weight = 1.0;
    for &(position, length) in &matches {
        if Some(length) == longest {
            scores.row(buffer.word_at(position.next()))[MATCH] += weight;
            weight *= OCCURRENCE_DECAY[MAX_NGRAM_ORDER - 1];
        }
    }
    longest.unwrap_or(0)
}
