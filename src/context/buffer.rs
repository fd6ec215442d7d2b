//! The tokens of one document, and where each context has occurred before.
//!
//! Counts of contexts are never stored: every position is linked to the one before it where the same last tokens stood, so that
//! what followed a context, and how long ago, is read off a chain, and taking tokens back at the end undoes exactly what
//! adding them did.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::project::ProjectContext;
use crate::symbols::{BufferSymbols, Item, NO_COLUMN, Name, Numbering, Role};
use crate::tokenizer::UNK;

/// The longest context that occurrences are linked by, in tokens.
pub const ORDERS: usize = 5;
/// Words that are too few to be tidied.
const CROWDED: usize = 2048;
/// No such position.
const NONE: u32 = u32::MAX;

/// The tokens before a cursor.
#[derive(Clone, Debug, Default)]
pub struct BufferTokens {
    words: Vec<Word>,
    /// How many of the words have not been taken back.
    standing: usize,
    by_id: FxHashMap<u32, u32>,
    by_text: FxHashMap<Box<str>, u32>,
    /// The word at each position.
    tokens: Vec<u32>,
    /// By position, for contexts of 1 to [`ORDERS`] tokens: the position before it where the same context ended.
    previous: Vec<[u32; ORDERS]>,
    /// The last position where a context ended, by its hash.
    last: FxHashMap<u64, u32>,
    /// Files of its project, if it has any.
    surroundings: Option<Arc<ProjectContext>>,
    /// The word that a name of the surroundings is here.
    here: Vec<u32>,
    /// What its tokens declare.
    symbols: BufferSymbols,
}

/// A distinct token of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In the vocabulary; [`UNK`] outside it.
    pub id: u32,
    /// How it is spelled, if that is not the vocabulary's to say.
    pub text: Box<str>,
    /// A name that is not a keyword.
    pub is_name: bool,
    /// How often it stands in the document.
    pub count: u32,
    /// What it is to declarations.
    role: Role,
    /// Its number among the names of the surroundings.
    around: u32,
}

impl Word {
    /// Whether it may stand here: a name that stands in the document or around it.
    pub fn is_offered(&self) -> bool {
        self.is_name && (self.count > 0 || self.around != NONE)
    }
}

impl BufferTokens {
    /// Without tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The distinct tokens, by number. Some may have been taken back: their count is 0.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The number of a vocabulary entry that has stood in the document.
    pub fn word(&self, id: u32) -> Option<usize> {
        self.by_id.get(&id).map(|&word| word as usize)
    }

    /// The word at a position.
    pub(crate) fn at(&self, position: usize) -> usize {
        self.tokens[position] as usize
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        let words = self.words.iter();
        let texts: usize = words.map(|w| size_of::<Word>() + 2 * w.text.len()).sum();
        let maps =
            self.by_id.capacity() * 9 + self.by_text.capacity() * 25 + self.last.capacity() * 17;
        let around = self.surroundings.as_ref().map_or(0, |s| s.bytes());
        let chains = self.tokens.len() * (4 + 4 * ORDERS) + 4 * self.here.len();
        texts + maps + chains + self.symbols.bytes() + around
    }

    /// Puts the document into other surroundings, or into none.
    pub fn surround(&mut self, surroundings: Option<Arc<ProjectContext>>) {
        let names = surroundings.as_ref().map_or(0, |s| s.names().len());
        self.surroundings = surroundings;
        self.here = vec![NONE; names];
        for word in 0..self.words.len() {
            self.find_around(word);
        }
    }

    /// What its tokens declare.
    pub fn symbols(&self) -> &BufferSymbols {
        &self.symbols
    }

    /// The column of a token that is the first of its line; `None` if it is not, or if its indentation is unknown.
    pub(crate) fn column(&self, position: usize) -> Option<u16> {
        let column = self.symbols.item(position).column;
        (column != NO_COLUMN).then_some(column)
    }

    /// What it stands in.
    pub fn surroundings(&self) -> Option<&Arc<ProjectContext>> {
        self.surroundings.as_ref()
    }

    /// The token at a position: an id of the vocabulary, which has this size, or that plus the number of a word outside it.
    pub(crate) fn token(&self, position: usize, vocabulary_size: usize) -> u32 {
        let word = self.tokens[position];
        match self.words[word as usize].id {
            UNK => vocabulary_size as u32 + word,
            id => id,
        }
    }

    /// What a word is to declarations.
    pub(super) fn role(&self, word: usize) -> Role {
        self.words.get(word).map_or(Role::Other, |word| word.role)
    }

    /// The number of a word among the names of the surroundings.
    pub(super) fn name_around(&self, word: usize) -> Option<u32> {
        let around = self.words.get(word)?.around;
        (around != NONE).then_some(around)
    }

