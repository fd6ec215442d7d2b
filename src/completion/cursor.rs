//! The cursor of a request: lexes the changed text before it and updates the session's tokens.

use std::ops::Range;

use tracing::debug_span;

use super::candidate::Completions;
use super::lexicon::Lexicon;
use super::options::Options;
use super::session::CompletionSession;
use super::sources::dictionary_keys::{self, DictionaryKeys};
use crate::context::{Position, TokenId};
use crate::python::{self, CursorIn, Kind};

/// A cursor and its syntactic context.
pub(super) struct Cursor {
    /// The typed prefix; empty, at the cursor, if there is none.
    pub(super) prefix: Range<usize>,
    pub(super) place: CursorIn,
    /// Dictionary keys that fit at the cursor, if any can.
    pub(super) keys: Option<DictionaryKeys>,
}

impl Cursor {
    /// Updates the session's tokens to the text before byte `cursor`. Drops the cached prediction if they change.
    pub(super) fn lex(
        session: &mut CompletionSession,
        lexicon: &Lexicon,
        text: &str,
        cursor: usize,
    ) -> Self {
        let _span = debug_span!("lex").entered();
        let CompletionSession {
            lexer,
            ids,
            buffer,
            prediction,
            spelling,
            ..
        } = session;
        let vocabulary = lexicon.vocabulary();
        let context = lexer.context(text, cursor);
        if ids.is_empty() {
            ids.push(vocabulary.id(python::START));
            buffer.push(TokenId::new(ids[0]), python::START, false, None);
        }
        let length = 1 + context.tokens.len();
        let mut is_same = length == ids.len();
        for (at, &token) in (1..length).zip(context.tokens).skip(context.unchanged) {
            python::surface(text, token, spelling);
            let id = vocabulary.id(spelling);
            let column = begins_line(context.tokens, at - 1)
                .then(|| python::column(text, token))
                .flatten();
            let (position, token) = (Position::at(at), TokenId::new(id));
            // Out-of-vocabulary names share an id, so compare the spelling too.
            let is_there = ids.get(at) == Some(&id) && buffer.is_at(position, token, spelling);
            if is_there && buffer.column(position) == column {
                continue;
            }
            is_same = false;
            ids.truncate(at);
            buffer.truncate(at);
            ids.push(id);
            buffer.push(token, spelling, lexicon.is_name(id, spelling), column);
        }
        ids.truncate(length);
        buffer.truncate(length);
        if buffer.compact() || !is_same {
            *prediction = None;
        }
        Self {
            prefix: context.prefix,
            place: context.place,
            keys: None,
        }
    }

    /// [`Cursor::lex`], plus the dictionary keys that fit at the cursor if `options` enable them.
    pub(super) fn lex_with_keys(
        session: &mut CompletionSession,
        lexicon: &Lexicon,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Self {
        let mut found = Self::lex(session, lexicon, text, cursor);
        if options.keys && found.place != CursorIn::Comment && found.prefix.is_empty() {
            let context = session.lexer.context(text, cursor);
            found.keys = dictionary_keys::keys(text, context.tokens, found.prefix.end);
        }
        found
    }

    /// Whether a completion list at this cursor needs the network.
    pub(super) fn needs_network(&self, options: &Options) -> bool {
        let is_key = |keys: &DictionaryKeys| keys.is_open && !keys.shares.is_empty();
        options.includes(self.place) && !self.keys.as_ref().is_some_and(is_key)
    }

    /// The completion list if the network is not needed: dictionary keys inside a literal that can be one, or nothing.
    pub(super) fn without_network(self, text: &str, options: &Options) -> Completions {
        match self.keys {
            Some(keys) if keys.is_open => Completions {
                replace: keys.typed.clone(),
                word_end: keys.typed.end,
                items: keys.items(text, options.max_items),
            },
            _ => self.no_completions(),
        }
    }

    /// An empty completion list.
    pub(super) fn no_completions(self) -> Completions {
        Completions {
            word_end: self.prefix.end,
            replace: self.prefix,
            items: Vec::new(),
        }
    }
}

/// Whether the token at index `at` is the first of its line.
fn begins_line(tokens: &[python::Token], at: usize) -> bool {
    tokens[at].kind != Kind::Eol
        && at
            .checked_sub(1)
            .is_none_or(|before| tokens[before].kind == Kind::Eol)
}
