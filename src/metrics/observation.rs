//! One measured target: its class, and its rank among the answers.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::python::{self, Kind};

/// Number of completion items shown to the user.
pub(super) const LIST: usize = 5;

/// The class of a target. An out-of-vocabulary target has the class of its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A name that is not a keyword.
    Identifier,
    /// An identifier after a dot.
    Attribute,
    /// The line end, `<EOL>`.
    LineEnd,
    /// The file end, `</s>`.
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
    /// The class of a py150 surface token after the token `previous`.
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

/// Whether a surface token has a text of its own: a line break, or anything that can be inserted.
pub(super) fn has_text(surface: &str) -> bool {
    surface == python::EOL || python::insertable(surface).is_some()
}

/// Measurements that need the network's full distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelView {
    /// ln p(target), or ln p(`<UNK>`) for an out-of-vocabulary target.
    pub log_probability: f64,
    /// Number of vocabulary entries more probable than the target's class.
    pub rank: usize,
    /// Whether the target is out-of-vocabulary.
    pub unknown: bool,
}

/// The first answer, as shown to the user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// The probability shown with it.
    pub probability: f32,
    /// Whether it equals the target.
    pub right: bool,
}

/// Keystrokes used to enter a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keystrokes {
    /// Characters typed, plus one per accepted completion.
    pub keys: u64,
    /// Characters of the text.
    pub characters: u64,
}

impl Keystrokes {
    /// 1 − keys / characters; `None` if there are no characters.
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

/// Keystrokes needed for `text` if the list contains the texts `ahead` before it. After n typed characters, the candidates
/// that start with them remain. Once fewer than five of them are ahead, accepting costs one key. The result never exceeds
/// typing the whole text.
pub fn keys_used<'a>(text: &str, ahead: impl Iterator<Item = &'a str>) -> u64 {
    let length = text.chars().count();
    // sharing[n]: number of candidates ahead that share exactly n characters with the text (last entry: all of them).
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

/// One target and the answers in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The target's class.
    pub class: Class,
    /// `None` if only the answers are known.
    pub model: Option<ModelView>,
    /// Rank of the target among the answers, from 0; `None` if it has no text or is not among them.
    pub rank: Option<usize>,
    /// Whether the most probable vocabulary entry is the target itself (and so not `<UNK>`).
    pub exact: bool,
    /// The first answer; `None` if there was none.
    pub shown: Option<Shown>,
    /// The first answer before temperature scaling; `None` if only the answers are known.
    pub raw: Option<Shown>,
    /// `None` if nothing was typed or the target's text is unknown.
    pub keystrokes: Option<Keystrokes>,
}

impl Observation {
    /// Builds an observation from a server's answers: surface tokens with probabilities, most probable first, including
    /// `<UNK>`. Request 15 of them, since up to five are not answers. `previous` is the token before the target.
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
