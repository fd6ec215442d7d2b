//! Ranking: selects the candidates that can be inserted and normalizes their probabilities.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::candidate::{Candidate, Origin};
use super::context::word;
use super::fuzzy::FuzzyPattern;
use super::options::Options;
use super::prefix_range::prefix_range;
use super::sources::name_suffixes::{NameSuffixes, SUFFIX_PRECISION};
use crate::context::{BufferTokens, CandidateId, CandidateSpace};
use crate::prediction::Prediction;
use crate::python::{self, Kind};
use crate::tokenizer::TokenId;

/// The insertable text of each vocabulary entry. Special tokens, the line end and `<NUM_LIT>` have none.
#[derive(Debug)]
pub(super) struct CandidateTable {
    /// Sorted, for prefix search.
    texts: Vec<Box<str>>,
    /// The id of each of `texts`.
    ids: Vec<TokenId>,
    /// By id.
    by_id: FxHashMap<TokenId, Insertable>,
    suffixes: NameSuffixes,
}

/// The position where candidates are inserted.
#[derive(Clone, Copy, Debug)]
pub(super) struct InsertionSite<'a> {
    /// The typed prefix.
    pub(super) prefix: &'a str,
    /// The text after the cursor.
    pub(super) suffix: &'a str,
}

#[derive(Debug)]
struct Insertable {
    token: Box<str>,
    text: Box<str>,
    kind: Kind,
}

