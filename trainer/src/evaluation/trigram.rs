//! A back-off trigram: the count-based baseline for every network.
//!
//! "Stupid back-off" (Brants, Popat, Xu, Och, Dean 2007, "Large Language Models in Machine Translation", eq. 5): a
//! token that has followed the last two tokens scores its relative frequency after them; any other scores 0.4 times its
//! score after the last token alone, and finally its unigram frequency. The trigram is counted on exactly the tokens of
//! a training run, in a table of 16-bit ids that takes about six bytes per distinct trigram.

use std::ops::Range;

use anyhow::{Context, Result};
use minicopilot::metrics::{Class, Metrics, Observation};
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::tokenizer::TokenId;
use rayon::prelude::*;

use crate::data::{Dataset, Sequences, Split, Streams};
use crate::experiment::{Experiment, Loader};

/// Back-off factor (the paper's choice).
const BACK_OFF: f32 = 0.4;
/// Answers per target: the ten that metrics read, plus those that have no text.
const ANSWERS: usize = 15;
/// Files that are evaluated together on all cores.
const FILES: usize = 256;

/// Successor counts of contexts of two, one and no tokens.
pub struct Trigram {
    orders: [Successors; 3],
}

impl Trigram {
    /// Counts the given targets of each file after the two preceding tokens.
    pub fn count<'f>(stretches: impl IntoIterator<Item = (&'f [u16], Range<usize>)>) -> Self {
        let mut events: Vec<u64> = Vec::new();
        for (file, targets) in stretches {
            events.extend(targets.map(|at| {
                let [before, last] = context(&file[..at]);
                u64::from(before) << 32 | u64::from(last) << 16 | u64::from(file[at])
            }));
        }
        let orders = [u64::MAX, 0xffff_ffff, 0xffff].map(|mask| {
            events.par_iter_mut().for_each(|event| *event &= mask);
            events.par_sort_unstable();
            Successors::of(&events)
        });
        Self { orders }
    }

    /// The `k` ids with the highest scores after these tokens of a shard, best first, ties by lower id, with their scores.
    /// Clears `answers` first.
    pub fn rank(&self, tokens: &[u16], k: usize, answers: &mut Vec<(TokenId, f32)>) {
        answers.clear();
        let [before, last] = context(tokens).map(u32::from);
        let keys = [before << 16 | last, last, 0];
        let orders: [ContinuationCounts; 3] =
            std::array::from_fn(|i| self.orders[i].after(keys[i]));
        for (order, followers) in orders.iter().enumerate() {
            for (&id, &count) in followers.ids.iter().zip(followers.counts) {
                // Multiplied as in the formula, so that equal scores are equal to the last bit.
                let share = count as f32 / followers.total as f32;
                let score = (0..order).fold(share, |score, _| BACK_OFF * score);
                if answers.len() == k && answers.last().is_none_or(|&(_, last)| score < last) {
                    break; // and so is the rest
                }
                // A longer context that contains the token takes precedence.
                if orders[..order]
                    .iter()
                    .any(|longer| longer.ids.contains(&id))
                {
                    continue;
                }
                let id = TokenId::new(id.into());
                let place =
                    answers.partition_point(|&(other, s)| s > score || (s >= score && other < id));
                answers.insert(place, (id, score));
                answers.truncate(k);
            }
        }
    }
}

/// The last two tokens. `<PAD>`, which no file contains, precedes a file's first token.
fn context(tokens: &[u16]) -> [u16; 2] {
    let from_end = |n: usize| {
        tokens
            .len()
            .checked_sub(n)
            .map_or(TokenId::PAD.get() as u16, |at| tokens[at])
    };
    [from_end(2), from_end(1)]
}

/// Successors of all contexts of one length, most frequent first.
#[derive(Default)]
struct Successors {
    /// The distinct contexts, sorted.
    contexts: Vec<u32>,
    /// Start of each context's successors, and the end of the last.
    starts: Vec<u32>,
    totals: Vec<u32>,
    ids: Vec<u16>,
    counts: Vec<u32>,
}

/// The successors of one context.
#[derive(Clone, Copy)]
struct ContinuationCounts<'a> {
    ids: &'a [u16],
    counts: &'a [u32],
    total: u32,
}

impl Successors {
    /// Builds the table from sorted events, each `context << 16 | id`.
    fn of(events: &[u64]) -> Self {
        let mut all = Self::default();
        let mut group = Vec::new();
        for same_context in events.chunk_by(|a, b| a >> 16 == b >> 16) {
            group.clear();
            group.extend(
                same_context
                    .chunk_by(|a, b| a == b)
                    .map(|same| (same[0] as u16, same.len() as u32)),
            );
            group.sort_unstable_by_key(|&(id, count)| (std::cmp::Reverse(count), id));
            all.contexts.push((same_context[0] >> 16) as u32);
            all.starts.push(all.ids.len() as u32);
            all.totals.push(same_context.len() as u32);
            all.ids.extend(group.iter().map(|&(id, _)| id));
            all.counts.extend(group.iter().map(|&(_, count)| count));
        }
        all.starts.push(all.ids.len() as u32);
        all
    }

