//! The tokens of a buffer up to the cursor, with an index of where each context has occurred before.
//!
//! Counts of n-grams are never stored: every position is linked to the previous one where the same last tokens ended, so that
//! what followed a context, and how long ago, is read off a chain, and truncating the buffer undoes exactly what pushing
//! tokens did. Knows the project that the buffer is in only to link the names that both have.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ids::{BufferWord, Position, ProjectName, TokenId};
use super::ngram::MAX_NGRAM_ORDER;
use super::project::ProjectContext;
use crate::symbols::{BufferSymbols, Item, NO_COLUMN, Name, Numbering, Role};

/// Distinct tokens from which on [`BufferTokens::compact`] does anything.
const COMPACT_ABOVE: usize = 2048;
/// No such position or word.
const NONE: u32 = u32::MAX;

/// The tokens before a cursor.
#[derive(Clone, Debug, Default)]
pub struct BufferTokens {
    lexemes: Vec<Lexeme>,
    /// How many of the lexemes occur.
    live_count: usize,
    by_id: FxHashMap<TokenId, BufferWord>,
    by_text: FxHashMap<Box<str>, BufferWord>,
    /// By position.
    tokens: Vec<BufferWord>,
    /// By position, for contexts of 1 to [`MAX_NGRAM_ORDER`] tokens: the previous position where the same context ended, or [`NONE`].
    previous: Vec<[u32; MAX_NGRAM_ORDER]>,
    /// By the hash of a context, the last position where it ended.
    last: FxHashMap<u64, u32>,
    /// The project that the buffer is in, an empty one if it is in none.
    project: Arc<ProjectContext>,
    /// By name of the project, the word of the buffer that is the same, or [`NONE`].
    word_of_name: Vec<u32>,
    /// What its tokens declare.
    symbols: BufferSymbols,
}

/// A distinct token of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// In the vocabulary; [`TokenId::UNK`] outside it.
    pub id: TokenId,
    /// The spelling of an out-of-vocabulary token; empty for others.
    pub text: Box<str>,
    /// A name that is not a keyword.
    pub is_name: bool,
    /// How often it occurs in the buffer.
    pub count: u32,
    /// What it is to declarations.
    role: Role,
    /// The same name in the project.
    project_name: Option<ProjectName>,
}

impl Lexeme {
    /// Whether it may come next: a name that occurs in the buffer or in the project.
    pub fn is_candidate(&self) -> bool {
        self.is_name && (self.count > 0 || self.project_name.is_some())
    }
}

impl BufferTokens {
    /// Without tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The distinct tokens, by [`BufferWord`]. Some may not occur any more: their count is 0.
    pub fn lexemes(&self) -> &[Lexeme] {
        &self.lexemes
    }

    /// A distinct token.
    pub fn lexeme(&self, word: BufferWord) -> &Lexeme {
        &self.lexemes[word.index()]
    }

    /// The word that is a vocabulary entry, if it has occurred in the buffer.
    pub fn word(&self, id: TokenId) -> Option<BufferWord> {
        self.by_id.get(&id).copied()
    }

    /// The out-of-vocabulary word that is spelled so.
    pub fn word_spelled(&self, text: &str) -> Option<BufferWord> {
        self.by_text.get(text).copied()
    }

    /// The word at a position.
    pub fn word_at(&self, position: Position) -> BufferWord {
        self.tokens[position.index()]
    }

    /// Memory, in bytes, with the project's.
    pub fn bytes(&self) -> usize {
        let lexemes = self.lexemes.iter();
        let texts: usize = lexemes
            .map(|l| size_of::<Lexeme>() + 2 * l.text.len())
            .sum();
        let maps =
            self.by_id.capacity() * 9 + self.by_text.capacity() * 25 + self.last.capacity() * 17;
        let tokens = self.tokens.len() * (4 + 4 * MAX_NGRAM_ORDER);
        let names = 4 * self.word_of_name.len();
        texts + maps + tokens + names + self.symbols.bytes() + self.project.bytes()
    }

    /// The project that the buffer is in; an empty one if it is in none.
    pub fn project(&self) -> &Arc<ProjectContext> {
        &self.project
    }

    /// Puts the buffer into a project.
    pub fn set_project(&mut self, project: Arc<ProjectContext>) {
        self.word_of_name = vec![NONE; project.names().len()];
        self.project = project;
        for word in 0..self.lexemes.len() {
            self.link_project_name(BufferWord::at(word));
        }
    }

    /// What its tokens declare.
    pub(crate) fn symbols(&self) -> &BufferSymbols {
        &self.symbols
    }

    /// The column of a token that is the first of its line; `None` if it is not, or if its indentation is unknown.
    pub(crate) fn column(&self, position: Position) -> Option<u16> {
        let column = self.symbols.item(position.index()).column;
        (column != NO_COLUMN).then_some(column)
    }

