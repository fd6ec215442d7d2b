//! From a text and a cursor to ranked candidates.
//!
//! The context before the cursor goes to the engine; what comes back is filtered by the word already begun, and by
//! what can be inserted at all. Knows nothing of documents, requests or protocols; a position is a byte offset.

mod rank;
#[cfg(test)]
mod tests;

use std::ops::Range;

use tracing::debug_span;

use crate::checkpoint::Checkpoint;
use crate::engine::{self, Engine, EngineError};
use crate::python::{self, Kind, Place, Reader};
use crate::vocabulary::Vocabulary;
use rank::Offers;

/// Bytes that are lexed in microseconds.
const AT_ONCE: usize = 4096;

/// Answers what comes next at a cursor. Shared by all documents; each brings its own [`Session`].
#[derive(Debug)]
pub struct Completer {
    engine: Engine,
    vocabulary: Vocabulary,
    offers: Offers,
}

/// What a completer remembers of one document, so that a question costs what has changed since the one before it. Belongs
/// to one completer.
#[derive(Debug, Default)]
pub struct Session {
    reader: Reader,
    /// Of the last context's tokens, `<s>` first.
    ids: Vec<u32>,
    states: engine::Session,
    spelling: String,
}

/// The cursor of a question, and what it is in.
struct Cursor {
    prefix: Range<usize>,
    place: Place,
}

/// What is asked of [`Completer::complete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many candidates at most.
    pub max_items: usize,
    /// Whether to answer inside string literals.
    pub in_strings: bool,
    /// Whether to answer inside comments.
    pub in_comments: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_items: 5,
            in_strings: false,
            in_comments: false,
        }
    }
}

/// The likeliest next tokens, whether or not they can be inserted.
#[derive(Clone, Debug, PartialEq)]
pub struct NextTokens {
    /// The word begun before the cursor; the tokens are those that could stand in its place.
    pub prefix: Range<usize>,
    /// Most probable first.
    pub tokens: Vec<NextToken>,
}

/// One vocabulary entry and its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct NextToken {
    /// The py150 surface token, `<EOL>` and `<UNK>` among them.
    pub token: String,
    /// Its vocabulary id.
    pub id: u32,
    /// Share of the whole vocabulary.
    pub probability: f32,
}

/// What can be inserted at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Completions {
    /// The bytes that any of the candidates replaces: the word begun before the cursor.
    pub replace: Range<usize>,
    /// Most probable first.
    pub items: Vec<Candidate>,
}

/// One completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The text that replaces the word begun.
    pub text: String,
    /// The py150 surface token behind it.
    pub token: String,
    /// What kind of token that is.
    pub kind: Kind,
    /// Share among all that fits the word begun and can be inserted.
    pub probability: f32,
}

