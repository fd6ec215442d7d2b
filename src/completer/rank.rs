//! Ranking: which vocabulary entries can be inserted here, and how probable each is among them.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::Candidate;
use crate::python::{self, Kind};

/// What can be inserted for each vocabulary entry that has a text; specials, the line end and `<NUM_LIT>` have none.
#[derive(Debug)]
pub(super) struct Offers {
    /// In order, so that what begins with the same letters stands together.
    texts: Vec<Box<str>>,
    /// The id of each of `texts`.
    ids: Vec<u32>,
    /// By id.
    by_id: FxHashMap<u32, Offer>,
}

#[derive(Debug)]
struct Offer {
    token: Box<str>,
    text: Box<str>,
    kind: Kind,
}

impl Offers {
    /// From the vocabulary's tokens, in the order of their ids.
    pub(super) fn new<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        let offer = |(id, token): (u32, &str)| {
            let text = python::insertable(token)?;
            // Enter is a key, not a completion.
            let offer = Offer {
                token: token.into(),
                text: text.into(),
                kind: python::surface_kind(token),
            };
            (token != python::EOL).then_some((id, offer))
        };
        let by_id: FxHashMap<u32, Offer> = (0..).zip(tokens).filter_map(offer).collect();
        let mut sorted: Vec<(Box<str>, u32)> = by_id
            .iter()
            .map(|(&id, offer)| (offer.text.clone(), id))
            .collect();
        sorted.sort_unstable();
        let (texts, ids) = sorted.into_iter().unzip();
        Self { texts, ids, by_id }
    }

    /// The `most` likeliest candidates under `probabilities` that start with `prefix`, given what stands `right` of the
    /// cursor. Their probabilities are shares of everything that would have fitted.
    pub(super) fn rank(
        &self,
        probabilities: &[f32],
        prefix: &str,
        right: &str,
        most: usize,
    ) -> Vec<Candidate> {
        let right = Right::new(right);
        let (range, there) = (self.beginning_with(prefix), self.there(prefix, &right));
        let mut fitting: Vec<(u32, f32)> = range
            .filter(|index| !there.iter().any(|there| there.contains(index)))
            .map(|index| {
                let id = self.ids[index];
                (id, probabilities.get(id as usize).copied().unwrap_or(0.0))
            })
            .filter(|&(_, probability)| probability > 0.0)
            .collect();
        let total: f64 = fitting
            .iter()
            .map(|&(_, probability)| f64::from(probability))
            .sum();
        keep_best(&mut fitting, most);
        let candidates = fitting.into_iter().filter_map(|(id, probability)| {
            let offer = self.by_id.get(&id)?;
            let rest = offer.text.strip_prefix(prefix)?;
            let missing = rest.strip_suffix(right.word).unwrap_or(rest);
            Some(Candidate {
                text: format!("{prefix}{missing}"),
                token: offer.token.to_string(),
                kind: offer.kind,
                probability: (f64::from(probability) / total) as f32,
            })
        });
        candidates.collect()
    }

    /// The places in `texts` of what begins with `prefix`.
    fn beginning_with(&self, prefix: &str) -> Range<usize> {
        let first = self.texts.partition_point(|text| **text < *prefix);
        let count = self.texts[first..].partition_point(|text| text.starts_with(prefix));
        first..first + count
    }

    /// The places in `texts` of what would add nothing, behind `prefix`, to what stands right of the cursor: the word
    /// itself, and everything that begins with the closing bracket or quote.
    fn there(&self, prefix: &str, right: &Right) -> [Range<usize>; 2] {
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

/// What already stands right of the cursor, and so need not be inserted.
struct Right<'a> {
    /// The identifier characters that touch the cursor.
    word: &'a str,
    /// The closing bracket or quote that touches the cursor: an editor puts it there with the opening one.
    closing: Option<char>,
}

impl<'a> Right<'a> {
    fn new(text: &'a str) -> Self {
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        let word = &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())];
        Self {
            word,
            closing: text.chars().next().filter(|c| ")]}'\"".contains(*c)),
        }
    }
}

/// Sorts the `most` best to the front, best first and lower ids first among equals, and drops the others.
pub(super) fn keep_best(ranked: &mut Vec<(u32, f32)>, most: usize) {
    let better = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if most < ranked.len() {
        ranked.select_nth_unstable_by(most, better);
        ranked.truncate(most);
    }
    ranked.sort_unstable_by(better);
}