    fn after(&self, context: u32) -> ContinuationCounts<'_> {
        let Ok(at) = self.contexts.binary_search(&context) else {
            return ContinuationCounts {
                ids: &[],
                counts: &[],
                total: 0,
            };
        };
        let range = self.starts[at] as usize..self.starts[at + 1] as usize;
        ContinuationCounts {
            ids: &self.ids[range.clone()],
            counts: &self.counts[range],
            total: self.totals[at],
        }
    }
}

/// A trigram counted on the training tokens of this checkpoint's run.
pub fn counted_for(checkpoint: &Checkpoint, dataset: &Dataset) -> Result<Trigram> {
    let training = &checkpoint.config.training;
    let experiment: Option<Experiment> =
        serde_json::from_value(training["experiment"].clone()).ok();
    let experiment = experiment.zip(training["tokens"].as_u64());
    let (Experiment { training, .. }, tokens) = experiment
        .context("config.json does not say what the checkpoint was trained on, so there is no data for the trigram \
                  baseline")?;
    let shards = dataset.files(Split::Train);
    // Later epochs repeat the same tokens.
    let stretches = match training.loader {
        Loader::Streams => {
            Streams::new(shards, training.lanes, training.steps, training.seed, 0).stretches(tokens)
        }
        Loader::Sequences => {
            Sequences::new(shards, training.lanes, training.seed, 0).stretches(tokens)
        }
    };
    let stretches = stretches
        .into_iter()
        .map(|(file, targets)| (shards.file(file), targets));
    Ok(Trigram::count(stretches))
}

/// Evaluates the trigram on the first files of a split, until they contain `max_tokens`. `progress` receives the number
/// of finished targets; false cancels. Scores are not a distribution over the vocabulary, so only strict figures and
/// accuracy count.
pub fn measure(
    trigram: &Trigram,
    dataset: &Dataset,
    split: Split,
    max_tokens: u64,
    progress: &dyn Fn(u64) -> bool,
) -> Metrics {
    let vocabulary = dataset.vocabulary();
    let shards = dataset.files(split);
    let word = |id: TokenId| vocabulary.token(id).unwrap_or_default();
    let observe_file = |file: usize| {
        let ids = shards.file(file);
        let mut answers = Vec::new();
        let observe = |at: usize| {
            let id = |at: usize| TokenId::new(ids[at].into());
            let (target, previous) = (id(at), word(id(at - 1)));
            trigram.rank(&ids[..at], ANSWERS, &mut answers);
            let words: Vec<(&str, f32)> = answers
                .iter()
                .map(|&(id, score)| (word(id), score))
                .collect();
            let mut seen = Observation::from_answers(word(target), previous, &words, None);
            seen.shown = None; // scores are not probabilities, so calibration is undefined
            if target == TokenId::UNK {
                // As in the network's evaluation: counted as an identifier, with no correct answer.
                seen.class = Class::of("identifier", previous);
                seen.exact = false;
            }
            seen
        };
        (1..ids.len()).map(observe).collect::<Vec<_>>()
    };
    let mut metrics = Metrics::default();
    let mut done = 0;
    let files: Vec<usize> = (0..shards.files_within(max_tokens)).collect();
    for files in files.chunks(FILES) {
        let observations: Vec<Vec<Observation>> =
            files.par_iter().map(|&file| observe_file(file)).collect();
        for seen in observations.iter().flatten() {
            metrics.add(seen);
            done += 1;
        }
        if !progress(done) {
            break;
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// The paper's formula, verbatim.
    fn score(counts: &HashMap<Vec<u16>, u32>, context: &[u16], id: u16) -> f32 {
        let ngram = [context, &[id]].concat();
        let total: u32 = counts
            .iter()
            .filter(|(n, _)| n.len() == ngram.len() && n.starts_with(context))
            .map(|(_, &c)| c)
            .sum();
        match counts.get(&ngram) {
            Some(&count) => count as f32 / total as f32,
            None if context.is_empty() => 0.0,
            None => BACK_OFF * score(counts, &context[1..], id),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn ranks_as_the_formula(files in prop::collection::vec(prop::collection::vec(2_u16..8, 2..30), 1..6), k in 1_usize..9) {
            let trigram = Trigram::count(files.iter().map(|file| (&file[..], 1..file.len())));
            let mut counts: HashMap<Vec<u16>, u32> = HashMap::new();
            for file in &files {
                for at in 1..file.len() {
                    let before = context(&file[..at]);
                    for from in 0..3 {
                        *counts.entry([&before[from..], &[file[at]]].concat()).or_default() += 1;
                    }
                }
            }
            let mut answers = Vec::new();
            for file in &files {
                for at in 1..=file.len() {
                    trigram.rank(&file[..at], k, &mut answers);
                    let mut expected: Vec<(TokenId, f32)> = (2..8)
                        .map(|id| (TokenId::new(id.into()), score(&counts, &context(&file[..at]), id)))
                        .filter(|&(_, score)| score > 0.0)
                        .collect();
                    expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                    expected.truncate(k);
                    prop_assert_eq!(&answers.iter().map(|a| a.0).collect::<Vec<_>>(), &expected.iter().map(|a| a.0).collect::<Vec<_>>());
                }
            }
        }
    }
}
