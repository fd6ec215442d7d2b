//! Code completion: from a text and a cursor to ranked candidates.
//!
//! ```text
//! text, cursor -> cursor       the session's tokens, the typed prefix
//!              -> session      the network's states and the cached prediction
//!              -> rank         candidates that match the prefix and can be inserted
//!                 sources      dictionary keys, modules, new names
//! inline          the rest of a line, by greedy decoding in a speculation
//! ```
//!
//! This module does not know documents, requests or protocols. A position is a byte offset.

mod candidate;
mod cursor;
mod fuzzy;
mod inline;
mod lexicon;
mod options;
mod prefix_range;
mod rank;
mod session;
mod sources;
mod speculation;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tracing::debug_span;

pub use candidate::{Candidate, Completions, NextToken, NextTokens};
pub use inline::InlineCompletion;
pub use options::Options;
pub use session::CompletionSession;

use crate::context::{BufferTokens, CandidateId, CandidateSpace};
use crate::inference::{CosineScores, Distribution, Engine, EngineError, TruncatedContext};
use crate::model::checkpoint::{Checkpoint, CheckpointError};
use crate::prediction::{Mixture, Prediction};
use crate::python::CursorIn;
use crate::tokenizer::{UNK, Vocabulary};
use cursor::Cursor;
use lexicon::Lexicon;
use rank::{CandidateTable, InsertionSite};
use session::CachedPrediction;
use sources::modules::{self, Modules};

/// Unread bytes that can be lexed in microseconds.
const AT_ONCE: usize = 4096;

/// Answers completion requests. Shared by all documents; each document has its own [`CompletionSession`].
#[derive(Debug)]
pub struct Completer {
    engine: Engine,
    lexicon: Lexicon,
    table: CandidateTable,
    /// The gate and the reranker, if the checkpoint has them.
    mixture: Option<Mixture>,
}

