//! What an engine has read of one document, so that a keystroke costs the tokens it changed and not the whole buffer.
//!
//! A question reads on from the nearest state that the network's [store](super::network) has kept. An edit invalidates
//! the states after it. Knows no network: a key-value cache would be another store behind the same history.

use std::sync::Arc;

use tracing::debug_span;

use super::continuous_cache::{CacheKeys, CosineScores};
use super::network::{Network, StateAt, StateOf, StateStore};
use super::{Distribution, Engine, EngineError, ServedNetwork};
use crate::common_prefix::common_prefix;
use crate::tokenizer::TokenId;

/// What an engine has read of one document. Belongs to one engine: states of another mean nothing.
#[derive(Debug, Default)]
pub struct StateHistory {
    /// The tokens that the kept states have read.
    ids: Vec<TokenId>,
    pub(super) store: <ServedNetwork as Network>::Store,
    /// The last answer and how many of `ids` it came after.
    answer: Option<(usize, Arc<Distribution>)>,
    /// If the engine keeps hidden states.
    keys: Option<CacheKeys>,
}

impl StateHistory {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory that the states and tokens take, in bytes.
    pub fn bytes(&self) -> usize {
        let answer = self.answer.as_ref();
        let answer = answer.map_or(0, |(_, answer)| answer.bytes());
        let keys = self.keys.as_ref().map_or(0, CacheKeys::bytes);
        self.store.bytes() + answer + keys + size_of_val(&self.ids[..])
    }

    /// The distribution over the token after `context`, whose first id is `<s>`.
    ///
    /// Does not depend on earlier questions, up to the rounding of snapshots.
    pub fn answer(
        &mut self,
        engine: &Engine,
        context: &[TokenId],
    ) -> Result<Arc<Distribution>, EngineError> {
        if context.is_empty() {
            return Err(EngineError::EmptyContext);
        }
        self.read(engine, context, &|| false)?;
        if let Some((read, answer)) = &self.answer
            && *read == context.len()
        {
            return Ok(Arc::clone(answer));
        }
        let _span = debug_span!("output").entered();
        let at = self.nearest(engine, context.len());
        let answer = Arc::new(engine.answer(&at.state));
        self.answer = Some((at.read, Arc::clone(&answer)));
        Ok(answer)
    }

    /// How many tokens of `context` must be read before it can be answered.
    pub fn unread(&self, engine: &Engine, context: &[TokenId]) -> usize {
        let common = common_prefix(&self.ids, context);
        context.len() - self.nearest(engine, common).read
    }

    /// Puts back an answer that it gave after the first `read` tokens, which have not changed since.
    pub fn remember(&mut self, read: usize, answer: Arc<Distribution>) {
        self.answer = Some((read, answer));
    }

    /// The answer to `context`, if it is the last one given and still valid.
    pub fn answered(&self, context: &[TokenId]) -> Option<Arc<Distribution>> {
        let (read, answer) = self.answer.as_ref()?;
        (self.ids.get(..*read)? == context).then(|| Arc::clone(answer))
    }

    /// How similar the hidden state after `context`, for which the network has given `answer`, is to those at the last
    /// [`WINDOW`](super::WINDOW) places before it. Empty, unless the engine [keeps hidden states](Engine::new).
    pub fn similarities(
        &self,
        engine: &Engine,
        context: &[TokenId],
        answer: &Distribution,
    ) -> CosineScores {
        match (&self.keys, &engine.mean_hidden) {
            (Some(keys), Some(centre)) => {
                let (kernel, read) = (engine.network.kernel(), context.len());
                keys.similarities(kernel, answer.hidden(), centre, read)
            }
            _ => CosineScores {
                first: 1,
                cosines: Vec::new(),
            },
        }
    }

    /// Reads on in `context` until all is read or `stop` says to return early; it is asked every few milliseconds.
    /// Returns whether all is read. What was read is kept, and a later call reads on from there, so a long document need
    /// not occupy a thread for as long as it takes to read.
    ///
    /// # Errors
    /// If an id is not in the vocabulary.
    pub fn read(
        &mut self,
        engine: &Engine,
        context: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        self.invalidate_changed(context);
        let mut at = self.nearest(engine, context.len());
        if let Some(keys) = &mut self.keys
            && !keys.reach(context.len(), at.read)
        {
            // A very long document: the hidden states that were dropped before this place are computed again.
            at = nearest(&self.store, engine, CacheKeys::beginning(context.len()));
            keys.restart(at.read);
        }
        engine.check(&context[at.read..])?;
        let _span = debug_span!("advance", tokens = context.len() - at.read).entered();
        while at.read < context.len() && !stop() {
            let (from, unread) = (at.read, &context[at.read..]);
            let hidden = engine.network.read(&mut self.store, &mut at, unread, stop);
            if let Some(centre) = &engine.mean_hidden {
                let keys = self
                    .keys
                    .get_or_insert_with(|| CacheKeys::new(centre.len()));
                keys.extend(from, &hidden, centre);
            }
            let new = context.get(self.ids.len()..at.read);
            self.ids.extend_from_slice(new.unwrap_or_default());
        }
        let is_done = at.read == context.len();
        self.store.keep_recent(at);
        Ok(is_done)
    }

    /// Drops states past the first token that differs from `context`. A shorter context drops nothing.
    fn invalidate_changed(&mut self, context: &[TokenId]) {
        let common = common_prefix(&self.ids, context);
        if common < context.len() {
            self.ids.truncate(common);
            self.store.invalidate_after(common);
            self.answer.take_if(|(read, _)| *read > common);
            if let Some(keys) = &mut self.keys {
                keys.truncate(common);
            }
        }
    }

    /// The kept state that has read most, but at most `length` tokens.
    pub(super) fn nearest(
        &self,
        engine: &Engine,
        length: usize,
    ) -> StateAt<StateOf<ServedNetwork>> {
        nearest(&self.store, engine, length)
    }
}

/// The state in `store` that has read most, but at most `length` tokens, or the one before the first token.
fn nearest(
    store: &<ServedNetwork as Network>::Store,
    engine: &Engine,
    length: usize,
) -> StateAt<StateOf<ServedNetwork>> {
    store.nearest(length).unwrap_or_else(|| StateAt {
        read: 0,
        state: engine.network.start(),
    })
}
