//! Ranking: which vocabulary entries can be inserted here, and how probable each is among them.

use super::Candidate;
use crate::python::{self, Kind};

/// What can be inserted for each vocabulary entry.
#[derive(Debug)]
pub(super) struct Offers {
    /// By id; `None` for what has no text: specials, the line end, `<NUM_LIT>`.
    entries: Vec<Option<Offer>>,
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
        let offer = |token: &str| {
            let text = python::insertable(token)?;
            // Enter is a key, not a completion.
            (token != python::EOL).then(|| Offer {
                token: token.into(),
                text: text.into(),
                kind: python::surface_kind(token),
            })
        };
        Self {
            entries: tokens.map(offer).collect(),
        }
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
        let mut fitting: Vec<(u32, f32)> = (0..)
            .zip(&self.entries)
            .zip(probabilities)
            .filter_map(|((id, offer), &probability)| {
                let rest = offer.as_ref()?.text.strip_prefix(prefix)?;
                (probability > 0.0 && right.missing(rest).is_some()).then_some((id, probability))
            })
            .collect();
        let total: f64 = fitting
            .iter()
            .map(|&(_, probability)| f64::from(probability))
            .sum();
        keep_best(&mut fitting, most);
        let candidates = fitting.into_iter().filter_map(|(id, probability)| {
            let offer = self.entries[id as usize].as_ref()?;
            let missing = right.missing(offer.text.strip_prefix(prefix)?)?;
            Some(Candidate {
                text: format!("{prefix}{missing}"),
                token: offer.token.to_string(),
                kind: offer.kind,
                probability: (f64::from(probability) / total) as f32,
            })
        });
        candidates.collect()
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

    /// What of `rest`, the part of a candidate behind the cursor, is still missing; `None` if the candidate adds
    /// nothing to what stands there.
    fn missing<'b>(&self, rest: &'b str) -> Option<&'b str> {
        if self
            .closing
            .is_some_and(|closing| rest.starts_with(closing))
        {
            return None;
        }
        match rest.strip_suffix(self.word) {
            Some("") if !self.word.is_empty() => None,
            Some(missing) => Some(missing),
            None => Some(rest),
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
