//! Features of one candidate for the reranker.

use super::expert::Expert;
use super::features::{CANDIDATE_FEATURE_NAMES, CANDIDATE_FEATURES, Row};
use super::prediction::Prediction;
use super::tuning::FEATURE_FLOOR;
use crate::context::{BufferTokens, BufferWord, CandidateId, CandidateSpace, Position};
use crate::inference::Distribution;

/// How many tokens back a repetition of the candidate counts as a copy: `self.name = name`, `name=name`.
const COPIED: usize = 8;
/// Number of context lengths for which the last continuation is compared with the candidate.
const FOLLOWED: usize = 3;

impl Prediction {
    /// The features of a candidate, in the order of [`CANDIDATE_FEATURE_NAMES`].
    pub fn features(
        &self,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        candidate: CandidateId,
    ) -> [f32; CANDIDATE_FEATURES] {
        let buffer = space.buffer();
        let word = space.word(candidate);
        let word = word.filter(|&word| buffer.lexeme(word).count > 0);
        let mut row = Row::new(CANDIDATE_FEATURE_NAMES);
        self.put_probabilities(&mut row, space, distribution, candidate);
        put_occurrences(&mut row, space, candidate, word);
        put_neighbourhood(&mut row, buffer, word);
        row.finish()
    }

    /// Log probabilities that the reranker combines: [`LOGS`](super::reranker::LOGS).
    fn put_probabilities(
        &self,
        row: &mut Features,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        candidate: CandidateId,
    ) {
        let log = |p: f32| p.max(FEATURE_FLOOR).ln();
        let network = match space.token_id(candidate) {
            Some(id) => distribution.probability(id) * self.in_vocabulary_scale,
            None => 0.0,
        };
        row.put("mixture: log probability", log(self.probability(candidate)));
        row.put("network: log probability", log(network));
        let scores = self.scores.scores_for(space, candidate);
        for expert in Expert::context() {
            let score = scores[expert as usize];
            let name = expert.name();
            row.put(format_args!("{name}: log probability"), log(score));
        }
    }
}

type Features = Row<CANDIDATE_FEATURES>;

/// The candidate's occurrences, their age, and its kind. `word` is given if it occurs in the buffer.
fn put_occurrences(
    row: &mut Features,
    space: &CandidateSpace<'_>,
    candidate: CandidateId,
    word: Option<BufferWord>,
) {
    let buffer = space.buffer();
    let lexeme = word.map(|word| buffer.lexeme(word));
    let count = lexeme.map_or(0.0, |lexeme| (lexeme.count as f32).ln_1p());
    let last = word.and_then(|word| buffer.last_position(word));
    let age = last.map_or(f32::from(u16::MAX), |last| {
        (buffer.len() - last.index()) as f32
    });
    let is_unknown = space.is_out_of_vocabulary(candidate);
    let is_name = lexeme.map_or(is_unknown, |lexeme| lexeme.is_name);
    let rank = candidate.index().min(space.vocabulary_size());
    row.put("buffer: log of occurrences", count);
    row.put("buffer: log of age", age.ln_1p() / 4.0);
    row.put("is outside the vocabulary", f32::from(is_unknown));
    row.put("is a name of the buffer or unknown", f32::from(is_name));
    row.put("vocabulary: log of rank", (rank as f32).ln_1p() / 4.0);
}

/// Whether a word occurs a few tokens back, and whether it followed the last tokens at their previous occurrence.
fn put_neighbourhood(row: &mut Features, buffer: &BufferTokens, word: Option<BufferWord>) {
    for back in 1..=COPIED {
        let at = buffer.len().checked_sub(back).map(Position::at);
        let is_there = word.is_some() && at.map(|at| buffer.word_at(at)) == word;
        row.put(format_args!("stands {back} back"), f32::from(is_there));
    }
    for order in 1..=FOLLOWED {
        let last = buffer.previous_matches(order).next();
        let last = last.map(|position| buffer.word_at(position.next()));
        let followed = word.is_some() && last == word;
        row.put(
            format_args!("followed the last {order}"),
            f32::from(followed),
        );
    }
}
