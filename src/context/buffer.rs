//! The tokens before the cursor, indexed by n-gram.
//!
//! N-gram counts are not stored. Each position links to the previous position where the same last tokens ended, so the
//! continuations of a context and their ages come from walking a chain, and truncation exactly undoes pushes. The buffer
//! knows its project only to link names that both contain.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ids::{BufferWord, Position, ProjectName};
use super::ngram::MAX_NGRAM_ORDER;
use super::project::ProjectContext;
use crate::symbols::{BufferSymbols, NO_COLUMN, Name, NumberedToken, Numbering, TokenKind};
use crate::tokenizer::TokenId;

/// Number of distinct tokens above which [`BufferTokens::compact`] does anything.
const COMPACT_ABOVE: usize = 2048;
/// No position or word.
const NONE: u32 = u32::MAX;

/// The tokens before the cursor.
#[derive(Clone, Debug, Default)]
pub struct BufferTokens {
    lexemes: Vec<Lexeme>,
    /// Number of lexemes that still occur.
    live_count: usize,
    by_id: FxHashMap<TokenId, BufferWord>,
    by_text: FxHashMap<Box<str>, BufferWord>,
    /// Words by position.
    tokens: Vec<BufferWord>,
    /// By position, for contexts of 1 to [`MAX_NGRAM_ORDER`] tokens: the previous position where the same context ended, or
    /// [`NONE`].
    previous: Vec<[u32; MAX_NGRAM_ORDER]>,
    /// The last position where a context ended, by the hash of the context.
    last: FxHashMap<u64, u32>,
    /// The buffer's project; empty if it has none.
    project: Arc<ProjectContext>,
    /// The buffer's word for each project name, or [`NONE`].
    word_of_name: Vec<u32>,
    /// Declarations of the tokens.
    symbols: BufferSymbols,
}

/// A distinct token of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// Vocabulary id; [`TokenId::UNK`] for an out-of-vocabulary token.
    pub id: TokenId,
    /// The spelling of an out-of-vocabulary token; empty for others.
    pub text: Box<str>,
    /// Whether it is a name and not a keyword.
    pub is_name: bool,
    /// Number of occurrences in the buffer.
    pub count: u32,
    /// Its token kind.
    kind: TokenKind,
    /// The same name in the project.
    project_name: Option<ProjectName>,
}

impl Lexeme {
    /// Whether it is a candidate: a name that occurs in the buffer or the project.
    pub fn is_candidate(&self) -> bool {
        self.is_name && (self.count > 0 || self.project_name.is_some())
    }
}

impl BufferTokens {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The distinct tokens, indexed by [`BufferWord`]. Those that no longer occur have count 0.
    pub fn lexemes(&self) -> &[Lexeme] {
        &self.lexemes
    }

    /// A distinct token.
    pub fn lexeme(&self, word: BufferWord) -> &Lexeme {
        &self.lexemes[word.index()]
    }

    /// The word of a vocabulary entry, if it has occurred in the buffer.
    pub fn word(&self, id: TokenId) -> Option<BufferWord> {
        self.by_id.get(&id).copied()
    }

    /// The out-of-vocabulary word spelled `text`.
    pub fn word_spelled(&self, text: &str) -> Option<BufferWord> {
        self.by_text.get(text).copied()
    }

    /// The word at a position.
    pub fn word_at(&self, position: Position) -> BufferWord {
        self.tokens[position.index()]
    }

    /// Memory in bytes, including the project.
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

    /// The buffer's project; empty if it has none.
    pub fn project(&self) -> &Arc<ProjectContext> {
        &self.project
    }

    /// Sets the buffer's project.
    pub fn set_project(&mut self, project: Arc<ProjectContext>) {
        self.word_of_name = vec![NONE; project.names().len()];
        self.project = project;
        for word in 0..self.lexemes.len() {
            self.link_project_name(BufferWord::at(word));
        }
    }

    /// Declarations of the tokens.
    pub(crate) fn symbols(&self) -> &BufferSymbols {
        &self.symbols
    }

    /// The column of a token that is the first of its line. `None` for other tokens, or if the indentation is unknown.
    pub(crate) fn column(&self, position: Position) -> Option<u16> {
        let column = self.symbols.token(position.index()).column;
        (column != NO_COLUMN).then_some(column)
    }

