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

use crate::context::{
    BufferTokens, BufferWord, CandidateId, CandidateSpace, MAX_NGRAM_ORDER, Position, ProjectToken,
    Syntax, Token, TokenId, interpolation_weight,
};
use crate::inference::{CosineScores, Distribution, WINDOW};
use crate::symbols::{Members, PLACES, members};
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
/// Which of them speak mostly of what is outside the vocabulary.
pub(super) const OUTSIDE: [bool; 1 + CACHES] = [
    false, true, false, false, false, true, false, true, false, false, false,
];

/// Context lengths for which it is asked what came next the last time.
pub(super) const FOLLOWED: usize = 3;
/// How much less each earlier token counts among the unigrams.
const UNIGRAM_DECAY: f32 = 0.998;
/// How much less each earlier occurrence of a context counts, by the context's length.
const DECAY: [f32; MAX_NGRAM_ORDER] = [0.98, 0.95, 0.9, 0.9, 0.9];
/// Occurrences of a context that are looked at.
const OCCURRENCES: usize = 128;
/// How long a match can become.
const LONGEST: usize = 12;
/// How sharply similarity of states decides.
const SHARPNESS: [f32; 2] = [16.0, 8.0];

/// Numbers about what the experts say: see [`BufferTokens::evidence`].
pub const FEATURES: usize = 17 + 5 * CACHES + 6 + MAX_NGRAM_ORDER + PLACES;

/// What the experts say.
#[derive(Clone, Debug)]
pub struct ExpertScores {
    /// By word, the probability that each expert for the buffer gives it.
    pub(super) by_word: Vec<[f32; HERE]>,
    /// By token of the surroundings, ascending: the same of the n-grams and the longest match there.
    pub(super) around: Vec<(ProjectToken, [f32; 2])>,
    pub(super) members: Members,
    /// The document's last token, as one of the surroundings.
    pub(super) behind: Option<ProjectToken>,
    /// The word that came next the last time, after contexts of 1, 2 … tokens.
    pub(super) last_followers: [Option<BufferWord>; FOLLOWED],
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
    counts: Vec<(BufferWord, f32)>,
    occurrences: usize,
}

impl ContinuationCounts {
    fn of(document: &BufferTokens, order: usize) -> Self {
        let mut followers = Self::default();
        let mut weight = 1.0;
        for position in document.previous_matches(order).take(OCCURRENCES) {
            let word = document.word_at(position.next());
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
        interpolation_weight(self.total, self.counts.len())
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
            last_followers: [None; FOLLOWED],
            alive: [false; CACHES],
            features: [0.0; FEATURES],
        }
    }

    /// How likely each expert has found a candidate.
    pub fn likelihoods(
        &self,
        space: &CandidateSpace<'_>,
        answer: &Distribution,
        candidate: CandidateId,
    ) -> [f32; EXPERTS.len()] {
        let mut likelihoods = [0.0; EXPERTS.len()];
        if !space.is_out_of_vocabulary(candidate) && candidate.get() != UNK {
            let known = (1.0 - answer.probabilities[UNK as usize]).max(1e-6);
            likelihoods[0] = answer.probabilities[candidate.index()] / known;
        }
        likelihoods[1..].copy_from_slice(&self.said(space, candidate));
        likelihoods
    }

    /// What a cache gives most.
    fn likeliest(&self, space: &CandidateSpace<'_>, cache: usize) -> Option<(CandidateId, f32)> {
        let of_project = |(token, p)| (space.of_project_token(token), p);
        match cache.checked_sub(HERE) {
            None => {
                let words = self.by_word.iter().enumerate();
                let best = largest(words.map(|(word, said)| (word, said[cache])));
                best.map(|(word, p)| (space.of(Token::Buffer(BufferWord::at(word))), p))
            }
            Some(0) => {
                let best = space.buffer().project().best_unigram(self.behind);
                best.map(of_project)
            }
            Some(3) => largest(self.members.shares.iter().copied()),
            Some(found) => {
                let said = self.around.iter();
                largest(said.map(|&(token, said)| (token, said[found - 1]))).map(of_project)
            }
        }
    }