impl CandidateTable {
    /// Builds the index from the vocabulary's entries.
    pub(super) fn new<'a>(entries: impl Iterator<Item = (TokenId, &'a str)>) -> Self {
        let insertable = |(id, token): (TokenId, &str)| {
            let text = python::insertable(token)?;
            // The line end is a key press, not a completion.
            let entry = Insertable {
                token: token.into(),
                text: text.into(),
                kind: python::surface_kind(token),
            };
            (token != python::EOL).then_some((id, entry))
        };
        let by_id: FxHashMap<TokenId, Insertable> = entries.filter_map(insertable).collect();
        let mut sorted: Vec<(Box<str>, TokenId)> = by_id
            .iter()
            .map(|(&id, entry)| (entry.text.clone(), id))
            .collect();
        sorted.sort_unstable();
        let (texts, ids) = sorted.into_iter().unzip();
        let mut names: Vec<(TokenId, &str)> = by_id
            .iter()
            .filter(|(_, entry)| entry.kind == Kind::Name)
            .map(|(&id, entry)| (id, &*entry.text))
            .collect();
        names.sort_unstable();
        Self {
            texts,
            ids,
            suffixes: NameSuffixes::new(names.into_iter()),
            by_id,
        }
    }

    /// The candidates that fit a site. `best` selects some of them and returns their probabilities, which are then
    /// normalized by the total of all that fit. If no name starts with the typed prefix, `options` can enable names that the
    /// prefix [abbreviates](FuzzyPattern) and new names.
    pub(super) fn rank(
        &self,
        space: &CandidateSpace<'_>,
        prediction: &Prediction,
        site: InsertionSite<'_>,
        options: &Options,
        best: impl FnOnce(Vec<CandidateId>) -> Vec<(CandidateId, f32)>,
    ) -> Vec<Candidate> {
        let prefix = site.prefix;
        let right = Suffix::new(site.suffix);
        let mut fitting = self.fitting(space, prefix, &right);
        if prediction.restriction.is_name {
            // Out-of-vocabulary candidates are always names.
            fitting.retain(|&candidate| {
                let entry = self.entry(space, candidate);
                entry.is_none_or(|entry| entry.kind == Kind::Name)
            });
        }
        // A name to which no expert gives any probability does not count.
        let is_known = |&candidate: &CandidateId| prediction.probability(candidate) > 0.0;
        let nothing_fits = !fitting.iter().any(is_known);
        let is_inexact = *options != options.exact() && nothing_fits && right.word.is_empty();
        if is_inexact {
            fitting = if options.fuzzy {
                self.fitting_loosely(space, prefix)
            } else {
                Vec::new()
            };
        }
        let probabilities = fitting.iter().map(|&c| prediction.probability(c));
        let total: f64 = probabilities.map(f64::from).sum();
        let candidates = best(fitting).into_iter().filter_map(|(candidate, p)| {
            let (text, token, kind) = if let Some(entry) = self.entry(space, candidate) {
                (&*entry.text, &*entry.token, entry.kind)
            } else {
                let name = space.spelling(candidate)?;
                (name, name, Kind::Name)
            };
            let text = if is_inexact {
                text.to_owned()
            } else {
                let rest = text.strip_prefix(prefix)?;
                let missing = rest.strip_suffix(right.word).unwrap_or(rest);
                format!("{prefix}{missing}")
            };
            Some(Candidate {
                text,
                token: token.to_string(),
                kind,
                probability: (f64::from(p) / total) as f32,
                origin: Origin::Model,
            })
        });
        let mut candidates: Vec<Candidate> = candidates.collect();
        if !right.word.is_empty() {
            // Two candidates may differ only in text that is already there: `for` and `fors` before an `s`.
            let mut texts = FxHashSet::default();
            candidates.retain(|candidate| texts.insert(candidate.text.clone()));
        }
        if is_inexact && options.new_names {
            self.with_new_names(candidates, space.buffer(), prefix, options.max_items)
        } else {
            candidates
        }
    }

    /// Adds new names with the suffixes of known ones.
    fn with_new_names(
        &self,
        known: Vec<Candidate>,
        buffer: &BufferTokens,
        prefix: &str,
        most: usize,
    ) -> Vec<Candidate> {
        let name = |id: TokenId| {
            let entry = self.by_id.get(&id).filter(|entry| entry.kind == Kind::Name);
            entry.map(|entry| &*entry.text)
        };
        let new = self.suffixes.names(buffer, prefix, name, most);
        let mut new: Vec<Candidate> = new
            .into_iter()
            .zip(SUFFIX_PRECISION)
            .map(|(text, probability)| Candidate {
                token: text.clone(),
                text,
                kind: Kind::Name,
                probability,
                origin: Origin::NewName,
            })
            .collect();
        let mut all = known;
        if !all.is_empty() {
            // The probabilities of the known names sum to 1, so scale them down for the new ones.
            let of_new: f32 = new.iter().map(|candidate| candidate.probability).sum();
            for candidate in all.iter_mut().chain(&mut new) {
                candidate.probability /= 1.0 + of_new;
            }
        }
        all.extend(new);
        all.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        all.truncate(most);
        all
    }

    /// The candidates that start with `prefix` and would add to the text after the cursor.
    fn fitting(
        &self,
        space: &CandidateSpace<'_>,
        prefix: &str,
        right: &Suffix,
    ) -> Vec<CandidateId> {
        let (range, there) = (prefix_range(&self.texts, prefix), self.there(prefix, right));
        let known = range
            .filter(|index| !there.iter().any(|there| there.contains(index)))
            .map(|index| self.ids[index].into());
        let is_there = |text: &str| {
            let rest = text.strip_prefix(prefix);
            !right.word.is_empty() && rest == Some(right.word)
        };
        let names = space.names_with_prefix(prefix);
        let names = names.filter(|(_, name)| !is_there(name));
        known.chain(names.map(|(name, _)| name)).collect()
    }

    /// The insertable text of a candidate that is in the vocabulary.
    fn entry(&self, space: &CandidateSpace<'_>, candidate: CandidateId) -> Option<&Insertable> {
        self.by_id.get(&space.token_id(candidate)?)
    }

    /// The names that `prefix` may abbreviate.
    fn fitting_loosely(&self, space: &CandidateSpace<'_>, prefix: &str) -> Vec<CandidateId> {
        let Some(short) = FuzzyPattern::new(prefix) else {
            return Vec::new();
        };
        let is_name = |entry: &Insertable| entry.kind == Kind::Name && short.fits(&entry.text);
        let known = self.by_id.iter().filter(|(_, entry)| is_name(entry));
        let known = known.map(|(&id, _)| id.into());
        let names = space.names().filter(|(_, name)| short.fits(name));
        known.chain(names.map(|(name, _)| name)).collect()
    }

    /// The ranges of `texts` that would add nothing to the text after the cursor: `prefix` followed by the rest of the word,
    /// and texts that start with `prefix` and the closing bracket or quote after the cursor.
    fn there(&self, prefix: &str, right: &Suffix) -> [Range<usize>; 2] {
        let closed = match right.closing {
            Some(closing) => prefix_range(&self.texts, &format!("{prefix}{closing}")),
            None => 0..0,
        };
        let whole = format!("{prefix}{}", right.word);
        let same = match self.texts.binary_search_by(|text| (**text).cmp(&whole)) {
            Ok(index) if !right.word.is_empty() => index..index + 1,
            _ => 0..0,
        };
        [closed, same]
    }
}

/// The start of the text after the cursor, which must not be inserted again.
struct Suffix<'a> {
    /// The identifier characters directly after the cursor.
    word: &'a str,
    /// The closing bracket or quote directly after the cursor: editors insert it with the opening one.
    closing: Option<char>,
}

impl<'a> Suffix<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            word: word(text),
            closing: text.chars().next().filter(|c| ")]}'\"".contains(*c)),
        }
    }
}

#[cfg(test)]
mod tests;
