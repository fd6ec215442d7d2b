//! Features of the gate: numbers about the network, the buffer, the project and every expert.

use super::expert::Expert;
use super::experts::buffer_ngrams::ContinuationCounts;
use super::features::{FEATURE_NAMES, FEATURES, Row};
use super::scores::ExpertScores;
use super::tuning::{BEST_FLOOR, FEATURE_FLOOR, KNOWN_FLOOR};
use crate::context::{CandidateId, CandidateSpace, Continuations};
use crate::inference::{CosineScores, Distribution};
use crate::symbols::Site;
use crate::tokenizer::TokenId;

/// The gate's features, in the order of [`FEATURE_NAMES`], given the network's `distribution` and the `cosines` of
/// earlier states with the current one.
pub fn gate_features(
    space: &CandidateSpace<'_>,
    distribution: &Distribution,
    cosines: &CosineScores,
    scores: &ExpertScores,
) -> [f32; FEATURES] {
    let mut row = Row::new(FEATURE_NAMES);
    let (best, probability) = distribution.best_except(TokenId::UNK);
    put_network(&mut row, distribution, probability);
    put_buffer(&mut row, space, scores);
    let all = cosines.values.iter().copied();
    row.put("neighbours: largest cosine", all.fold(0.0, f32::max));
    put_project(&mut row, space, &scores.project.continuations);
    let members = &scores.members;
    let count = log_count(members.shares.len());
    row.put("members: log of their number", count);
    for (name, is_here) in Site::NAMES.iter().zip(members.place) {
        row.put(format_args!("place: {name}"), is_here);
    }
    put_experts(&mut row, space, distribution, scores, best.into());
    row.finish()
}

type Features = Row<FEATURES>;

fn put_network(row: &mut Features, distribution: &Distribution, best: f32) {
    let unknown = distribution.probability(TokenId::UNK);
    row.put("network: entropy", distribution.entropy());
    let best = log(best, BEST_FLOOR);
    row.put("network: log probability of its best", best);
    let of_unknown = log(unknown, FEATURE_FLOOR);
    row.put("network: log probability of <UNK>", of_unknown);
    let of_known = log(1.0 - unknown, KNOWN_FLOOR);
    row.put("network: log probability of all but <UNK>", of_known);
}

fn put_buffer(row: &mut Features, space: &CandidateSpace<'_>, scores: &ExpertScores) {
    let continuations = &scores.continuations;
    let longest = continuations.longest();
    let order = continuations.longest_order.unwrap_or(0);
    let occurrences = longest.map_or(0.0, |l| log_count(l.occurrences));
    let distinct = longest.map_or(0.0, |l| log_count(l.distinct()));
    let share = longest.map_or(0.0, ContinuationCounts::largest_share);
    let unknown = log_count(ExpertScores::unknown_words(space));
    let match_length = continuations.match_length as f32;
    row.put("buffer: log of its tokens", log_count(space.buffer().len()));
    row.put("buffer: log of its unknown names", unknown);
    row.put("buffer: length of the longest match", match_length);
    row.put("longest context: log of its occurrences", occurrences);
    row.put("longest context: log of its followers", distinct);
    row.put("longest context: share of its best", share);
    row.put("longest context: order", order as f32);
    for (order, counts) in (1..).zip(&continuations.orders) {
        let weight = counts.interpolation_weight();
        row.put(format_args!("buffer: trust in order {order}"), weight);
    }
}

fn put_project(row: &mut Features, space: &CandidateSpace<'_>, found: &Continuations) {
    let tokens = log_count(space.buffer().project().len());
    let match_length = found.match_length as f32;
    let occurrences = log_count(found.occurrences);
    let distinct = log_count(found.distinct);
    row.put("surroundings: log of their tokens", tokens);
    row.put("surroundings: length of the longest match", match_length);
    row.put("surroundings: log of its occurrences", occurrences);
    row.put("surroundings: log of its followers", distinct);
    row.put("surroundings: share of its best", found.largest_share);
    for (order, weight) in (1..).zip(found.interpolation_weights) {
        row.put(format_args!("surroundings: trust in order {order}"), weight);
    }
}

/// Writes the features of each expert. `network_best` is the network's best vocabulary entry.
fn put_experts(
    row: &mut Features,
    space: &CandidateSpace<'_>,
    distribution: &Distribution,
    scores: &ExpertScores,
    network_best: CandidateId,
) {
    let of_network_best = scores.scores_for(space, network_best);
    for expert in Expert::context() {
        let name = expert.name();
        let best = scores.best(space, expert);
        let is_same = best.is_some_and(|(best, _)| best == network_best);
        let known = best.and_then(|(best, _)| space.token_id(best));
        let known = known.map_or(0.0, |id| distribution.probability(id));
        let known = log(known, FEATURE_FLOOR);
        let of_network_best = log(of_network_best[expert as usize], BEST_FLOOR);
        let mut put = |what: &str, value| row.put(format_args!("{name}: {what}"), value);
        put("probability of its best", best.map_or(0.0, |(_, p)| p));
        put("its best is the network's", f32::from(is_same));
        put("log probability of the network's best", of_network_best);
        put("network's log probability of its best", known);
        put("is alive", f32::from(scores.has_mass(expert)));
    }
}

fn log_count(count: usize) -> f32 {
    (count as f32).ln_1p()
}

/// ln max(p, floor).
fn log(p: f32, floor: f32) -> f32 {
    p.max(floor).ln()
}
