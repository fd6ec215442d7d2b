//! What each expert says about the next token of a document.
//!
//! The network knows Python; the others know this buffer. Every one of them is a distribution over the buffer's words
//! (the network's is one over the vocabulary, and stays where it is):
//!
//! * *unknown names*: the names outside the vocabulary, by how recently they stood;
//! * *n-grams*: what followed the same last tokens, for contexts of 5 tokens down to none, interpolated (Witten & Bell
//!   1991), what is recent counting more (a cache as in Kuhn & De Mori 1990, nested as in Hellendoorn & Devanbu 2017);
//! * *longest match*: what followed the longest context that has stood here before, among the latest 32 occurrences of its
//!   last five tokens;
//! * *neighbours*: what followed where the network was in a similar state (Grave, Joulin & Usunier 2017), and
//!   *unknown neighbours*, the same over names outside the vocabulary only;
//! * *recent names*: any name, by how recently it stood.

use super::document::{Document, ORDERS};
use crate::engine::{Answer, Similarity, WINDOW};
use crate::vocabulary::UNK;

/// The experts other than the network.
pub const CACHES: usize = 6;
const UNKNOWN: usize = 0;
const NGRAM: usize = 1;
const MATCH: usize = 2;
const NEIGHBOURS: usize = 3;
const UNKNOWN_NEIGHBOURS: usize = 4;
const RECENT: usize = 5;

/// All experts, the network first.
pub const EXPERTS: [&str; 1 + CACHES] = [
    "network",
    "unknown names",
    "n-grams",
    "longest match",
    "neighbours",
    "unknown neighbours",
    "recent names",
];
/// Which of them speak only of what is outside the vocabulary.
pub(super) const OUTSIDE: [bool; 1 + CACHES] = [false, true, false, false, false, true, false];

/// Context lengths for which it is asked what came next the last time.
pub(super) const FOLLOWED: usize = 3;
/// How much less each earlier token counts among the unigrams.
const UNIGRAM_DECAY: f32 = 0.998;
/// How much less each earlier occurrence of a context counts, by the context's length.
const DECAY: [f32; ORDERS] = [0.98, 0.95, 0.9, 0.9, 0.9];
/// Occurrences of a context that are looked at.
const OCCURRENCES: usize = 128;
/// How long a match can become.
const LONGEST: usize = 12;
/// How sharply similarity of states decides.
const SHARPNESS: [f32; 2] = [16.0, 8.0];

/// Numbers about what the experts say: see [`Document::evidence`].
pub const FEATURES: usize = 17 + 5 * CACHES;

/// What the experts say.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// By word, the probability that each cache gives it.
    pub by_word: Vec<[f32; CACHES]>,
    /// The word that came next the last time, after contexts of 1, 2 … tokens.
    pub(super) last_followers: [Option<usize>; FOLLOWED],
    /// Whether a cache says anything at all.
    pub alive: [bool; CACHES],
    /// What the gate decides by.
    pub features: [f32; FEATURES],
}

/// What followed the occurrences of one context.
#[derive(Default)]
struct Followers {
    total: f32,
    /// Words and their decayed counts.
    counts: Vec<(usize, f32)>,
    occurrences: usize,
}

impl Followers {
    fn of(document: &Document, order: usize) -> Self {
        let mut followers = Self::default();
        let mut weight = 1.0;
        for position in document.occurrences(order).take(OCCURRENCES) {
            let word = document.at(position + 1);
            match followers
                .counts
                .iter_mut()
                .find(|(other, _)| *other == word)
            {
                Some((_, count)) => *count += weight,
                None => followers.counts.push((word, weight)),
            }
            followers.total += weight;
            followers.occurrences += 1;
            weight *= DECAY[order - 1];
        }
        followers
    }

    /// How much the context is to be trusted over shorter ones.
    fn trust(&self) -> f32 {
        if self.total > 0.0 {
            self.total / (self.total + self.counts.len() as f32)
        } else {
            0.0
        }
    }