impl Completer {
    /// Creates a completer with the network, vocabulary and gate of `checkpoint`, on the CPU.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let config = &checkpoint.config;
        let mixture = Mixture::of(checkpoint)?;
        let engine = Engine::new(
            &config.model,
            checkpoint.parameters(),
            config.temperature,
            mixture.as_ref().map(Mixture::mean_hidden),
        )?;
        Ok(Self::over(engine, checkpoint.vocabulary.clone(), mixture))
    }

    fn over(engine: Engine, vocabulary: Vocabulary, mixture: Option<Mixture>) -> Self {
        let tokens = (0..vocabulary.len() as u32).filter_map(|id| vocabulary.token(id));
        Self {
            table: CandidateTable::new(tokens),
            engine,
            lexicon: Lexicon::new(vocabulary),
            mixture,
        }
    }

    /// The network's vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        self.lexicon.vocabulary()
    }

    /// The `k` most probable next tokens at byte `cursor`, predicted in place of the typed prefix, whether or not they match
    /// it.
    pub fn next_tokens(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        k: usize,
    ) -> Result<NextTokens, EngineError> {
        let Cursor { prefix, .. } = Cursor::lex(session, &self.lexicon, text, cursor);
        self.ensure_prediction(session)?;
        let CompletionSession {
            buffer, prediction, ..
        } = session;
        let all = prediction.iter().flat_map(
            |CachedPrediction {
                 distribution,
                 prediction,
             }| {
                let space = prediction.space(buffer);
                let everything = prediction.candidates().collect();
                let best = self.best(&space, distribution, prediction, everything, k);
                best.into_iter()
                    .filter_map(move |(candidate, probability)| {
                        let (token, id) = self.token_of(&space, candidate)?;
                        Some(NextToken {
                            token: token.to_owned(),
                            id,
                            probability,
                            network: match id {
                                UNK if candidate.get() != UNK => 0.0,
                                id => distribution.probabilities[id as usize],
                            },
                            sources: prediction.sources(&space, distribution, candidate),
                        })
                    })
            },
        );
        Ok(NextTokens {
            prefix,
            tokens: all.collect(),
        })
    }

    /// The candidates for insertion at byte `cursor`, best first.
    pub fn complete(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Result<Completions, EngineError> {
        let cursor = Cursor::lex_with_keys(session, &self.lexicon, text, cursor, options);
        if !cursor.needs_network(options) {
            return Ok(cursor.without_network(text, options));
        }
        self.ensure_prediction(session)?;
        Ok(match &session.prediction {
            Some(cached) => self.candidates(&session.buffer, cached, text, cursor, options),
            None => cursor.no_completions(),
        })
    }

    /// [`Completer::complete`] if it takes only microseconds: no candidates are wanted at the cursor, or the prediction is
    /// cached, as it is while a word is typed. Otherwise `None`.
    pub fn complete_at_once(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Option<Completions> {
        if session.lexer.unread(text, cursor) > AT_ONCE {
            return None;
        }
        let cursor = Cursor::lex_with_keys(session, &self.lexicon, text, cursor, options);
        if !cursor.needs_network(options) {
            return Some(cursor.without_network(text, options));
        }
        let cached = session.cached()?;
        let has_prefix = !cursor.prefix.is_empty();
        let found = self.candidates(&session.buffer, cached, text, cursor, &options.exact());
        // The search for abbreviated and new names takes longer.
        let is_inexact = *options != options.exact();
        let needs_search = is_inexact && has_prefix && found.items.is_empty();
        (!needs_search).then_some(found)
    }

    /// [`Completer::complete`] from the last thousand tokens alone, if enough tokens are unread that the user would notice
    /// the wait. Otherwise `None`.
    pub fn complete_early(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        options: &Options,
    ) -> Result<Option<Completions>, EngineError> {
        let cursor = Cursor::lex_with_keys(session, &self.lexicon, text, cursor, options);
        let CompletionSession {
            buffer,
            ids,
            states,
            truncated,
            prediction,
            ..
        } = session;
        if !TruncatedContext::is_wanted(truncated.as_ref(), states.unread(&self.engine, ids)) {
            *truncated = None;
            return Ok(None);
        }
        if !cursor.needs_network(options) {
            return Ok(Some(cursor.without_network(text, options)));
        }
        let truncated = truncated.get_or_insert_default();
        let (distribution, similar) = truncated.answer(&self.engine, ids)?;
        let is_another =
            |cached: &CachedPrediction| !Arc::ptr_eq(&cached.distribution, &distribution);
        if prediction.as_ref().is_none_or(is_another) {
            *prediction = Some(CachedPrediction {
                prediction: self.predict(buffer, &distribution, &similar),
                distribution,
            });
        }
        Ok(Some(match prediction {
            Some(cached) => self.candidates(buffer, cached, text, cursor, options),
            None => cursor.no_completions(),
        }))
    }

    /// Whether read-ahead is unnecessary: [`Completer::complete_at_once`] would answer, or the cursor is in a string or a
    /// comment, which seldom ends with the next keystroke.
    pub fn is_read(&self, session: &mut CompletionSession, text: &str, cursor: usize) -> bool {
        session.lexer.unread(text, cursor) <= AT_ONCE && {
            let cursor = Cursor::lex(session, &self.lexicon, text, cursor);
            cursor.place != CursorIn::Code || session.cached().is_some()
        }
    }

    /// Reads ahead: runs the network over the text before byte `cursor` and caches the prediction there. Stops early if
    /// `stop` returns true. Returns whether the text was read completely.
    pub fn read(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        let cursor = Cursor::lex(session, &self.lexicon, text, cursor);
        let done = session.states.read(&self.engine, &session.ids, stop)?;
        if done {
            session.truncated = None;
        }
        if done && cursor.place == CursorIn::Code {
            self.ensure_prediction(session)?;
        }
        Ok(done)
    }

    /// Builds the completion list from a prediction.
    fn candidates(
        &self,
        buffer: &BufferTokens,
        cached: &CachedPrediction,
        text: &str,
        cursor: Cursor,
        options: &Options,
    ) -> Completions {
        let _span = debug_span!("rank").entered();
        let CachedPrediction {
            distribution,
            prediction,
        } = cached;
        let Cursor { prefix, keys, .. } = cursor;
        let typed = &text[prefix.clone()];
        let word_end = prefix.end + rank::word(&text[prefix.end..]).len();
        let modules = self.modules(buffer);
        let modules = modules.filter(|_| word_end == prefix.end);
        let is_module = modules.is_some_and(|modules| modules.has_prefix(typed));
        let mut ranked = *options;
        if is_module {
            ranked = ranked.exact();
        }
        if modules.is_some() {
            ranked.max_items = ranked.max_items.max(modules::MIN_CANDIDATES);
        }
        let site = InsertionSite {
            prefix: typed,
            right: &text[prefix.end..],
            only_names: self.needs_a_name(buffer),
        };
        let space = prediction.space(buffer);
        let best = |fitting| self.best(&space, distribution, prediction, fitting, ranked.max_items);
        let mut items = self.table.rank(&space, prediction, &site, &ranked, best);
        if let Some(modules) = modules {
            modules.merge(&mut items, typed, options.max_items);
        }
        if let Some(keys) = keys.filter(|keys| !keys.is_open && prefix.is_empty()) {
            keys.merge(&mut items, options.max_items);
        }
        Completions {
            replace: prefix,
            word_end,
            items,
        }
    }

    /// Whether only a name can follow the buffer's tokens.
    fn needs_a_name(&self, buffer: &BufferTokens) -> bool {
        let mixture = self.mixture.as_ref();
        mixture.is_some_and(|mixture| mixture.needs_a_name(buffer))
    }

    /// The importable modules, if they are known and a module name starts at the next token.
    fn modules<'a>(&self, buffer: &'a BufferTokens) -> Option<Modules<'a>> {
        let mixture = self.mixture.as_ref()?;
        let importable = buffer.project().importable();
        let is_module = !importable.is_empty() && mixture.begins_module(buffer);
        is_module.then_some(Modules(importable))
    }

    /// A candidate's spelling and id; the id is [`UNK`] outside the vocabulary.
    fn token_of<'a>(
        &'a self,
        space: &CandidateSpace<'a>,
        candidate: CandidateId,
    ) -> Option<(&'a str, u32)> {
        if let Some(token) = self.vocabulary().token(candidate.get()) {
            return Some((token, candidate.get()));
        }
        Some((space.spelling(candidate)?, UNK))
    }

    /// The `k` most probable of `candidates`, in the reranker's order if there is one.
    fn best(
        &self,
        space: &CandidateSpace<'_>,
        distribution: &Distribution,
        prediction: &Prediction,
        candidates: Vec<CandidateId>,
        k: usize,
    ) -> Vec<(CandidateId, f32)> {
        let candidates = candidates.into_iter();
        match &self.mixture {
            Some(mixture) => mixture.rank(prediction, space, distribution, candidates, k),
            None => prediction.best(candidates, k),
        }
    }

    fn predict(
        &self,
        buffer: &BufferTokens,
        distribution: &Distribution,
        similar: &CosineScores,
    ) -> Prediction {
        match &self.mixture {
            Some(mixture) => mixture.predict(buffer, distribution, similar),
            None => Prediction::of_network(distribution),
        }
    }

    /// Caches the prediction of the token after the session's ids, if it is not cached yet.
    fn ensure_prediction(&self, session: &mut CompletionSession) -> Result<(), EngineError> {
        let distribution = session.states.answer(&self.engine, &session.ids)?;
        if session.cached().is_none() {
            let _span = debug_span!("mix").entered();
            let (states, ids) = (&session.states, &session.ids);
            let similar = states.similarities(&self.engine, ids, &distribution);
            session.prediction = Some(CachedPrediction {
                prediction: self.predict(&session.buffer, &distribution, &similar),
                distribution,
            });
        }
        Ok(())
    }
}