    /// What a word is to declarations.
    pub(super) fn role(&self, word: BufferWord) -> Role {
        let lexeme = self.lexemes.get(word.index());
        lexeme.map_or(Role::Other, |lexeme| lexeme.role)
    }

    /// The word that a name of the project is in the buffer.
    pub fn word_of_name(&self, name: ProjectName) -> Option<BufferWord> {
        let word = self.word_of_name.get(name.index()).copied();
        word.filter(|&word| word != NONE).map(BufferWord::new)
    }

    /// The name that a word is in the project.
    pub fn name_of_word(&self, word: BufferWord) -> Option<ProjectName> {
        self.lexeme(word).project_name
    }

    fn link_project_name(&mut self, word: BufferWord) {
        let lexeme = &mut self.lexemes[word.index()];
        let is_unknown = lexeme.id == TokenId::UNK;
        let name = is_unknown
            .then(|| self.project.name(&lexeme.text))
            .flatten();
        lexeme.project_name = name;
        if let Some(name) = name {
            self.word_of_name[name.index()] = word.get();
        }
    }

    /// Appends a token: its id, its spelling, and the column where its line begins, if it is the first of one and that is known.
    pub fn push(&mut self, id: TokenId, text: &str, is_name: bool, column: Option<u16>) {
        let word = self.intern(id, text, is_name);
        self.append(word, column.unwrap_or(NO_COLUMN));
    }

    fn append(&mut self, word: BufferWord, column: u16) {
        let Lexeme { id, role, .. } = self.lexemes[word.index()];
        let number = match id {
            TokenId::UNK => Numbering::Buffer(word.get()),
            id => Numbering::Vocabulary(id.get()),
        };
        self.symbols.push(Item {
            name: Name::new(number),
            column,
            role,
        });
        let count = &mut self.lexemes[word.index()].count;
        *count += 1;
        self.live_count += usize::from(*count == 1);
        let position = self.tokens.len() as u32;
        self.tokens.push(word);
        let mut previous = [NONE; MAX_NGRAM_ORDER];
        for (previous, key) in previous.iter_mut().zip(self.contexts(self.tokens.len())) {
            *previous = self.last.insert(key, position).unwrap_or(NONE);
        }
        self.previous.push(previous);
    }

    /// Removes all but the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        self.symbols.truncate(len);
        while self.tokens.len() > len {
            let previous = self.previous.pop().unwrap_or([NONE; MAX_NGRAM_ORDER]);
            for (previous, key) in previous.into_iter().zip(self.contexts(self.tokens.len())) {
                if previous == NONE {
                    self.last.remove(&key);
                } else {
                    self.last.insert(key, previous);
                }
            }
            if let Some(word) = self.tokens.pop() {
                let count = &mut self.lexemes[word.index()].count;
                *count -= 1;
                self.live_count -= usize::from(*count == 0);
            }
        }
    }

    /// Whether the token at a position has this id and, if that is [`TokenId::UNK`], this spelling.
    pub fn is_at(&self, position: Position, id: TokenId, text: &str) -> bool {
        let lexeme = self.lexeme(self.word_at(position));
        lexeme.id == id && (id != TokenId::UNK || *lexeme.text == *text)
    }

    /// Numbers the words anew if most of them occur no more, as happens while names are being typed; whether it did.
    pub fn compact(&mut self) -> bool {
        let lexemes = self.lexemes.len();
        let is_crowded = lexemes >= COMPACT_ABOVE && self.live_count < lexemes / 2;
        if is_crowded {
            let old = std::mem::take(self);
            self.set_project(old.project);
            for (&word, item) in old.tokens.iter().zip(old.symbols.items()) {
                let lexeme = &old.lexemes[word.index()];
                let word = self.intern_as(lexeme.id, &lexeme.text, lexeme.is_name, lexeme.role);
                self.append(word, item.column);
            }
        }
        is_crowded
    }

    /// The positions before the last one where the last `order` tokens ended too, the latest first.
    pub(crate) fn previous_matches(&self, order: usize) -> impl Iterator<Item = Position> {
        let last = self.tokens.len().checked_sub(1).map(Position::at);
        let first = last.and_then(|last| self.previous_end(last, order));
        std::iter::successors(first, move |&position| self.previous_end(position, order))
    }

    /// The previous position where the `order` tokens up to this one ended.
    fn previous_end(&self, position: Position, order: usize) -> Option<Position> {
        let previous = self.previous[position.index()][order - 1];
        (previous != NONE).then_some(Position::new(previous))
    }

    /// How many tokens up to `position` are the same as the last ones of the buffer, at most `max`.
    pub(crate) fn match_length(&self, position: Position, max: usize) -> usize {
        let earlier = self.tokens[..=position.index()].iter().rev();
        let last = self.tokens.iter().rev();
        let pairs = earlier.zip(last).take(max);
        pairs.take_while(|(a, b)| a == b).count()
    }

    /// The last position of a word.
    pub fn last_position(&self, word: BufferWord) -> Option<Position> {
        let key = extended(EMPTY, word.get());
        self.last.get(&key).copied().map(Position::new)
    }

    /// The hashes of the contexts of 1, 2 … tokens that end with the first `len`.
    fn contexts(&self, len: usize) -> [u64; MAX_NGRAM_ORDER] {
        let mut key = EMPTY;
        std::array::from_fn(|order| {
            // Before the start there is something that is nowhere else.
            let word = len
                .checked_sub(order + 1)
                .map_or(NONE, |at| self.tokens[at].get());
            key = extended(key, word);
            key
        })
    }

    fn intern(&mut self, id: TokenId, text: &str, is_name: bool) -> BufferWord {
        let known = self.known(id, text);
        known.unwrap_or_else(|| self.intern_as(id, text, is_name, Role::of(text)))
    }

    fn known(&self, id: TokenId, text: &str) -> Option<BufferWord> {
        if id == TokenId::UNK {
            self.word_spelled(text)
        } else {
            self.word(id)
        }
    }

    fn intern_as(&mut self, id: TokenId, text: &str, is_name: bool, role: Role) -> BufferWord {
        if let Some(word) = self.known(id, text) {
            return word;
        }
        let word = BufferWord::at(self.lexemes.len());
        let is_unknown = id == TokenId::UNK;
        let text: Box<str> = if is_unknown { text.into() } else { "".into() };
        if is_unknown {
            self.by_text.insert(text.clone(), word);
        } else {
            self.by_id.insert(id, word);
        }
        self.lexemes.push(Lexeme {
            id,
            text,
            is_name,
            count: 0,
            role,
            project_name: None,
        });
        self.link_project_name(word);
        word
    }
}

