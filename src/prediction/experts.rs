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
//! * *recent names*: any name, by how recently it stood;
//! * *project names*, *project n-grams* and *project match*: names by how often they stand in the files around the buffer,
//!   behind a dot or elsewhere, and the n-grams and the longest match there;
//! * *members*: what was declared to be there, here or around: see [`crate::symbols`].

use super::features::{FEATURE_NAMES, Row};
use crate::context::{BufferTokens, Found, ORDERS, Syntax};
use crate::inference::{CosineScores, Distribution, WINDOW};
use crate::symbols::{Members, PLACE_NAMES, PLACES, members};
use crate::tokenizer::UNK;

/// The experts other than the network: those that know the buffer, and those that know what is around it.
pub const CACHES: usize = HERE + AROUND;
pub(super) const HERE: usize = 6;
const AROUND: usize = 4;
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
    "project names",
    "project n-grams",
    "project match",
    "members",
];
/// Where each expert's evidence comes from: `network`, `buffer`, `project` or `declarations`.
pub const SCOPES: [&str; 1 + CACHES] = [
    "network",
    "buffer",
    "buffer",
    "buffer",
    "buffer",
    "buffer",
    "buffer",
    "project",
    "project",
    "project",
    "declarations",
];
/// Which of them speak mostly of what is outside the vocabulary.
pub(super) const OUTSIDE: [bool; 1 + CACHES] = [
    false, true, false, false, false, true, false, true, false, false, false,
];

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

/// Numbers about what the experts say, in the order of [`FEATURE_NAMES`].
pub const FEATURES: usize = 17 + 5 * CACHES + 6 + ORDERS + PLACES;

/// What the experts say.
#[derive(Clone, Debug)]
pub struct ExpertScores {
    /// By word, the probability that each expert for the buffer gives it.
    pub(super) by_word: Vec<[f32; HERE]>,
    /// By token of the surroundings, ascending: the same of the n-grams and the longest match there.
    pub(super) around: Vec<(u32, [f32; 2])>,
    pub(super) members: Members,
    /// The document's last token, as one of the surroundings.
    pub(super) behind: Option<u32>,
    vocabulary_size: usize,
    /// The word that came next the last time, after contexts of 1, 2 … tokens.
    pub(super) last_followers: [Option<usize>; FOLLOWED],
    /// Whether a cache says anything at all.
    pub alive: [bool; CACHES],
    /// What the gate decides by.
    pub features: [f32; FEATURES],
}

/// What followed the occurrences of one context.
#[derive(Default)]
struct ContinuationCounts {
    total: f32,
    /// Words and their decayed counts.
    counts: Vec<(usize, f32)>,
    occurrences: usize,
}