    /// What a token of the document is in the surroundings.
    pub(crate) fn around(&self, token: u32, vocabulary_size: usize) -> Option<u32> {
        let Some(word) = (token as usize).checked_sub(vocabulary_size) else {
            return Some(token);
        };
        let around = self.words[word].around;
        (around != NONE).then(|| vocabulary_size as u32 + around)
    }

    /// The [candidate](super::Prediction) that a token of the surroundings is.
    pub(crate) fn candidate_of(&self, token: u32, vocabulary_size: usize) -> usize {
        match (token as usize).checked_sub(vocabulary_size) {
            None => token as usize,
            Some(name) => {
                let beyond = self.here(name).unwrap_or(self.words.len() + name);
                vocabulary_size + beyond
            }
        }
    }

    /// The word that a name of the surroundings is here.
    pub fn here(&self, name: usize) -> Option<usize> {
        let word = self.here.get(name).filter(|&&word| word != NONE);
        word.map(|&word| word as usize)
    }

    /// The number of a token among all [candidates](super::Prediction), if it is one: its id and, if that is [`UNK`], how
    /// it is spelled.
    pub fn candidate(&self, vocabulary_size: usize, id: u32, text: &str) -> Option<usize> {
        if id != UNK {
            return Some(id as usize);
        }
        let around = || Some(self.words.len() + self.surroundings.as_ref()?.name(text)?);
        let word = self.by_text.get(text).map(|&word| word as usize);
        word.or_else(around).map(|beyond| vocabulary_size + beyond)
    }

    fn find_around(&mut self, word: usize) {
        let Word {
            id, text, around, ..
        } = &mut self.words[word];
        let surroundings = self.surroundings.as_ref().filter(|_| *id == UNK);
        let name = surroundings.and_then(|s| s.name(text));
        *around = name.map_or(NONE, |name| name as u32);
        if let Some(name) = name {
            self.here[name] = word as u32;
        }
    }

    /// Appends a token: its id, how it is spelled, and the column where its line begins, if it is the first of one and
    /// that is known.
    pub fn push(&mut self, id: u32, text: &str, is_name: bool, column: Option<u16>) {
        let word = self.intern(id, text, is_name);
        self.append(word, column.unwrap_or(NO_COLUMN));
    }

    fn append(&mut self, word: u32, column: u16) {
        let Word { id, role, .. } = self.words[word as usize];
        let number = match id {
            UNK => Numbering::Buffer(word),
            id => Numbering::Vocabulary(id),
        };
        self.symbols.push(Item {
            name: Name::new(number),
            column,
            role,
        });
        let count = &mut self.words[word as usize].count;
        *count += 1;
        self.standing += usize::from(*count == 1);
        let position = self.tokens.len() as u32;
        self.tokens.push(word);
        let mut previous = [NONE; ORDERS];
        for (previous, key) in previous.iter_mut().zip(self.contexts(self.tokens.len())) {
            *previous = self.last.insert(key, position).unwrap_or(NONE);
        }
        self.previous.push(previous);
    }

