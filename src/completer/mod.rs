//! From a text and a cursor to ranked candidates.
//!
//! The context before the cursor goes to the engine; what comes back is filtered by the word already begun, and by
//! what can be inserted at all. Knows nothing of documents, requests or protocols; a position is a byte offset.

mod rank;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::engine::{Engine, EngineError, Session};
use crate::python::{self, Context, Kind, Place};
use crate::vocabulary::Vocabulary;
use rank::Offers;

/// Answers what comes next at a cursor. Shared by all documents; each brings its own [`Session`].
#[derive(Debug)]
pub struct Completer {
    engine: Engine,
    vocabulary: Vocabulary,
    offers: Offers,
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
        let context = python::context(text, cursor);
        let probabilities = self.distribution(session, text, &context)?;
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
            prefix: context.prefix,
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
        let context = python::context(text, cursor);
        let replace = context.prefix.clone();
        let wanted = match context.place {
            Place::Code => true,
            Place::String => options.in_strings,
            Place::Comment => options.in_comments,
        };
        if !wanted {
            return Ok(Completions {
                replace,
                items: Vec::new(),
            });
        }
        let probabilities = self.distribution(session, text, &context)?;
        let items = self.offers.rank(
            &probabilities,
            &text[replace.clone()],
            &text[replace.end..],
            options.max_items,
        );
        Ok(Completions { replace, items })
    }

    /// Reads what stands before `cursor` without answering, until all is read or `stop` says so; whether all is read.
    /// A document that has just been opened is best read so, before anybody asks.
    pub fn read(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        session.read(
            &self.engine,
            &self.ids(text, &python::context(text, cursor)),
            stop,
        )
    }

    fn distribution(
        &self,
        session: &mut Session,
        text: &str,
        context: &Context,
    ) -> Result<Arc<[f32]>, EngineError> {
        session.distribution(&self.engine, &self.ids(text, context))
    }

    /// The context's token ids, `<s>` first.
    fn ids(&self, text: &str, context: &Context) -> Vec<u32> {
        let mut surface = String::new();
        let tokens = context.tokens.iter().map(|&token| {
            python::surface(text, token, &mut surface);
            self.vocabulary.id(&surface)
        });
        std::iter::once(self.vocabulary.id(python::START))
            .chain(tokens)
            .collect()
    }
}