/// The hash of the empty context.
const EMPTY: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a context that is one token longer, to the left. A multiplication and a shift mix well enough: of a
/// million contexts two collide about once in ten million buffers.
fn extended(key: u64, word: u32) -> u64 {
    let mixed = (key ^ u64::from(word)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn buffer(tokens: &[u32]) -> BufferTokens {
        let mut buffer = BufferTokens::new();
        for &token in tokens {
            push(&mut buffer, token);
        }
        buffer
    }

    fn id(token: u32) -> TokenId {
        match token {
            ..5 => TokenId::new(token + 2),
            _ => TokenId::UNK,
        }
    }

    fn push(buffer: &mut BufferTokens, token: u32) {
        buffer.push(id(token), &format!("name{token}"), true, None);
    }

    proptest! {
        #[test]
        fn chains_are_the_previous_matches(tokens in prop::collection::vec(0..8u32, 1..60)) {
            let buffer = buffer(&tokens);
            for order in 1..=MAX_NGRAM_ORDER {
                // A context that is longer than the text has not occurred before.
                let end = tokens.len();
                let same = |&at: &usize| at + 1 >= order && end >= order && tokens[at + 1 - order..=at] == tokens[end - order..];
                let expected: Vec<usize> = (0..end - 1).rev().filter(same).collect();
                prop_assert_eq!(buffer.previous_matches(order).map(Position::index).collect::<Vec<_>>(), expected);
            }
            for token in 0..8 {
                let word = if token < 5 { buffer.word(id(token)) } else { buffer.word_spelled(&format!("name{token}")) };
                let positions: Vec<usize> = (0..tokens.len()).rev().filter(|&at| tokens[at] == token).collect();
                prop_assert_eq!(word.map_or(0, |word| buffer.lexeme(word).count as usize), positions.len());
                prop_assert_eq!(word.and_then(|word| buffer.last_position(word)).map(Position::index), positions.first().copied());
            }
        }

        #[test]
        fn truncating_undoes_pushing(tokens in prop::collection::vec(0..8u32, 0..40), cut in 0..40usize, more in prop::collection::vec(0..12u32, 0..40)) {
            let cut = cut.min(tokens.len());
            let mut edited = buffer(&tokens);
            edited.truncate(cut);
            more.iter().for_each(|&token| push(&mut edited, token));
            let fresh = buffer(&[&tokens[..cut], &more[..]].concat());
            prop_assert_eq!(edited.len(), fresh.len());
            for order in 1..=MAX_NGRAM_ORDER {
                prop_assert_eq!(edited.previous_matches(order).collect::<Vec<_>>(), fresh.previous_matches(order).collect::<Vec<_>>());
            }
            let counts = |buffer: &BufferTokens| {
                let mut counts: Vec<Lexeme> = buffer.lexemes.iter().filter(|lexeme| lexeme.count > 0).cloned().collect();
                counts.sort_by(|a, b| (a.id, &a.text).cmp(&(b.id, &b.text)));
                counts
            };
            prop_assert_eq!(counts(&edited), counts(&fresh));
        }
    }
}