    /// What each cache gives a candidate.
    pub(super) fn said(&self, space: &CandidateSpace<'_>, candidate: CandidateId) -> [f32; CACHES] {
        let mut said = [0.0; CACHES];
        if let Some(word) = space.word(candidate) {
            said[..HERE].copy_from_slice(&self.by_word[word.index()]);
        }
        if let Some(token) = space.project_token(candidate) {
            let shares = space.buffer().project().unigrams(self.behind);
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
        let space = CandidateSpace::new(syntax.vocabulary_size(), self);
        let mut by_word = vec![[0.0; HERE]; self.lexemes().len()];
        let orders: [ContinuationCounts; MAX_NGRAM_ORDER] =
            std::array::from_fn(|k| ContinuationCounts::of(self, k + 1));
        self.recency(&mut by_word);
        ngrams(&orders, &mut by_word);
        let highest = (1..=MAX_NGRAM_ORDER)
            .rev()
            .find(|&order| orders[order - 1].total > 0.0);
        let length = highest.map_or(0, |order| self.longest_match(order, &mut by_word));
        self.neighbours(similar, &mut by_word);
        let alive_here = normalise(&mut by_word, |said| said);
        let last_tokens = || {
            let back = (0..self.len()).rev().map(Position::at);
            back.map(|at| space.project_token(space.candidate_at(at)))
        };
        let behind = last_tokens().next().flatten();
        let project = self.project();
        let mut found = project.continuations(last_tokens());
        let alive_around = normalise(&mut found.scores, |(_, said)| said);
        let shares = project.unigrams(behind);
        let members = members(self, syntax);
        let alive = std::array::from_fn(|cache| match cache.checked_sub(HERE) {
            None => alive_here[cache],
            Some(0) => !shares.is_empty(),
            Some(3) => !members.shares.is_empty(),
            Some(found) => alive_around[found - 1],
        });
        let mut evidence = ExpertScores {
            by_word,
            around: found.scores,
            members,
            behind,
            last_followers: std::array::from_fn(|k| {
                let last = self.previous_matches(k + 1).next();
                last.map(|position| self.word_at(position.next()))
            }),
            alive,
            features: [0.0; FEATURES],
        };

        let mut features = Vec::with_capacity(FEATURES);
        let (top, probability) = best_known(&answer.probabilities);
        let unknown = answer.probabilities[UNK as usize];
        let lexemes = self.lexemes().iter();
        let outside = lexemes.filter(|l| l.id == TokenId::UNK && l.count > 0);
        let followers = highest.map(|order| &orders[order - 1]);
        features.extend([
            answer.entropy,
            log(probability, 1e-4),
            log(unknown, 1e-6),
            log(1.0 - unknown, 1e-3),
            (self.len() as f32).ln_1p(),
            (outside.count() as f32).ln_1p(),
            length as f32,
            followers.map_or(0.0, |f| (f.occurrences as f32).ln_1p()),
            followers.map_or(0.0, |f| (f.counts.len() as f32).ln_1p()),
            followers.map_or(0.0, ContinuationCounts::largest),
            highest.unwrap_or(0) as f32,
        ]);
        features.extend(orders.iter().map(ContinuationCounts::trust));
        features.push(similar.cosines.iter().copied().fold(0.0, f32::max));
        features.extend([
            (project.code_len() as f32).ln_1p(),
            found.match_length as f32,
            (found.occurrences as f32).ln_1p(),
            (found.distinct as f32).ln_1p(),
            found.largest_share,
        ]);
        features.extend(found.interpolation_weights);
        features.push((evidence.members.shares.len() as f32).ln_1p());
        features.extend(evidence.members.place);
        let top = CandidateId::new(top);
        let top_said = evidence.said(&space, top);
        for (cache, &is_alive) in alive.iter().enumerate() {
            let best = evidence.likeliest(&space, cache).filter(|_| is_alive);
            let known = best.and_then(|(best, _)| answer.probabilities.get(best.index()));
            features.extend([
                best.map_or(0.0, |(_, p)| p),
                f32::from(best.is_some_and(|(best, _)| best == top)),
                log(top_said[cache], 1e-4),
                log(known.copied().unwrap_or(0.0), 1e-6),
                f32::from(is_alive),
            ]);
        }
        evidence.features.copy_from_slice(&features);
        evidence
    }

    /// Unigrams into the n-grams' place, and both kinds of recent names.
    fn recency(&self, by_word: &mut [[f32; HERE]]) {
        let mut weight = 1.0;
        let mut total = 0.0;
        let end = self.len();
        for position in (end.saturating_sub(WINDOW).max(1)..end).rev() {
            let word = self.word_at(Position::at(position));
            let said = &mut by_word[word.index()];
            said[NGRAM] += weight;
            total += weight;
            weight *= UNIGRAM_DECAY;
            if said[RECENT] > 0.0 {
                continue;
            }
            let lexeme = self.lexeme(word);
            if lexeme.is_name {
                let age = (end - position) as f32;
                said[RECENT] = (-age / 60.0).exp() + 0.05 * (-age / 1000.0).exp();
                if lexeme.id == TokenId::UNK {
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
        let positions: Vec<(Position, usize)> = self
            .previous_matches(order)
            .take(OCCURRENCES / 4)
            .map(|position| (position, self.match_length(position, LONGEST)))
            .collect();
        let longest = positions.iter().map(|&(_, length)| length).max();
        let mut weight = 1.0;
        for &(position, length) in &positions {
            if Some(length) == longest {
                by_word[self.word_at(position.next()).index()][MATCH] += weight;
                weight *= DECAY[MAX_NGRAM_ORDER - 1];
            }
        }
        longest.unwrap_or(0)
    }

    fn neighbours(&self, similar: &CosineScores, by_word: &mut [[f32; HERE]]) {
        let most = similar.cosines.iter().copied().fold(-1.0, f32::max);
        for (position, cosine) in (similar.first..).zip(&similar.cosines) {
            let word = self.word_at(Position::at(position));
            let said = &mut by_word[word.index()];
            said[NEIGHBOURS] += (SHARPNESS[0] * (cosine - most)).exp();
            let lexeme = self.lexeme(word);
            if lexeme.is_name && lexeme.id == TokenId::UNK {
                said[UNKNOWN_NEIGHBOURS] += (SHARPNESS[1] * (cosine - most)).exp();
            }
        }
    }
}

/// The unigrams that are there, interpolated with longer contexts.
fn ngrams(orders: &[ContinuationCounts; MAX_NGRAM_ORDER], by_word: &mut [[f32; HERE]]) {
    let shorter: f32 = orders.iter().map(|order| 1.0 - order.trust()).product();
    by_word.iter_mut().for_each(|said| said[NGRAM] *= shorter);
    let mut left = 1.0;
    for followers in orders.iter().rev() {
        let trust = followers.trust();
        for &(word, count) in &followers.counts {
            by_word[word.index()][NGRAM] += left * trust * count / followers.total;
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
