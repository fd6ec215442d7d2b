//! Ranking: which vocabulary entries can be inserted here, and how probable each is among them.

use super::Candidate;
use crate::python::{self, Kind};

/// What can be inserted for each vocabulary entry.
#[derive(Debug)]
pub(super) struct Offers {
    /// In the order of their texts: what begins with the same letters stands together. Without what has no text:
    /// specials, the line end, `<NUM_LIT>`.
    sorted: Vec<Offer>,
}

#[derive(Debug)]
struct Offer {
    id: u32,
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
            (token != python::EOL).then(|| Offer {
                id,
                token: token.into(),
                text: text.into(),
                kind: python::surface_kind(token),
            })
        };
        let mut sorted: Vec<Offer> = (0..).zip(tokens).filter_map(offer).collect();
        sorted.sort_by(|a, b| a.text.cmp(&b.text));
        Self { sorted }
    }

    /// Those whose text begins with `prefix`.
    fn beginning_with(&self, prefix: &str) -> &[Offer] {
        let first = self.sorted.partition_point(|offer| *offer.text < *prefix);
        let count = self.sorted[first..].partition_point(|offer| offer.text.starts_with(prefix));
        &self.sorted[first..first + count]
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
        let offers = self.beginning_with(prefix);
        let mut fitting: Vec<(&Offer, f32)> = offers
            .iter()
            .filter_map(|offer| {
                let probability = *probabilities.get(offer.id as usize)?;
                let fits =
                    probability > 0.0 && right.missing(&offer.text[prefix.len()..]).is_some();
                fits.then_some((offer, probability))
            })
            .collect();
        let total: f64 = fitting
            .iter()
            .map(|&(_, probability)| f64::from(probability))
            .sum();
        keep_best(&mut fitting, most, |offer| offer.id);
        let candidates = fitting.into_iter().filter_map(|(offer, probability)| {
            let missing = right.missing(&offer.text[prefix.len()..])?;
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
pub(super) fn keep_best<T>(ranked: &mut Vec<(T, f32)>, most: usize, id: impl Fn(&T) -> u32) {
    let better =
        |a: &(T, f32), b: &(T, f32)| b.1.total_cmp(&a.1).then_with(|| id(&a.0).cmp(&id(&b.0)));
    if most < ranked.len() {
        ranked.select_nth_unstable_by(most, &better);
        ranked.truncate(most);
    }
    ranked.sort_unstable_by(better);
}