impl ContinuationCounts {
    fn of(document: &BufferTokens, order: usize) -> Self {
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

impl ExpertScores {
    /// Of caches that say nothing.
    pub(super) fn none() -> Self {
        Self {
            by_word: Vec::new(),
            around: Vec::new(),
            members: Members::default(),
            behind: None,
            vocabulary_size: 0,
            last_followers: [None; FOLLOWED],
            alive: [false; CACHES],
            features: [0.0; FEATURES],
        }
    }

    /// How likely each expert has found a candidate of `document`: see [`super::Prediction`].
    pub fn likelihoods(
        &self,
        document: &BufferTokens,
        answer: &Distribution,
        candidate: usize,
    ) -> [f32; EXPERTS.len()] {
        let mut likelihoods = [0.0; EXPERTS.len()];
        if candidate < self.vocabulary_size && candidate != UNK as usize {
            let known = (1.0 - answer.probabilities[UNK as usize]).max(1e-6);
            likelihoods[0] = answer.probabilities[candidate] / known;
        }
        likelihoods[1..].copy_from_slice(&self.said(document, candidate));
        likelihoods
    }

    /// What a cache gives most: an id, which is none of the vocabulary's or [`UNK`] for what is outside it.
    fn likeliest(&self, document: &BufferTokens, cache: usize) -> Option<(u32, f32)> {
        match cache.checked_sub(HERE) {
            None => {
                let words = self.by_word.iter().enumerate();
                let best = largest(words.map(|(word, said)| (word, said[cache])));
                best.map(|(word, p)| (document.words()[word].id, p))
            }
            Some(0) => document.surroundings()?.likeliest(self.behind),
            Some(3) => {
                let best = largest(self.members.shares.iter().copied());
                best.map(|(candidate, p)| (candidate as u32, p))
            }
            Some(found) => {
                let said = self.around.iter();
                largest(said.map(|&(token, said)| (token, said[found - 1])))
            }
        }
    }

    /// What each cache gives a candidate.
    pub(super) fn said(&self, document: &BufferTokens, candidate: usize) -> [f32; CACHES] {
        let mut said = [0.0; CACHES];
        let beyond = candidate.checked_sub(self.vocabulary_size);
        let is_here = beyond.is_none_or(|word| word < self.by_word.len());
        let (word, token) = if is_here {
            let word = beyond.or_else(|| document.word(candidate as u32));
            (
                word,
                document.around(candidate as u32, self.vocabulary_size),
            )
        } else {
            (None, Some((candidate - self.by_word.len()) as u32))
        };
        if let Some(word) = word {
            said[..HERE].copy_from_slice(&self.by_word[word]);
        }
        if let (Some(token), Some(surroundings)) = (token, document.surroundings()) {
            let shares = surroundings.shares(self.behind);
            if let Ok(at) = shares.binary_search_by_key(&token, |&(token, _)| token) {
                said[HERE] = shares[at].1;
            }
            if let Ok(at) = self
                .around
                .binary_search_by_key(&token, |&(token, _)| token)
            {
                said[HERE + 1..HERE + 3].copy_from_slice(&self.around[at].1);
            }
        }
        let members = &self.members.shares;
        if let Ok(at) = members.binary_search_by_key(&candidate, |&(member, _)| member) {
            said[HERE + 3] = members[at].1;
        }
        said
    }
}

impl BufferTokens {
    /// What the caches say comes after the document's last token, where the network has said `answer` and was in a state
    /// that is `similar` to earlier ones.
    pub fn evidence(
        &self,
        syntax: &Syntax,
        answer: &Distribution,
        similar: &CosineScores,
    ) -> ExpertScores {
        let vocabulary_size = answer.probabilities.len();
        let mut by_word = vec![[0.0; HERE]; self.words().len()];
        let orders: [ContinuationCounts; ORDERS] =
            std::array::from_fn(|k| ContinuationCounts::of(self, k + 1));
        self.recency(&mut by_word);
        ngrams(&orders, &mut by_word);
        let highest = (1..=ORDERS)
            .rev()
            .find(|&order| orders[order - 1].total > 0.0);
        let length = highest.map_or(0, |order| self.longest_match(order, &mut by_word));
        self.neighbours(similar, &mut by_word);
        let alive_here = normalise(&mut by_word, |said| said);
        let last_tokens = || {
            let back = (0..self.len()).rev();
            back.map(|at| self.around(self.token(at, vocabulary_size), vocabulary_size))
        };
        let behind = last_tokens().next().flatten();
        let surroundings = self.surroundings();
        let mut found = surroundings.map_or_else(Found::default, |s| s.find(last_tokens()));
        let alive_around = normalise(&mut found.said, |(_, said)| said);
        let shares = surroundings.map_or(&[][..], |s| s.shares(behind));
        let members = members(self, syntax);
        let alive = std::array::from_fn(|cache| match cache.checked_sub(HERE) {
            None => alive_here[cache],
            Some(0) => !shares.is_empty(),
            Some(3) => !members.shares.is_empty(),
            Some(found) => alive_around[found - 1],
        });
        let mut evidence = ExpertScores {
            by_word,
            around: found.said,
            members,
            behind,
            vocabulary_size,
            last_followers: std::array::from_fn(|k| {
                let last = self.occurrences(k + 1).next();
                last.map(|position| self.at(position + 1))
            }),
            alive,
            features: [0.0; FEATURES],
        };

        let mut features = Row::new(&FEATURE_NAMES);
        let (top, probability) = best_known(&answer.probabilities);
        let unknown = answer.probabilities[UNK as usize];
        let outside = self.words().iter().filter(|w| w.id == UNK && w.count > 0);
        let followers = highest.map(|order| &orders[order - 1]);
        let log_count = |count: usize| (count as f32).ln_1p();
        let occurrences = followers.map_or(0.0, |f| log_count(f.occurrences));
        let distinct = followers.map_or(0.0, |f| log_count(f.counts.len()));
        let share = followers.map_or(0.0, ContinuationCounts::largest);
        let cosines = similar.cosines.iter().copied();
        let code = surroundings.map_or(0, |s| s.code());
        features.put("network: entropy", answer.entropy);
        features.put(
            "network: log probability of its best",
            log(probability, 1e-4),
        );
        features.put("network: log probability of <UNK>", log(unknown, 1e-6));
        features.put(
            "network: log probability of all but <UNK>",
            log(1.0 - unknown, 1e-3),
        );
        features.put("buffer: log of its tokens", log_count(self.len()));
        features.put(
            "buffer: log of its unknown names",
            log_count(outside.count()),
        );
        features.put("buffer: length of the longest match", length as f32);
        features.put("longest context: log of its occurrences", occurrences);
        features.put("longest context: log of its followers", distinct);
        features.put("longest context: share of its best", share);
        features.put("longest context: order", highest.unwrap_or(0) as f32);
        for (order, followers) in (1..).zip(&orders) {
            features.put(
                format_args!("buffer: trust in order {order}"),
                followers.trust(),
            );
        }
        features.put("neighbours: largest cosine", cosines.fold(0.0, f32::max));
        features.put("surroundings: log of their tokens", log_count(code));
        features.put(
            "surroundings: length of the longest match",
            found.length as f32,
        );
        features.put(
            "surroundings: log of its occurrences",
            log_count(found.occurrences),
        );
        features.put(
            "surroundings: log of its followers",
            log_count(found.distinct),
        );
        features.put("surroundings: share of its best", found.largest);
        for (order, trust) in (1..).zip(found.trusts) {
            features.put(format_args!("surroundings: trust in order {order}"), trust);
        }
        let members = &evidence.members;
        features.put(
            "members: log of their number",
            log_count(members.shares.len()),
        );
        for (name, is_here) in PLACE_NAMES.iter().zip(members.place) {
            features.put(format_args!("place: {name}"), is_here);
        }
        let top_said = evidence.said(self, top as usize);
        for (cache, &is_alive) in alive.iter().enumerate() {
            let best = evidence.likeliest(self, cache).filter(|_| is_alive);
            let id = best.map_or(UNK, |(id, _)| id);
            let known = answer.probabilities.get(id as usize).filter(|_| id != UNK);
            let expert = EXPERTS[1 + cache];
            let mut put = |what: &str, value| features.put(format_args!("{expert}: {what}"), value);
            put("probability of its best", best.map_or(0.0, |(_, p)| p));
            put(
                "its best is the network's",
                f32::from(best.is_some() && id == top),
            );
            put(
                "log probability of the network's best",
                log(top_said[cache], 1e-4),
            );
            let known = known.copied().unwrap_or(0.0);
            put("network's log probability of its best", log(known, 1e-6));
            put("is alive", f32::from(is_alive));
        }
        evidence.features = features.finish();
        evidence
    }

    /// Unigrams into the n-grams' place, and both kinds of recent names.
    fn recency(&self, by_word: &mut [[f32; HERE]]) {
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
    fn longest_match(&self, order: usize, by_word: &mut [[f32; HERE]]) -> usize {
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

    fn neighbours(&self, similar: &CosineScores, by_word: &mut [[f32; HERE]]) {
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
fn ngrams(orders: &[ContinuationCounts; ORDERS], by_word: &mut [[f32; HERE]]) {
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

/// Makes each expert's numbers a distribution; which have said anything.
fn normalise<T, const N: usize>(
    by_token: &mut [T],
    said: impl Fn(&mut T) -> &mut [f32; N],
) -> [bool; N] {
    let mut totals = [0.0; N];
    for token in by_token.iter_mut() {
        for (total, said) in totals.iter_mut().zip(said(token)) {
            *total += *said;
        }
    }
    let alive = totals.map(|total| total > 1e-20);
    let inverse: [f32; N] = std::array::from_fn(|k| if alive[k] { 1.0 / totals[k] } else { 0.0 });
    for token in by_token {
        for (said, inverse) in said(token).iter_mut().zip(inverse) {
            *said *= inverse;
        }
    }
    alive
}

/// Who has most, the first of equals.
fn largest<T>(said: impl Iterator<Item = (T, f32)>) -> Option<(T, f32)> {
    said.reduce(|a, b| if b.1 > a.1 { b } else { a })
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
