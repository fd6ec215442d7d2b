//! Builds an [`Observation`] from a network's logits.

use super::observation::{
    Class, Keystrokes, LIST, ModelView, Observation, Shown, has_text, keys_used,
};
use crate::python;
use crate::simd::{count_above, largest, sum_of_exponentials};
use crate::tokenizer::TokenId;

/// Measured properties of a vocabulary entry.
struct Entry {
    class: Class,
    /// The text that accepting it from the completion list would insert.
    inserted: Option<Box<str>>,
}

/// Precomputed surface properties of the vocabulary.
pub struct Surfaces {
    entries: Vec<Entry>,
    /// Ids of the few entries that are not answers.
    no_answers: Vec<TokenId>,
    dot: Option<TokenId>,
    temperature: f64,
}

impl Surfaces {
    /// Builds the table from the vocabulary's tokens in id order. `temperature` divides the logits for shown probabilities.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>, temperature: f64) -> Self {
        let mut surfaces = Self {
            temperature,
            entries: Vec::new(),
            no_answers: Vec::new(),
            dot: None,
        };
        for (id, token) in (0..).map(TokenId::new).zip(tokens) {
            if token == "." {
                surfaces.dot = Some(id);
            }
            if !has_text(token) {
                surfaces.no_answers.push(id);
            }
            surfaces.entries.push(Entry {
                class: Class::of(token, ""),
                inserted: python::insertable(token)
                    .filter(|_| token != python::EOL)
                    .map(Into::into),
            });
        }
        surfaces
    }

    /// Observes one target. `logits` has one entry per vocabulary entry, up to a constant; `previous` is the id of the token
    /// before the target.
    ///
    /// An `<UNK>` target has no spelling here. It is treated as an identifier, as are 99.8 % of such tokens in the training
    /// corpus, and its keystrokes are unknown. A caller that knows the spelling should set `class`, and set as many keys as
    /// characters, since an out-of-vocabulary token must be typed in full.
    pub fn observe(&self, logits: &[f32], target: TokenId, previous: TokenId) -> Observation {
        let index = target.index();
        let entry = &self.entries[index];
        let class = match entry.class {
            Class::Identifier if Some(previous) == self.dot => Class::Attribute,
            _ if target == TokenId::UNK && Some(previous) == self.dot => Class::Attribute,
            _ if target == TokenId::UNK => Class::Identifier,
            class => class,
        };
        let highest = largest(logits);
        let sum = sum_of_exponentials(logits, highest, 1.0);
        let rank = count_above(&logits[..index], logits[index], true)
            + count_above(&logits[index + 1..], logits[index], false);
        let before = |id: &&TokenId| stands_before(logits, id.index(), index);
        let answer_rank = (!self.no_answers.contains(&target))
            .then(|| rank - self.no_answers.iter().filter(before).count());
        let first = self.first_answer(logits, highest);
        let shown = |id: usize, inverse: f64| {
            #[allow(
                clippy::float_cmp,
                reason = "exactly 1 is the usual case, in which the sum is known already"
            )]
            let sum = if inverse == 1.0 {
                sum
            } else {
                sum_of_exponentials(logits, highest, inverse as f32)
            };
            Shown {
                probability: ((inverse * f64::from(logits[id] - highest)).exp() / sum) as f32,
                right: id == index,
            }
        };
        Observation {
            class,
            model: Some(ModelView {
                log_probability: f64::from(logits[index] - highest) - sum.ln(),
                rank,
                unknown: target == TokenId::UNK,
            }),
            rank: answer_rank,
            exact: rank == 0 && target != TokenId::UNK,
            shown: first.map(|id| shown(id, 1.0 / self.temperature)),
            raw: first.map(|id| shown(id, 1.0)),
            keystrokes: self.keystrokes(logits, index, rank),
        }
    }

    /// The answer with the highest logit; the first one in a tie.
    fn first_answer(&self, logits: &[f32], highest: f32) -> Option<usize> {
        let is_answer = |id: &usize| !self.no_answers.contains(&TokenId::at(*id));
        let first = logits.iter().position(|&logit| logit >= highest);
        first.filter(is_answer).or_else(|| {
            (0..logits.len())
                .filter(is_answer)
                .reduce(|best, id| if logits[id] > logits[best] { id } else { best })
        })
    }

    fn keystrokes(&self, logits: &[f32], index: usize, rank: usize) -> Option<Keystrokes> {
        let entry = &self.entries[index];
        if entry.class == Class::LineEnd {
            return Some(Keystrokes {
                keys: 1,
                characters: 1,
            });
        }
        let text = entry.inserted.as_deref()?;
        if rank < LIST {
            // Already in the list before anything is typed.
            return Some(Keystrokes {
                keys: 1,
                characters: text.chars().count() as u64,
            });
        }
        let ahead = self.entries.iter().enumerate().filter_map(|(id, other)| {
            let text = other.inserted.as_deref()?;
            stands_before(logits, id, index).then_some(text)
        });
        Some(Keystrokes {
            keys: keys_used(text, ahead),
            characters: text.chars().count() as u64,
        })
    }
}

/// Whether `id` ranks before `index`: by higher logit, or by lower id in a tie.
fn stands_before(logits: &[f32], id: usize, index: usize) -> bool {
    logits[id] > logits[index] || (logits[id] >= logits[index] && id < index)
}