    /// Takes back all but the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        self.symbols.truncate(len);
        while self.tokens.len() > len {
            let previous = self.previous.pop().unwrap_or([NONE; ORDERS]);
            for (previous, key) in previous.into_iter().zip(self.contexts(self.tokens.len())) {
                if previous == NONE {
                    self.last.remove(&key);
                } else {
                    self.last.insert(key, previous);
                }
            }
            if let Some(word) = self.tokens.pop() {
                let count = &mut self.words[word as usize].count;
                *count -= 1;
                self.standing -= usize::from(*count == 0);
            }
        }
    }

    /// How the token at a position is spelled, if that is not the vocabulary's to say.
    pub fn spelling(&self, position: usize) -> &str {
        &self.words[self.tokens[position] as usize].text
    }

    /// Whether the token at a position is this one.
    pub fn spells(&self, position: usize, id: u32, text: &str) -> bool {
        let word = &self.words[self.tokens[position] as usize];
        word.id == id && (id != UNK || *word.text == *text)
    }

    /// Numbers the words anew if most of them have been taken back, as what was misspelled for a moment is; whether it
    /// did.
    pub fn tidy(&mut self) -> bool {
        let is_crowded = self.words.len() >= CROWDED && self.standing < self.words.len() / 2;
        if is_crowded {
            let old = std::mem::take(self);
            self.surround(old.surroundings);
            for (&word, item) in old.tokens.iter().zip(old.symbols.items()) {
                let word = &old.words[word as usize];
                let number = self.intern_as(word.id, &word.text, word.is_name, word.role);
                self.append(number, item.column);
            }
        }
        is_crowded
    }

    /// The positions before the last one where its last `order` tokens stood too, the latest first.
    pub(crate) fn occurrences(&self, order: usize) -> impl Iterator<Item = usize> {
        let before = move |position: usize| {
            let previous = self.previous[position][order - 1];
            (previous != NONE).then_some(previous as usize)
        };
        let last = self.tokens.len().checked_sub(1);
        std::iter::successors(last.and_then(before), move |&position| before(position))
    }

    /// How many tokens up to `position` agree with the last ones of the document, at most `most`.
    pub(crate) fn agreement(&self, position: usize, most: usize) -> usize {
        let here = self.tokens[..=position].iter().rev();
        let end = self.tokens.iter().rev();
        here.zip(end).take(most).take_while(|(a, b)| a == b).count()
    }

    /// The position where a word stands last.
    pub fn last_position(&self, word: usize) -> Option<usize> {
        let key = extended(EMPTY, word as u32);
        self.last.get(&key).map(|&position| position as usize)
    }

    /// The hashes of the contexts of 1, 2 … tokens that end with the first `len`.
    fn contexts(&self, len: usize) -> [u64; ORDERS] {
        let mut key = EMPTY;
        std::array::from_fn(|order| {
            // Before the beginning stands something that stands nowhere else.
            let word = len
                .checked_sub(order + 1)
                .map_or(NONE, |at| self.tokens[at]);
            key = extended(key, word);
            key
        })
    }

    fn intern(&mut self, id: u32, text: &str, is_name: bool) -> u32 {
        let known = self.known(id, text);
        known.unwrap_or_else(|| self.intern_as(id, text, is_name, Role::of(text)))
    }

    fn known(&self, id: u32, text: &str) -> Option<u32> {
        let known = if id == UNK {
            self.by_text.get(text)
        } else {
            self.by_id.get(&id)
        };
        known.copied()
    }

    fn intern_as(&mut self, id: u32, text: &str, is_name: bool, role: Role) -> u32 {
        if let Some(word) = self.known(id, text) {
            return word;
        }
        let word = self.words.len() as u32;
        let text: Box<str> = if id == UNK { text.into() } else { "".into() };
        if id == UNK {
            self.by_text.insert(text.clone(), word);
        } else {
            self.by_id.insert(id, word);
        }
        self.words.push(Word {
            id,
            text,
            is_name,
            count: 0,
            role,
            around: NONE,
        });
        self.find_around(word as usize);
        word
    }
}

/// The hash of a context of no tokens.
const EMPTY: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a context that is one token longer, to the left. A multiplication and a shift mix well enough: of a
/// million contexts two collide about once in ten million documents.
fn extended(key: u64, word: u32) -> u64 {
    let mixed = (key ^ u64::from(word)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(tokens: &[u32]) -> BufferTokens {
        let mut document = BufferTokens::new();
        for &token in tokens {
            push(&mut document, token);
        }
        document
    }

    fn push(document: &mut BufferTokens, token: u32) {
        let id = if token < 5 { token + 2 } else { UNK };
        document.push(id, &format!("name{token}"), true, None);
    }

    proptest! {
        #[test]
        fn chains_are_the_occurrences(tokens in prop::collection::vec(0..8u32, 1..60)) {
            let document = document(&tokens);
            for order in 1..=ORDERS {
                // What is shorter than the context has occurred once only.
                let end = tokens.len();
                let same = |&at: &usize| at + 1 >= order && end >= order && tokens[at + 1 - order..=at] == tokens[end - order..];
                let expected: Vec<usize> = (0..end - 1).rev().filter(same).collect();
                prop_assert_eq!(document.occurrences(order).collect::<Vec<_>>(), expected);
            }
            for token in 0..8 {
                let word = document.words.iter().position(|word| if token < 5 { word.id == token + 2 } else { *word.text == *format!("name{token}") });
                let last = tokens.iter().rposition(|&t| t == token);
                prop_assert_eq!(word.and_then(|word| document.last_position(word)), last);
                prop_assert_eq!(word.map_or(0, |word| document.words[word].count as usize), tokens.iter().filter(|&&t| t == token).count());
            }
        }

        #[test]
        fn taking_back_undoes_adding(tokens in prop::collection::vec(0..8u32, 0..40), cut in 0..40usize, more in prop::collection::vec(0..12u32, 0..40)) {
            let cut = cut.min(tokens.len());
            let mut edited = document(&tokens);
            edited.truncate(cut);
            more.iter().for_each(|&token| push(&mut edited, token));
            let fresh = document(&[&tokens[..cut], &more[..]].concat());
            prop_assert_eq!(edited.len(), fresh.len());
            for order in 1..=ORDERS {
                prop_assert_eq!(edited.occurrences(order).collect::<Vec<_>>(), fresh.occurrences(order).collect::<Vec<_>>());
            }
            let counts = |document: &BufferTokens| {
                let mut counts: Vec<Word> = document.words.iter().filter(|word| word.count > 0).cloned().collect();
                counts.sort_by(|a, b| (a.id, &a.text).cmp(&(b.id, &b.text)));
                counts
            };
            prop_assert_eq!(counts(&edited), counts(&fresh));
        }
    }
}