    fn largest(&self) -> f32 {
        let counts = self.counts.iter().map(|&(_, count)| count);
        counts.fold(0.0, f32::max) / self.total.max(f32::MIN_POSITIVE)
    }
}

impl Evidence {
    /// Of caches that say nothing.
    pub(super) fn none() -> Self {
        Self {
            by_word: Vec::new(),
            last_followers: [None; FOLLOWED],
            alive: [false; CACHES],
            features: [0.0; FEATURES],
        }
    }

    /// How likely each expert has found a target: its id, and its number among the document's words if it is one.
    pub fn likelihoods(
        &self,
        answer: &Answer,
        target: u32,
        word: Option<usize>,
    ) -> [f32; EXPERTS.len()] {
        let mut likelihoods = [0.0; EXPERTS.len()];
        if target != UNK {
            let known = (1.0 - answer.probabilities[UNK as usize]).max(1e-6);
            likelihoods[0] = answer.probabilities[target as usize] / known;
        }
        if let Some(word) = word {
            likelihoods[1..].copy_from_slice(&self.by_word[word]);
        }
        likelihoods
    }
}

impl Document {
    /// What the caches say comes after the document's last token, where the network has said `answer` and was in a state
    /// that is `similar` to earlier ones.
    pub fn evidence(&self, answer: &Answer, similar: &Similarity) -> Evidence {
        let mut by_word = vec![[0.0; CACHES]; self.words().len()];
        let orders: [Followers; ORDERS] = std::array::from_fn(|k| Followers::of(self, k + 1));
        self.recency(&mut by_word);
        ngrams(&orders, &mut by_word);
        let highest = (1..=ORDERS)
            .rev()
            .find(|&order| orders[order - 1].total > 0.0);
        let length = highest.map_or(0, |order| self.longest_match(order, &mut by_word));
        self.neighbours(similar, &mut by_word);
        let alive = normalise(&mut by_word);

        let mut features = [0.0; FEATURES];
        let mut next = features.iter_mut();
        let mut add = |value: f32| {
            if let Some(slot) = next.next() {
                *slot = value;
            }
        };
        let (top, probability) = best_known(&answer.probabilities);
        let unknown = answer.probabilities[UNK as usize];
        add(answer.entropy);
        add(log(probability, 1e-4));
        add(log(unknown, 1e-6));
        add(log(1.0 - unknown, 1e-3));
        add((self.len() as f32).ln_1p());
        let outside = self.words().iter().filter(|w| w.id == UNK && w.count > 0);
        add((outside.count() as f32).ln_1p());
        add(length as f32);
        let followers = highest.map(|order| &orders[order - 1]);
        add(followers.map_or(0.0, |f| (f.occurrences as f32).ln_1p()));
        add(followers.map_or(0.0, |f| (f.counts.len() as f32).ln_1p()));
        add(followers.map_or(0.0, Followers::largest));
        add(highest.unwrap_or(0) as f32);
        orders.iter().for_each(|order| add(order.trust()));
        add(similar.cosines.iter().copied().fold(0.0, f32::max));
        let top_word = self.word(top);
        for (cache, &is_alive) in alive.iter().enumerate() {
            let best = (0..by_word.len())
                .reduce(|a, b| {
                    if by_word[b][cache] > by_word[a][cache] {
                        b
                    } else {
                        a
                    }
                })
                .filter(|_| is_alive);
            let says = |word: usize| by_word[word][cache];
            add(best.map_or(0.0, says));
            add(f32::from(best.is_some() && best == top_word));
            add(log(top_word.map_or(0.0, says), 1e-4));
            let id = best.map_or(UNK, |word| self.words()[word].id);
            let known = if id == UNK {
                0.0
            } else {
                answer.probabilities[id as usize]
            };
            add(log(known, 1e-6));
            add(f32::from(is_alive));
        }
        Evidence {
            by_word,
            last_followers: std::array::from_fn(|k| {
                let last = self.occurrences(k + 1).next();
                last.map(|position| self.at(position + 1))
            }),
            alive,
            features,
        }
    }

