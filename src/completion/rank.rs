//! Ranking: what can be inserted here, and how probable each is among them.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::fuzzy::FuzzyPattern;
use super::name_suffixes::{NameSuffixes, RIGHT};
use super::{Candidate, Options};
use crate::context::BufferTokens;
use crate::prediction::Prediction;
use crate::python::{self, Kind};
use crate::tokenizer::UNK;

/// What can be inserted for each vocabulary entry that has a text; specials, the line end and `<NUM_LIT>` have none.
#[derive(Debug)]
pub(super) struct CandidateTable {
    /// In order, so that what begins with the same letters stands together.
    texts: Vec<Box<str>>,
    /// The id of each of `texts`.
    ids: Vec<u32>,
    /// By id.
    by_id: FxHashMap<u32, Insertable>,
    tails: NameSuffixes,
    vocabulary_size: usize,
}

/// Where candidates are to stand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InsertionSite<'a> {
    /// The word begun.
    pub(super) prefix: &'a str,
    /// What stands right of the cursor.
    pub(super) right: &'a str,
    /// Nothing else fits.
    pub(super) only_names: bool,
}

#[derive(Debug)]
struct Insertable {
    token: Box<str>,
    text: Box<str>,
    kind: Kind,
}

impl CandidateTable {
    /// From the vocabulary's tokens, in the order of their ids.
    pub(super) fn new<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        let offer = |(id, token): (u32, &str)| {
            let text = python::insertable(token)?;
            // Enter is a key, not a completion.
            let offer = Insertable {
                token: token.into(),
                text: text.into(),
                kind: python::surface_kind(token),
            };
            (token != python::EOL).then_some((id, offer))
        };
        let mut vocabulary_size = 0;
        let tokens = (0..).zip(tokens).inspect(|_| vocabulary_size += 1);
        let by_id: FxHashMap<u32, Insertable> = tokens.filter_map(offer).collect();
        let mut sorted: Vec<(Box<str>, u32)> = by_id
            .iter()
            .map(|(&id, offer)| (offer.text.clone(), id))
            .collect();
        sorted.sort_unstable();
        let (texts, ids) = sorted.into_iter().unzip();
        let mut names: Vec<(u32, &str)> = by_id
            .iter()
            .filter(|(_, offer)| offer.kind == Kind::Name)
            .map(|(&id, offer)| (id, &*offer.text))
            .collect();
        names.sort_unstable();
        Self {
            texts,
            ids,
            tails: NameSuffixes::new(names.into_iter()),
            by_id,
            vocabulary_size,
        }
    }

    /// The candidates that fit a gap: of the vocabulary, and of a document's words, and the names around it, outside it. `best` chooses
    /// among their numbers (see [`Prediction`]) and gives their `probabilities`, which become shares of everything that would have
    /// fitted. Where nothing starts with the typed prefix, `options` may ask for names that it [abbreviates](FuzzyPattern) and for new names.
    pub(super) fn rank(
        &self,
        document: &BufferTokens,
        prediction: &Prediction,
        gap: &InsertionSite,
        options: &Options,
        best: impl FnOnce(Vec<usize>) -> Vec<(usize, f32)>,
    ) -> Vec<Candidate> {
        let prefix = gap.prefix;
        let right = SuffixAfterCursor::new(gap.right);
        let mut fitting = self.fitting(document, prefix, &right);
        if gap.only_names {
            // Behind the vocabulary there are names only.
            fitting.retain(|&candidate| {
                let offer = self.by_id.get(&(candidate as u32));
                offer.is_none_or(|offer| offer.kind == Kind::Name)
            });
        }
        // Names that no expert gives anything to are as good as none.
        let is_known = |&candidate: &usize| prediction.probability(candidate) > 0.0;
        let nothing_fits = !fitting.iter().any(is_known);
        let is_inexact = *options != options.exact() && nothing_fits && right.word.is_empty();
        if is_inexact {
            fitting = if options.fuzzy {
                self.fitting_loosely(document, prefix)
            } else {
                Vec::new()
            };
        }
        let probabilities = fitting.iter().map(|&c| prediction.probability(c));
        let total: f64 = probabilities.map(f64::from).sum();
        let candidates = best(fitting).into_iter().filter_map(|(number, p)| {
            let (text, token, kind) = if let Some(offer) = self.by_id.get(&(number as u32)) {
                (&*offer.text, &*offer.token, offer.kind)
            } else {
                let name = prediction.spelling(document, number)?;
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
            })
        });
        let mut candidates: Vec<Candidate> = candidates.collect();
        if !right.word.is_empty() {
            // Two may differ in what stands there already: `for` and `fors` before an `s`.
            let mut texts = FxHashSet::default();
            candidates.retain(|candidate| texts.insert(candidate.text.clone()));
        }
        if is_inexact && options.new_names {
            self.with_new_names(candidates, document, prefix, options.max_items)
        } else {
            candidates
        }
    }

    /// With names that are not known, but end as known ones do.
    fn with_new_names(
        &self,
        known: Vec<Candidate>,
        document: &BufferTokens,
        prefix: &str,
        most: usize,
    ) -> Vec<Candidate> {
        let name = |id: u32| {
            let offer = self.by_id.get(&id).filter(|offer| offer.kind == Kind::Name);
            offer.map(|offer| &*offer.text)
        };
        let new = self.tails.names(document, prefix, name, most);
        let mut new: Vec<Candidate> = new
            .into_iter()
            .zip(RIGHT)
            .map(|(text, probability)| Candidate {
                token: text.clone(),
                text,
                kind: Kind::Name,
                probability,
            })
            .collect();
        let mut all = known;
        if !all.is_empty() {
            // What is known was taken for all there is.
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

    /// The numbers of what starts with `prefix` and does not stand there already.
    fn fitting(
        &self,
        document: &BufferTokens,
        prefix: &str,
        right: &SuffixAfterCursor,
    ) -> Vec<usize> {
        let (range, there) = (self.beginning_with(prefix), self.there(prefix, right));
        let known = range
            .filter(|index| !there.iter().any(|there| there.contains(index)))
            .map(|index| self.ids[index] as usize);
        let stands = |text: &str| {
            let rest = text.strip_prefix(prefix);
            !right.word.is_empty() && rest == Some(right.word)
        };
        let words = document.words();
        let outside = words.iter().enumerate().filter(|(_, word)| {
            let fits = word.id == UNK && word.is_offered();
            fits && word.text.starts_with(prefix) && !stands(&word.text)
        });
        let outside = outside.map(|(number, _)| number);
        let names = document.surroundings().map_or(&[][..], |s| s.names());
        let first = names.partition_point(|name| **name < *prefix);
        let around = (first..).zip(&names[first..]);
        let around = around
            .take_while(|(_, name)| name.starts_with(prefix))
            .filter(|&(number, name)| document.here(number).is_none() && !stands(name))
            .map(|(number, _)| words.len() + number);
        let beyond = outside.chain(around);
        known
            .chain(beyond.map(|number| self.vocabulary_size + number))
            .collect()
    }

    /// The numbers of the names that `prefix` may be short for.
    fn fitting_loosely(&self, document: &BufferTokens, prefix: &str) -> Vec<usize> {
        let Some(short) = FuzzyPattern::new(prefix) else {
            return Vec::new();
        };
        let is_name = |offer: &Insertable| offer.kind == Kind::Name && short.fits(&offer.text);
        let known = self.by_id.iter().filter(|(_, offer)| is_name(offer));
        let known = known.map(|(&id, _)| id as usize);
        let words = document.words().iter().enumerate();
        let outside =
            words.filter(|(_, word)| word.id == UNK && word.is_offered() && short.fits(&word.text));
        let names = document.surroundings().map_or(&[][..], |s| s.names());
        let around = names
            .iter()
            .enumerate()
            .filter(|&(number, name)| document.here(number).is_none() && short.fits(name));
        let around = around.map(|(number, _)| document.words().len() + number);
        let beyond = outside.map(|(number, _)| number).chain(around);
        known
            .chain(beyond.map(|number| self.vocabulary_size + number))
            .collect()
    }

    /// The places in `texts` of what begins with `prefix`.
    fn beginning_with(&self, prefix: &str) -> Range<usize> {
        beginning_with(&self.texts, prefix)
    }

    /// The places in `texts` of what would add nothing, behind `prefix`, to what stands right of the cursor: the word
    /// itself, and everything that begins with the closing bracket or quote.
    fn there(&self, prefix: &str, right: &SuffixAfterCursor) -> [Range<usize>; 2] {
        let closed = match right.closing {
            Some(closing) => self.beginning_with(&format!("{prefix}{closing}")),
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

/// Where those of sorted `texts` stand that begin with `prefix`.
pub(super) fn beginning_with(texts: &[Box<str>], prefix: &str) -> Range<usize> {
    let first = texts.partition_point(|text| **text < *prefix);
    let count = texts[first..].partition_point(|text| text.starts_with(prefix));
    first..first + count
}

/// The identifier characters that `text` begins with.
pub(super) fn word(text: &str) -> &str {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// What already stands right of the cursor, and so need not be inserted.
struct SuffixAfterCursor<'a> {
    /// The identifier characters that touch the cursor.
    word: &'a str,
    /// The closing bracket or quote that touches the cursor: an editor puts it there with the opening one.
    closing: Option<char>,
}

impl<'a> SuffixAfterCursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            word: word(text),
            closing: text.chars().next().filter(|c| ")]}'\"".contains(*c)),
        }
    }
}
