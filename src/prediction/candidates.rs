//! One candidate space for all experts: the vocabulary, and behind it the document's names that are outside it.

use std::cmp::Ordering;

use super::experts::{EXPERTS, ExpertScores, FOLLOWED, HERE, log};
use super::features::{CANDIDATE_FEATURE_NAMES, Row};
use super::weights::Weights;
use crate::context::{BufferTokens, Syntax, Word};
use crate::inference::Distribution;
use crate::simd::softmax_in_place;
use crate::symbols::Members;
use crate::tokenizer::UNK;

/// How many of the mixture's best are ranked anew.
pub const RERANKED: usize = 32;
/// Logarithms of probabilities that the reranker knows of a candidate: the mixture's and each expert's.
pub const LOGS: usize = 1 + EXPERTS.len();
/// Numbers that the reranker knows of a candidate, in the order of [`CANDIDATE_FEATURE_NAMES`].
pub const CANDIDATE_FEATURES: usize = LOGS + 5 + COPIED + FOLLOWED;
/// How far back, in tokens, it is asked whether a candidate stands there: `self.name = name`, `name=name`.
const COPIED: usize = 8;
/// What a probability of nothing is taken for.
const FLOOR: f32 = 1e-6;

/// What comes next, over one space of candidates: the ids of the vocabulary; behind them the numbers of the document's
/// [words](BufferTokens::words), for those outside it; and behind these the numbers of the names around the document, for
/// those that are none of its words.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// By candidate.
    pub probabilities: Vec<f32>,
    /// The weight of each expert.
    pub weights: [f32; EXPERTS.len()],
    vocabulary_size: usize,
    evidence: ExpertScores,
    /// The network's share of each id, `<UNK>` aside.
    known: f32,
    /// The gate's units.
    units: Vec<f32>,
}

impl Prediction {
    /// Mixes the experts by the gate's `weights`. Members have what they should have at least.
    pub(super) fn new(
        syntax: &Syntax,
        document: &BufferTokens,
        answer: &Distribution,
        evidence: ExpertScores,
        weights: [f32; EXPERTS.len()],
        units: Vec<f32>,
    ) -> Self {
        let vocabulary_size = answer.probabilities.len();
        let unknown = answer.probabilities[UNK as usize];
        let known = 1.0 / (1.0 - unknown).max(FLOOR);
        let share = weights[0] * known;
        let mut probabilities: Vec<f32> = answer.probabilities.iter().map(|p| p * share).collect();
        probabilities[UNK as usize] = 0.0;
        let surroundings = document.surroundings();
        let names = surroundings.map_or(0, |s| s.names().len());
        let words = evidence.by_word.len();
        probabilities.resize(vocabulary_size + words + names, 0.0);
        for (number, (word, said)) in document.words().iter().zip(&evidence.by_word).enumerate() {
            let candidate = place(vocabulary_size, number, word);
            let caches = said.iter().zip(&weights[1..]);
            probabilities[candidate] += caches.map(|(p, weight)| p * weight).sum::<f32>();
        }
        let [of_names, of_ngrams, of_match, of_members] = weights[1 + HERE..] else {
            unreachable!("so many experts know more than the buffer's tokens")
        };
        for &(member, p) in &evidence.members.shares {
            probabilities[member] += of_members * p;
        }
        if let Some(surroundings) = surroundings {
            let candidate = |token| document.candidate_of(token, vocabulary_size);
            for &(token, p) in surroundings.shares(evidence.behind) {
                probabilities[candidate(token)] += of_names * p;
            }
            for &(token, [ngrams, matched]) in &evidence.around {
                probabilities[candidate(token)] += of_ngrams * ngrams + of_match * matched;
            }
        }
        if evidence.members.least > 0.0 {
            close(&mut probabilities, &evidence.members, syntax);
        }
        Self {
            probabilities,
            weights,
            vocabulary_size,
            evidence,
            known,
            units,
        }
    }

