//! The cursor of a request, and what surrounds it. Computed once per request.

use std::ops::Range;

use tracing::debug_span;

use super::candidate::{Candidate, Completions};
use super::effort::Effort;
use super::lexicon::Lexicon;
use super::session::CompletionSession;
use crate::context::Position;
use crate::python::{self, CursorIn, Kind};

/// A cursor in a text whose tokens the session holds.
///
/// The tokens before the typed prefix are `session.lexer.tokens()`, with their places in the text. `session.buffer` has the
/// same tokens as words and n-grams, and what they declare: [`BufferNames`](crate::context::BufferNames) over it resolves
/// names.
#[derive(Clone, Debug)]
pub(super) struct CompletionContext<'t> {
    text: &'t str,
    /// The byte range of the typed prefix; empty, at the cursor, if there is none.
    pub(super) prefix: Range<usize>,
    /// Whether the cursor is in code, a string or a comment.
    pub(super) place: CursorIn,
}

impl<'t> CompletionContext<'t> {
    /// Updates the session's tokens to the text before byte `cursor`. Drops the cached prediction if they change.
    pub(super) fn new(
        session: &mut CompletionSession,
        lexicon: &Lexicon,
        text: &'t str,
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
        let lexed = lexer.context(text, cursor);
        if ids.is_empty() {
            ids.push(vocabulary.id(python::START));
            buffer.push(ids[0], python::START, false, None);
        }
        let length = 1 + lexed.tokens.len();
        let mut is_same = length == ids.len();
        for (at, &token) in (1..length).zip(lexed.tokens).skip(lexed.unchanged) {
            python::surface(text, token, spelling);
            let id = vocabulary.id(spelling);
            let column = begins_line(lexed.tokens, at - 1)
                .then(|| python::column(text, token))
                .flatten();
            let position = Position::at(at);
            // Out-of-vocabulary names share an id, so compare the spelling too.
            let is_there = ids.get(at) == Some(&id) && buffer.is_at(position, id, spelling);
            if is_there && buffer.column(position) == column {
                continue;
            }
            is_same = false;
            ids.truncate(at);
            buffer.truncate(at);
            ids.push(id);
            buffer.push(id, spelling, lexicon.is_name(id, spelling), column);
        }
        ids.truncate(length);
        buffer.truncate(length);
        if buffer.compact() || !is_same {
            *prediction = None;
        }
        Self {
            text,
            prefix: lexed.prefix,
            place: lexed.place,
        }
    }

    /// [`CompletionContext::new`], unless lexing the unread text is more work than `effort` allows.
    pub(super) fn within(
        effort: Effort<'_>,
        session: &mut CompletionSession,
        lexicon: &Lexicon,
        text: &'t str,
        cursor: usize,
    ) -> Option<Self> {
        effort
            .can_lex(session.lexer.unread(text, cursor))
            .then(|| Self::new(session, lexicon, text, cursor))
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The typed prefix.
    pub(super) fn typed(&self) -> &'t str {
        &self.text[self.prefix.clone()]
    }

    /// The text before the typed prefix.
    pub(super) fn before(&self) -> &'t str {
        &self.text[..self.prefix.start]
    }

    /// The text after the cursor.
    pub(super) fn after(&self) -> &'t str {
        &self.text[self.prefix.end..]
    }

    /// The identifier characters directly after the cursor.
    pub(super) fn rest_of_word(&self) -> &'t str {
        word(self.after())
    }

    /// A completion list that replaces the word at the cursor.
    pub(super) fn completions(&self, items: Vec<Candidate>) -> Completions {
        Completions {
            replace: self.prefix.clone(),
            word_end: self.prefix.end + self.rest_of_word().len(),
            items,
        }
    }
}

/// The identifier characters at the start of `text`.
pub(super) fn word(text: &str) -> &str {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// Whether the token at index `at` is the first of its line.
fn begins_line(tokens: &[python::Token], at: usize) -> bool {
    tokens[at].kind != Kind::Eol
        && at
            .checked_sub(1)
            .is_none_or(|before| tokens[before].kind == Kind::Eol)
}