    /// Unigrams into the n-grams' place, and both kinds of recent names.
    fn recency(&self, by_word: &mut [[f32; CACHES]]) {
        let mut weight = 1.0;
        let mut total = 0.0;
        let end = self.len();
        for position in (end.saturating_sub(WINDOW).max(1)..end).rev() {
            let word = self.at(position);
            let said = &mut by_word[word];
            said[NGRAM] += weight;
            total += weight;
            weight *= UNIGRAM_DECAY;
            if said[RECENT] > 0.0 {
                continue;
            }
            let word = &self.words()[word];
            if word.is_name {
                let age = (end - position) as f32;
                said[RECENT] = (-age / 60.0).exp() + 0.05 * (-age / 1000.0).exp();
                if word.id == UNK {
                    said[UNKNOWN] = said[RECENT];
                }
            }
        }
        if total > 0.0 {
            by_word.iter_mut().for_each(|said| said[NGRAM] /= total);
        }
    }

    /// What followed the longest match, given the longest context that has occurred; how long that match is.
    fn longest_match(&self, order: usize, by_word: &mut [[f32; CACHES]]) -> usize {
        let positions: Vec<(usize, usize)> = self
            .occurrences(order)
            .take(OCCURRENCES / 4)
            .map(|position| (position, self.agreement(position, LONGEST)))
            .collect();
        let longest = positions.iter().map(|&(_, length)| length).max();
        let mut weight = 1.0;
        for &(position, length) in &positions {
            if Some(length) == longest {
                by_word[self.at(position + 1)][MATCH] += weight;
                weight *= DECAY[ORDERS - 1];
            }
        }
        longest.unwrap_or(0)
    }

    fn neighbours(&self, similar: &Similarity, by_word: &mut [[f32; CACHES]]) {
        let most = similar.cosines.iter().copied().fold(-1.0, f32::max);
        for (position, cosine) in (similar.first..).zip(&similar.cosines) {
            let word = self.at(position);
            let said = &mut by_word[word];
            said[NEIGHBOURS] += (SHARPNESS[0] * (cosine - most)).exp();
            let word = &self.words()[word];
            if word.is_name && word.id == UNK {
                said[UNKNOWN_NEIGHBOURS] += (SHARPNESS[1] * (cosine - most)).exp();
            }
        }
    }
}

/// The unigrams that are there, interpolated with longer contexts.
fn ngrams(orders: &[Followers; ORDERS], by_word: &mut [[f32; CACHES]]) {
    let shorter: f32 = orders.iter().map(|order| 1.0 - order.trust()).product();
    by_word.iter_mut().for_each(|said| said[NGRAM] *= shorter);
    let mut left = 1.0;
    for followers in orders.iter().rev() {
        let trust = followers.trust();
        for &(word, count) in &followers.counts {
            by_word[word][NGRAM] += left * trust * count / followers.total;
        }
        left *= 1.0 - trust;
    }
}

/// Makes each cache's numbers a distribution; which have said anything.
fn normalise(by_word: &mut [[f32; CACHES]]) -> [bool; CACHES] {
    let mut totals = [0.0; CACHES];
    for said in by_word.iter() {
        for (total, said) in totals.iter_mut().zip(said) {
            *total += said;
        }
    }
    let alive = totals.map(|total| total > 1e-20);
    let inverse: [f32; CACHES] =
        std::array::from_fn(|k| if alive[k] { 1.0 / totals[k] } else { 0.0 });
    for said in by_word {
        for (said, inverse) in said.iter_mut().zip(inverse) {
            *said *= inverse;
        }
    }
    alive
}

/// The likeliest entry of the vocabulary but `<UNK>`, and its probability.
fn best_known(probabilities: &[f32]) -> (u32, f32) {
    let known = (0..).zip(probabilities).filter(|&(id, _)| id != UNK);
    known.fold(
        (0, 0.0),
        |best, (id, &p)| if p > best.1 { (id, p) } else { best },
    )
}

/// ln max(p, floor).
pub(super) fn log(p: f32, floor: f32) -> f32 {
    p.max(floor).ln()
}