    /// How a candidate outside the vocabulary is spelled.
    pub fn spelling<'a>(&self, document: &'a BufferTokens, candidate: usize) -> Option<&'a str> {
        let beyond = candidate.checked_sub(self.vocabulary_size)?;
        let words = document.words();
        if let Some(word) = words.get(beyond) {
            return Some(&word.text);
        }
        let names = document.surroundings()?.names();
        names.get(beyond - words.len()).map(|name| &**name)
    }

    /// What could come at all: of what is outside the vocabulary, names.
    pub fn candidates<'a>(
        &'a self,
        document: &'a BufferTokens,
    ) -> impl Iterator<Item = usize> + 'a {
        let words = document.words();
        (0..self.probabilities.len()).filter(move |&candidate| {
            let beyond = candidate.checked_sub(self.vocabulary_size);
            let word = beyond.and_then(|number| words.get(number));
            word.is_none_or(Word::is_offered)
        })
    }

    /// Which experts a candidate's probability is from, before the reranker: their shares of it, those of a percent and more.
    pub fn sources(
        &self,
        document: &BufferTokens,
        answer: &Distribution,
        candidate: usize,
    ) -> Vec<(&'static str, f32)> {
        if self.evidence.by_word.is_empty() {
            return Vec::new(); // the network alone
        }
        let mut parts = self.evidence.likelihoods(document, answer, candidate);
        for (part, weight) in parts.iter_mut().zip(self.weights) {
            *part *= weight;
        }
        let all = parts.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let parts = EXPERTS.iter().copied().zip(parts.map(|part| part / all));
        parts.filter(|&(_, share)| share >= 0.01).collect()
    }

    /// The network's distribution as it stands, `<UNK>` and all.
    pub fn of_network(answer: &Distribution) -> Self {
        let mut weights = [0.0; EXPERTS.len()];
        weights[0] = 1.0;
        Self {
            probabilities: answer.probabilities.clone(),
            weights,
            vocabulary_size: answer.probabilities.len(),
            evidence: ExpertScores::none(),
            known: 1.0,
            units: Vec::new(),
        }
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.probabilities[..]) + size_of_val(&self.evidence.by_word[..])
    }

    /// Of `fitting`, the likeliest `most` with their probabilities, the likeliest first.
    pub fn best(&self, fitting: impl Iterator<Item = usize>, most: usize) -> Vec<(usize, f32)> {
        let mut best: Vec<(usize, f32)> = fitting
            .map(|candidate| (candidate, self.probability(candidate)))
            .filter(|&(_, p)| p > 0.0)
            .collect();
        keep_best(&mut best, most);
        best
    }

    /// Of a candidate; nothing of one that is not known.
    pub fn probability(&self, candidate: usize) -> f32 {
        self.probabilities.get(candidate).copied().unwrap_or(0.0)
    }

    /// What the gate made of the evidence before it weighed the experts.
    pub fn units(&self) -> &[f32] {
        &self.units
    }

    /// What the reranker knows of a candidate.
    pub fn features(
        &self,
        document: &BufferTokens,
        answer: &Distribution,
        candidate: usize,
    ) -> [f32; CANDIDATE_FEATURES] {
        let beyond = candidate.checked_sub(self.vocabulary_size);
        let word = match beyond {
            Some(word) => Some(word).filter(|&word| word < document.words().len()),
            None => document.word(candidate as u32),
        };
        let word = word.filter(|&word| document.words()[word].count > 0);
        let said = self.evidence.said(document, candidate);
        let mut features = Row::new(&CANDIDATE_FEATURE_NAMES);
        let mixture = self.probabilities[candidate];
        features.put("mixture: log probability", log(mixture, FLOOR));
        let network = match beyond {
            Some(_) => 0.0,
            None => answer.probabilities[candidate] * self.known,
        };
        features.put("network: log probability", log(network, FLOOR));
        for (expert, said) in EXPERTS[1..].iter().zip(said) {
            features.put(format_args!("{expert}: log probability"), log(said, FLOOR));
        }
        let entry = word.map(|word| &document.words()[word]);
        let age = word
            .and_then(|word| document.last_position(word))
            .map_or(f32::from(u16::MAX), |last| (document.len() - last) as f32);
        let rank = candidate.min(self.vocabulary_size);
        let occurrences = entry.map_or(0.0, |word| (word.count as f32).ln_1p());
        let is_outside = beyond.is_some();
        let is_name = entry.is_some_and(|word| word.is_name) || word.is_none() && is_outside;
        features.put("buffer: log of occurrences", occurrences);
        features.put("buffer: log of age", age.ln_1p() / 4.0);
        features.put("is outside the vocabulary", f32::from(is_outside));
        features.put("is a name of the buffer or unknown", f32::from(is_name));
        features.put("vocabulary: log of rank", (rank as f32).ln_1p() / 4.0);
        for back in 1..=COPIED {
            let there = document.len().checked_sub(back);
            let stands = word.is_some() && there.map(|at| document.at(at)) == word;
            features.put(format_args!("stands {back} back"), f32::from(stands));
        }
        for (order, last) in (1..).zip(self.evidence.last_followers) {
            let followed = word.is_some() && last == word;
            features.put(
                format_args!("followed the last {order}"),
                f32::from(followed),
            );
        }
        features.finish()
    }

    /// Of `fitting`, the likeliest `most` and their probabilities, the likeliest first: the best of the mixture in the
    /// order of the reranker, which shares out anew what they have together.
    pub(super) fn ranked(
        &self,
        weights: &Weights,
        document: &BufferTokens,
        answer: &Distribution,
        fitting: impl Iterator<Item = usize>,
        most: usize,
    ) -> Vec<(usize, f32)> {
        let mut best = self.best(fitting, most.max(RERANKED));
        let head = best.len().min(RERANKED);
        let candidates = best[..head].iter();
        let features = candidates.map(|&(candidate, _)| self.features(document, answer, candidate));
        let mut scores = weights.scores(&self.units, features);
        softmax_in_place(&mut scores);
        // What members have at least, they keep.
        let members = &self.evidence.members;
        let is_kept = |candidate: usize| members.least > 0.0 && members.contain(candidate);
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

/// Gives members some of what other names have, so that they have together what they should have at least: half of it by what
/// they have, half by their shares, since of some nobody else knows.
fn close(probabilities: &mut [f32], members: &Members, syntax: &Syntax) {
    let Members { shares, least, .. } = members;
    let size = syntax.vocabulary_size();
    let (known, beyond) = probabilities.split_at(size);
    let known = known
        .iter()
        .enumerate()
        .filter(|&(id, _)| syntax.is_name(id as u32));
    let of_names = known.map(|(_, p)| p).chain(beyond).sum::<f32>();
    let of_members: f32 = shares
        .iter()
        .map(|&(member, _)| probabilities[member])
        .sum();
    let lacking = least * of_names - of_members;
    if of_members <= 0.0 || lacking <= 0.0 {
        return;
    }
    let others = of_names - of_members;
    let left = (others - lacking) / others;
    let mut next = 0;
    for (candidate, p) in probabilities.iter_mut().enumerate() {
        if let Some(&(_, share)) = shares.get(next).filter(|(member, _)| *member == candidate) {
            next += 1;
            *p += lacking * 0.5 * (*p / of_members + share);
        } else if candidate >= size || syntax.is_name(candidate as u32) {
            *p *= left;
        }
    }
}

fn place(vocabulary_size: usize, number: usize, word: &Word) -> usize {
    if word.id == UNK {
        vocabulary_size + number
    } else {
        word.id as usize
    }
}

/// The most probable first, of equals the one with the lower number.
fn descending(a: &(usize, f32), b: &(usize, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the `most` best, sorted.
fn keep_best(candidates: &mut Vec<(usize, f32)>, most: usize) {
    if candidates.len() > most {
        if most > 0 {
            candidates.select_nth_unstable_by(most - 1, descending);
        }
        candidates.truncate(most);
    }
    candidates.sort_unstable_by(descending);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokenizer::Vocabulary;

    proptest! {
        /// What is given to members is taken from other names, and never the other way.
        #[test]
        fn members_have_what_they_should_have_at_least(
            p in prop::collection::vec(0.0..1.0f32, 8),
            mut chosen in prop::collection::vec(3..8usize, 1..5),
            least in 0.0..1.0f32,
        ) {
            // `<PAD>`, `<UNK>`, `(`, three names; behind them two names of a document.
            let known = ["(", "a", "b", "c"].map(|token| (token.to_owned(), 1));
            let syntax = Syntax::new(&Vocabulary::from_counts(known, 10));
            prop_assert_eq!(syntax.vocabulary_size(), 6);
            chosen.sort_unstable();
            chosen.dedup();
            let share = 1.0 / chosen.len() as f32;
            let members = Members {
                shares: chosen.iter().map(|&member| (member, share)).collect(),
                least,
                ..Members::default()
            };
            let sum = |p: &[f32], of: &dyn Fn(usize) -> bool| {
                (0..p.len()).filter(|&k| of(k)).map(|k| p[k]).sum::<f32>()
            };
            let is_name = |k: usize| k >= 3;
            let is_member = |k: usize| chosen.contains(&k);
            let mut after = p.clone();
            close(&mut after, &members, &syntax);
            prop_assert_eq!(&after[..3], &p[..3]);
            prop_assert!((sum(&after, &is_name) - sum(&p, &is_name)).abs() < 1e-4);
            prop_assert!(sum(&after, &is_member) >= sum(&p, &is_member) - 1e-4);
            if sum(&p, &is_member) > 0.0 {
                prop_assert!(sum(&after, &is_member) >= least * sum(&p, &is_name) - 1e-4);
            }
        }
    }
}