    /// A word's token kind.
    pub(super) fn token_kind(&self, word: BufferWord) -> TokenKind {
        let lexeme = self.lexemes.get(word.index());
        lexeme.map_or(TokenKind::Other, |lexeme| lexeme.kind)
    }

    /// The buffer's word for a project name.
    pub fn word_of_name(&self, name: ProjectName) -> Option<BufferWord> {
        let word = self.word_of_name.get(name.index()).copied();
        word.filter(|&word| word != NONE).map(BufferWord::new)
    }

    /// The project name of a word.
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

    /// Appends a token. `column` is the column of its line if it is the first token of the line and the indentation is
    /// known.
    pub fn push(&mut self, id: TokenId, text: &str, is_name: bool, column: Option<u16>) {
        let word = self.intern(id, text, is_name);
        self.append(word, column.unwrap_or(NO_COLUMN));
    }

    fn append(&mut self, word: BufferWord, column: u16) {
        let Lexeme { id, kind, .. } = self.lexemes[word.index()];
        let number = match id {
            TokenId::UNK => Numbering::Buffer(word.get()),
            id => Numbering::Vocabulary(id.get()),
        };
        self.symbols.push(NumberedToken {
            name: Name::new(number),
            column,
            kind,
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

    /// Keeps only the first `len` tokens.
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

    /// Renumbers the words if most of them no longer occur, as happens while names are being typed. Returns whether it did.
    pub fn compact(&mut self) -> bool {
        let lexemes = self.lexemes.len();
        let is_crowded = lexemes >= COMPACT_ABOVE && self.live_count < lexemes / 2;
        if is_crowded {
            let old = std::mem::take(self);
            self.set_project(old.project);
            for (&word, token) in old.tokens.iter().zip(old.symbols.tokens()) {
                let lexeme = &old.lexemes[word.index()];
                let word = self.intern_as(lexeme.id, &lexeme.text, lexeme.is_name, lexeme.kind);
                self.append(word, token.column);
            }
        }
        is_crowded
    }

    /// Earlier positions where the last `order` tokens also ended, latest first.
    pub(crate) fn previous_matches(&self, order: usize) -> impl Iterator<Item = Position> {
        let last = self.tokens.len().checked_sub(1).map(Position::at);
        let first = last.and_then(|last| self.previous_end(last, order));
        std::iter::successors(first, move |&position| self.previous_end(position, order))
    }

    /// The previous position where the `order` tokens up to `position` ended.
    fn previous_end(&self, position: Position, order: usize) -> Option<Position> {
        let previous = self.previous[position.index()][order - 1];
        (previous != NONE).then_some(Position::new(previous))
    }

    /// Length of the common suffix of the tokens up to `position` and the whole buffer, at most `max`.
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

    /// Hashes of the contexts of 1, 2, … tokens that end the first `len` tokens.
    fn contexts(&self, len: usize) -> [u64; MAX_NGRAM_ORDER] {
        let mut key = EMPTY;
        std::array::from_fn(|order| {
            // Pad the start with values that occur nowhere else.
            let word = len
                .checked_sub(order + 1)
                .map_or(NONE, |at| self.tokens[at].get());
            key = extended(key, word);
            key
        })
    }

    fn intern(&mut self, id: TokenId, text: &str, is_name: bool) -> BufferWord {
        let known = self.known(id, text);
        known.unwrap_or_else(|| self.intern_as(id, text, is_name, TokenKind::of(text)))
    }

    fn known(&self, id: TokenId, text: &str) -> Option<BufferWord> {
        if id == TokenId::UNK {
            self.word_spelled(text)
        } else {
            self.word(id)
        }
    }

    fn intern_as(&mut self, id: TokenId, text: &str, is_name: bool, kind: TokenKind) -> BufferWord {
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
            kind,
            project_name: None,
        });
        self.link_project_name(word);
        word
    }
}

/// The hash of the empty context.
const EMPTY: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hash of a context extended by one token to the left. A multiplication and a shift mix well enough: of a million contexts,
/// two collide about once in ten million buffers.
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
                // A context longer than the text has not occurred before.
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
