//! Numbers the names in a project's files: each out-of-vocabulary name has its own number, starting at the vocabulary
//! size.
//!
//! Files are stored as these numbers. A lookup converts a [`TokenId`] to a plain `u32`.

use rustc_hash::FxHashMap;

use crate::context::Syntax;
use crate::python;
use crate::symbols::{NO_COLUMN, Name, NumberedToken, Numbering, TokenKind};
use crate::tokenizer::{TokenId, Vocabulary};

/// An interner: maps numbers to names and back.
#[derive(Debug)]
pub(super) struct NameTable {
    syntax: Syntax,
    /// Out-of-vocabulary names. Never shrinks: an unused name costs a few bytes.
    words: Vec<Box<str>>,
    /// Their token kinds.
    token_kinds: Vec<TokenKind>,
    bytes: usize,
    /// The numbers of all names, including those in the vocabulary.
    by_text: FxHashMap<Box<str>, u32>,
}

impl NameTable {
    /// Creates a table with the vocabulary's names.
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

    /// Syntactic properties of the vocabulary's tokens.
    pub(super) fn syntax(&self) -> &Syntax {
        &self.syntax
    }

    /// Out-of-vocabulary names, in the order of their numbers.
    pub(super) fn words(&self) -> &[Box<str>] {
        &self.words
    }

    /// Memory of the out-of-vocabulary names, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A name, if the table contains it.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        self.by_text.get(text).map(|&token| self.name(token))
    }

    /// Converts tokens to the input of symbol tables, given the indentation columns of their lines.
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
            // The text below a document may contain additional words.
            Some(word) => self
                .token_kinds
                .get(word)
                .copied()
                .unwrap_or(TokenKind::Name),
        }
    }

    /// The name of a token.
    pub(super) fn name(&self, token: u32) -> Name {
        let word = (token as usize).checked_sub(self.syntax.vocabulary_size());
        Name::new(match word {
            None => Numbering::Vocabulary(token),
            Some(word) => Numbering::Project(word as u32),
        })
    }

    /// The number of a token with this id and text; `None` if it is a name that the table does not contain.
    pub(super) fn number(&self, id: TokenId, text: &str) -> Option<u32> {
        if id != TokenId::UNK || !python::is_name(text) {
            return Some(id.get());
        }
        self.by_text.get(text).copied()
    }

    /// The number of a token with this id and text. Adds a new name to the table.
    pub(super) fn intern(&mut self, id: TokenId, text: &str) -> u32 {
        if let Some(token) = self.number(id, text) {
            return token;
        }
        let token = (self.syntax.vocabulary_size() + self.words.len()) as u32;
        // One copy in the list and one in the map, a third of whose slots are empty.
        self.bytes += 2 * (text.len() + 16) + 40;
        self.words.push(text.into());
        self.token_kinds.push(TokenKind::of(text));
        self.by_text.insert(text.into(), token);
        token
    }
}
