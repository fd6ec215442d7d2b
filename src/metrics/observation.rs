//! One measured target: what it was, and where the answers had it.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::python::{self, Kind};

/// How many completion items a user is shown.
pub(super) const LIST: usize = 5;

/// What a target is. One outside the vocabulary is what it would be if its spelling were known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A name that is not a keyword.
    Identifier,
    /// An identifier after a dot.
    Attribute,
    /// `<EOL>`.
    LineEnd,
    /// `</s>`.
    FileEnd,
    /// One of Python's hard keywords.
    Keyword,
    /// Operator or delimiter.
    Operator,
    /// String literal.
    String,
    /// Numeric literal.
    Number,
}

impl Class {
    /// The class of a py150 surface token that follows `previous`.
    pub fn of(surface: &str, previous: &str) -> Self {
        match surface {
            python::EOL => Self::LineEnd,
            python::START | python::END => Self::FileEnd,
            _ => match python::surface_kind(surface) {
                Kind::Name if previous == "." => Self::Attribute,
                Kind::Name => Self::Identifier,
                Kind::Keyword => Self::Keyword,
                Kind::String => Self::String,
                Kind::Number => Self::Number,
                Kind::Operator | Kind::Eol => Self::Operator,
            },
        }
    }
}

/// Whether a surface token has a text of its own: the line break, and everything that can be inserted.
pub(super) fn has_text(surface: &str) -> bool {
    surface == python::EOL || python::insertable(surface).is_some()
}

/// What only the network's own distribution can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelView {
    /// ln p(target), `<UNK>`'s for a target outside the vocabulary.
    pub log_probability: f64,
    /// Vocabulary entries more probable than the target's class.
    pub rank: usize,
    /// The target is outside the vocabulary.
    pub unknown: bool,
}

/// The first answer, as shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// The probability beside it.
    pub probability: f32,
    /// Whether it is the target.
    pub right: bool,
}

/// Keys used for so many characters of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keystrokes {
    /// Characters typed, plus one for each accepted completion.
    pub keys: u64,
    /// Characters of the text.
    pub characters: u64,
}

impl Keystrokes {
    /// 1 − keys / characters.
    pub fn saved(&self) -> Option<f64> {
        super::ratio(self.keys as f64, self.characters).map(|used| 1.0 - used)
    }
}

impl AddAssign<&Self> for Keystrokes {
    fn add_assign(&mut self, other: &Self) {
        self.keys += other.keys;
        self.characters += other.characters;
    }
}

/// The keys that `text` costs when every candidate of `ahead` (their texts) stands before it in the list: after `n`
/// typed characters those that start with them remain, and once fewer than five are left, accepting costs one key.
/// Never more than typing it out.
pub fn keys_used<'a>(text: &str, ahead: impl Iterator<Item = &'a str>) -> u64 {
    let length = text.chars().count();
    // sharing[n]: candidates ahead that agree with the text in exactly n characters (the last: in all of them).
    let mut sharing = vec![0usize; length + 1];
    for other in ahead {
        sharing[text
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .count()] += 1;
    }
    let mut remaining: usize = sharing.iter().sum();
    for (typed, gone) in sharing[..length].iter().enumerate() {
        if remaining < LIST {
            return typed as u64 + 1;
        }
        remaining -= gone;
    }
    length as u64
}

/// One target and what was answered in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// What the target is.
    pub class: Class,
    /// Absent where only answers are known.
    pub model: Option<ModelView>,
    /// The target's place among the answers, 0 the first; `None` if it has no text or is not among them.
    pub rank: Option<usize>,
    /// The most probable vocabulary entry is the target itself (and so not `<UNK>`).
    pub exact: bool,
    /// The first answer; `None` if there was none.
    pub shown: Option<Shown>,
    /// The same before any temperature; absent where only answers are known.
    pub raw: Option<Shown>,
    /// Absent where nobody typed, or the target's text is not known.
    pub keystrokes: Option<Keystrokes>,
}

impl Observation {
    /// From a server's answers: surface tokens with their probabilities, most probable first, `<UNK>` and all (ask
    /// for 15, since up to five of them are no answers). `previous` is the token before the target.
    pub fn from_answers(
        target: &str,
        previous: &str,
        answers: &[(&str, f32)],
        keystrokes: Option<Keystrokes>,
    ) -> Self {
        let first = answers.first().map(|&(token, _)| token);
        let mut shown = None;
        let mut rank = None;
        for (place, &(token, probability)) in answers
            .iter()
            .filter(|(token, _)| has_text(token))
            .enumerate()
        {
            let right = token == target;
            shown.get_or_insert(Shown { probability, right });
            if right {
                rank = Some(place);
                break;
            }
        }
        let exact = first == Some(target);
        Self {
            class: Class::of(target, previous),
            model: None,
            rank,
            exact,
            shown,
            raw: None,
            keystrokes,
        }
    }
}