impl Completer {
    /// A completer over the network and vocabulary of `checkpoint`, on the CPU.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, EngineError> {
        Ok(Self::over(
            Engine::new(
                &checkpoint.config.model,
                checkpoint.tensors(),
                checkpoint.config.temperature,
            )?,
            checkpoint.vocabulary.clone(),
        ))
    }

    fn over(engine: Engine, vocabulary: Vocabulary) -> Self {
        let offers =
            Offers::new((0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id)));
        Self {
            engine,
            vocabulary,
            offers,
        }
    }

    /// The `k` most probable next tokens in place of the word begun at `cursor`, raw.
    pub fn next_tokens(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        k: usize,
    ) -> Result<NextTokens, EngineError> {
        let Cursor { prefix, .. } = self.lex(session, text, cursor);
        let probabilities = session.states.distribution(&self.engine, &session.ids)?;
        let mut ranked: Vec<(u32, f32)> = (0..).zip(probabilities.iter().copied()).collect();
        rank::keep_best(&mut ranked, k);
        let tokens = ranked.into_iter().filter_map(|(id, probability)| {
            let token = self.vocabulary.token(id)?.to_owned();
            Some(NextToken {
                token,
                id,
                probability,
            })
        });
        Ok(NextTokens {
            prefix,
            tokens: tokens.collect(),
        })
    }

    /// The candidates to insert at `cursor`, best first.
    pub fn complete(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Result<Completions, EngineError> {
        let cursor = self.lex(session, text, cursor);
        if !options.want(cursor.place) {
            return Ok(cursor.nothing());
        }
        let probabilities = session.states.distribution(&self.engine, &session.ids)?;
        Ok(self.offer(&probabilities, text, cursor, options))
    }

    /// The same, if that takes microseconds: because nothing is wanted at this place, or because the network has been
    /// asked there already, as it has when a word goes on.
    pub fn complete_at_once(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Option<Completions> {
        if session.reader.unread(text, cursor) > AT_ONCE {
            return None;
        }
        let cursor = self.lex(session, text, cursor);
        if !options.want(cursor.place) {
            return Some(cursor.nothing());
        }
        let probabilities = session.states.answered(&session.ids)?;
        Some(self.offer(&probabilities, text, cursor, options))
    }

    /// The same after the last thousand tokens alone, if so much stands unread before them that a person would notice.
    pub fn complete_early(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Result<Option<Completions>, EngineError> {
        let cursor = self.lex(session, text, cursor);
        if !session.states.is_far(&session.ids) {
            return Ok(None);
        }
        if !options.want(cursor.place) {
            return Ok(Some(cursor.nothing()));
        }
        let probabilities = engine::Session::glimpse(&self.engine, &session.ids)?;
        Ok(Some(self.offer(&probabilities, text, cursor, options)))
    }

    /// Whether there is nothing to read before somebody asks: [`Completer::complete_at_once`] would answer, or the cursor
    /// is in a string or a comment, which seldom ends with the next key.
    pub fn is_read(&self, session: &mut Session, text: &str, cursor: usize) -> bool {
        session.reader.unread(text, cursor) <= AT_ONCE && {
            let cursor = self.lex(session, text, cursor);
            cursor.place != Place::Code || session.states.answered(&session.ids).is_some()
        }
    }

    /// Reads what stands before `cursor`, and computes what an answer there needs, until all is done or `stop` says so;
    /// whether all is read. A document that has just been changed is best read so, before anybody asks.
    pub fn read(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        let cursor = self.lex(session, text, cursor);
        let done = session.states.read(&self.engine, &session.ids, stop)?;
        if done && cursor.place == Place::Code {
            session.states.distribution(&self.engine, &session.ids)?;
        }
        Ok(done)
    }

    fn offer(
        &self,
        probabilities: &[f32],
        text: &str,
        cursor: Cursor,
        options: &Options,
    ) -> Completions {
        let _span = debug_span!("rank").entered();
        let Range { start, end } = cursor.prefix;
        let items = self.offers.rank(
            probabilities,
            &text[start..end],
            &text[end..],
            options.max_items,
        );
        Completions {
            replace: cursor.prefix,
            items,
        }
    }

    /// Brings a session's ids up to date.
    fn lex(&self, session: &mut Session, text: &str, cursor: usize) -> Cursor {
        let _span = debug_span!("lex").entered();
        let Session {
            reader,
            ids,
            spelling,
            ..
        } = session;
        let context = reader.context(text, cursor);
        ids.truncate(1 + context.unchanged);
        if ids.is_empty() {
            ids.push(self.vocabulary.id(python::START));
        }
        ids.extend(context.tokens[context.unchanged..].iter().map(|&token| {
            python::surface(text, token, spelling);
            self.vocabulary.id(spelling)
        }));
        Cursor {
            prefix: context.prefix,
            place: context.place,
        }
    }
}

impl Cursor {
    fn nothing(self) -> Completions {
        Completions {
            replace: self.prefix,
            items: Vec::new(),
        }
    }
}

impl Options {
    fn want(&self, place: Place) -> bool {
        match place {
            Place::Code => true,
            Place::String => self.in_strings,
            Place::Comment => self.in_comments,
        }
    }
}

impl Session {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.reader.bytes() + size_of_val(&self.ids[..]) + self.states.bytes()
    }
}
