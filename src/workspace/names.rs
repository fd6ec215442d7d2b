//! The names of a project's files: each name outside the vocabulary has a number of its own, from the vocabulary's size on.
//!
//! Files are held in bulk as these numbers. A [`TokenId`] becomes a plain `u32` when it is looked up or interned.

use rustc_hash::FxHashMap;

use crate::context::Syntax;
use crate::python;
use crate::symbols::{NO_COLUMN, Name, NumberedToken, Numbering, TokenKind};
use crate::tokenizer::{TokenId, Vocabulary};

/// An interner: names by number and numbers by name.
#[derive(Debug)]
pub(super) struct NameTable {
    syntax: Syntax,
    /// The names outside the vocabulary. Grows only: a name that is no longer used costs a few bytes.
    words: Vec<Box<str>>,
    /// Their token kinds.
    token_kinds: Vec<TokenKind>,
    bytes: usize,
    /// All names, those of the vocabulary too, and their tokens.
    by_text: FxHashMap<Box<str>, u32>,
}

impl NameTable {
    /// The vocabulary's names.
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let entries = vocabulary.entries();
        let names = entries.filter(|(_, token)| python::is_name(token));
        Self {
            syntax: Syntax::new(vocabulary),
            words: Vec::new(),
            token_kinds: Vec::new(),
            bytes: 0,
            by_text: names.map(|(id, name)| (name.into(), id.get())).collect(),
        }
    }

    /// What the vocabulary's tokens are in Python.
    pub(super) fn syntax(&self) -> &Syntax {
        &self.syntax
    }

    /// The names outside the vocabulary, in the order of their numbers.
    pub(super) fn words(&self) -> &[Box<str>] {
        &self.words
    }

    /// The memory of the names outside the vocabulary, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A name, if the table has it.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        self.by_text.get(text).map(|&token| self.name(token))
    }

    /// Tokens as symbol tables are built from them, given the columns where their lines begin.
    pub(super) fn numbered_tokens<'a>(
        &'a self,
        tokens: &'a [u32],
        columns: &'a [u8],
    ) -> impl Iterator<Item = NumberedToken> + 'a {
        let mut columns = columns.iter();
        let mut begins = true;
        tokens.iter().map(move |&token| {
            let kind = self.token_kind(token);
            let is_blank = kind.is_blank();
            let column = columns.as_slice().first().filter(|_| begins && !is_blank);
            if column.is_some() {
                columns.next();
            }
            begins = is_blank;
            NumberedToken {
                name: self.name(token),
                column: column.map_or(NO_COLUMN, |&column| column.into()),
                kind,
            }
        })
    }

    /// The kind of a token.
    fn token_kind(&self, token: u32) -> TokenKind {
        match (token as usize).checked_sub(self.syntax.vocabulary_size()) {
            None => self.syntax.token_kind(TokenId::new(token)),
            // The text below a document may have words of its own.
            Some(word) => self
                .token_kinds
                .get(word)
                .copied()
                .unwrap_or(TokenKind::Name),
        }
    }

    /// The name that a token is.
    pub(super) fn name(&self, token: u32) -> Name {
        let word = (token as usize).checked_sub(self.syntax.vocabulary_size());
        Name::new(match word {
            None => Numbering::Vocabulary(token),
            Some(word) => Numbering::Project(word as u32),
        })
    }

    /// The number of a token with this id and text; `None` if it is a name that the table does not have.
    pub(super) fn number(&self, id: TokenId, text: &str) -> Option<u32> {
        if id != TokenId::UNK || !python::is_name(text) {
            return Some(id.get());
        }
        self.by_text.get(text).copied()
    }

    /// The number of a token with this id and text, which is added if it is a new name.
    pub(super) fn intern(&mut self, id: TokenId, text: &str) -> u32 {
        if let Some(token) = self.number(id, text) {
            return token;
        }
        let token = (self.syntax.vocabulary_size() + self.words.len()) as u32;
        // In the list and in the map, a third of whose entries are empty.
        self.bytes += 2 * (text.len() + 16) + 40;
        self.words.push(text.into());
        self.token_kinds.push(TokenKind::of(text));
        self.by_text.insert(text.into(), token);
        token
    }
}
