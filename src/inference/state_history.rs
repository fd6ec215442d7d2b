//! What an engine has read of one document, so that a keystroke only costs the changed tokens.
//!
//! A request continues from the nearest state that the network's [store](super::network) has kept. An edit invalidates
//! the states after it. Does not depend on the kind of network: a key-value cache would be another store behind the
//! same history.

use std::sync::Arc;

use tracing::debug_span;

use super::continuous_cache::{CosineScores, HiddenDirections};
use super::network::{Network, StateAt, StateOf, StateStore, StoreOf};
use super::{Distribution, Engine, EngineError, ServedNetwork};
use crate::common_prefix::common_prefix;
use crate::tokenizer::TokenId;

/// What an engine has read of one document. Its states are only valid for one engine.
#[derive(Debug, Default)]
pub struct StateHistory {
    /// The tokens that have been read.
    ids: Vec<TokenId>,
    /// Created at the first read.
    pub(super) store: Option<StoreOf<ServedNetwork>>,
    /// The last distribution, and the number of `ids` before it.
    distribution: Option<(usize, Arc<Distribution>)>,
    /// Created at the first read, if the engine keeps hidden states.
    directions: Option<HiddenDirections>,
}

impl StateHistory {
    /// Creates an empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory for the states and tokens, in bytes.
    pub fn bytes(&self) -> usize {
        let distribution = self.distribution.as_ref();
        let distribution = distribution.map_or(0, |(_, distribution)| distribution.bytes());
        let store = self.store.as_ref().map_or(0, StateStore::bytes);
        let directions = self.directions.as_ref();
        let directions = directions.map_or(0, HiddenDirections::bytes);
        store + distribution + directions + size_of_val(&self.ids[..])
    }

    /// The distribution over the token after `context`, whose first id is `<s>`.
    ///
    /// Does not depend on earlier requests, apart from the rounding of snapshots.
    pub fn distribution(
        &mut self,
        engine: &Engine,
        context: &[TokenId],
    ) -> Result<Arc<Distribution>, EngineError> {
        if context.is_empty() {
            return Err(EngineError::EmptyContext);
        }
        self.read(engine, context, &|| false)?;
        if let Some((read, distribution)) = &self.distribution
            && *read == context.len()
        {
            return Ok(Arc::clone(distribution));
        }
        let _span = debug_span!("output").entered();
        let at = nearest(self.store.as_ref(), engine, context.len());
        let distribution = Arc::new(engine.distribution(&at.state));
        self.distribution = Some((at.read, Arc::clone(&distribution)));
        Ok(distribution)
    }

    /// How many tokens of `context` must be read before its distribution can be computed.
    pub fn unread(&self, engine: &Engine, context: &[TokenId]) -> usize {
        let common = common_prefix(&self.ids, context);
        context.len() - nearest(self.store.as_ref(), engine, common).read
    }

    /// Restores the distribution computed after the first `read` tokens, which have not changed since.
    pub fn restore(&mut self, read: usize, distribution: Arc<Distribution>) {
        self.distribution = Some((read, distribution));
    }

    /// The distribution after `context`, if it is the last one computed and still valid.
    pub fn cached_distribution(&self, context: &[TokenId]) -> Option<Arc<Distribution>> {
        let (read, distribution) = self.distribution.as_ref()?;
        (self.ids.get(..*read)? == context).then(|| Arc::clone(distribution))
    }

    /// Cosines between the hidden state after `context`, for which the network computed `distribution`, and those at
    /// the last [`WINDOW`](super::WINDOW) positions before it. Empty unless the engine [keeps hidden states](Engine::new).
    pub fn similarities(
        &self,
        engine: &Engine,
        context: &[TokenId],
        distribution: &Distribution,
    ) -> CosineScores {
        match (&self.directions, &engine.mean_hidden) {
            (Some(directions), Some(centre)) => {
                let (kernel, read) = (engine.network.kernel(), context.len());
                directions.similarities(kernel, distribution.hidden(), centre, read)
            }
            _ => CosineScores {
                first: 1,
                values: Vec::new(),
            },
        }
    }

    /// Reads `context` until it is read completely or `stop`, polled every few milliseconds, returns true. Returns
    /// whether it was read completely. A later call continues from there, so a long document need not occupy a thread
    /// until it is read.
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
        let store = self.store.get_or_insert_with(|| engine.network.store());
        let mut at = nearest(Some(store), engine, context.len());
        if let Some(directions) = &mut self.directions
            && !directions.reach(context.len(), at.read)
        {
            // In a very long document, the hidden states before this position were dropped: compute them again.
            let beginning = HiddenDirections::beginning(context.len());
            at = nearest(Some(store), engine, beginning);
            directions.restart(at.read);
        }
        engine.check(&context[at.read..])?;
        let _span = debug_span!("advance", tokens = context.len() - at.read).entered();
        while at.read < context.len() && !stop() {
            let (from, unread) = (at.read, &context[at.read..]);
            let hidden = engine.network.read(store, &mut at, unread, stop);
            if let Some(centre) = &engine.mean_hidden {
                let directions = self
                    .directions
                    .get_or_insert_with(|| HiddenDirections::new(centre.len()));
                directions.extend(from, &hidden, centre);
            }
            let new = context.get(self.ids.len()..at.read);
            self.ids.extend_from_slice(new.unwrap_or_default());
        }
        let is_done = at.read == context.len();
        store.keep_recent(at);
        Ok(is_done)
    }

    /// Drops the states after the first token that differs from `context`. A shorter context drops nothing.
    fn invalidate_changed(&mut self, context: &[TokenId]) {
        let common = common_prefix(&self.ids, context);
        if common < context.len() {
            self.ids.truncate(common);
            if let Some(store) = &mut self.store {
                store.invalidate_after(common);
            }
            self.distribution.take_if(|(read, _)| *read > common);
            if let Some(directions) = &mut self.directions {
                directions.truncate(common);
            }
        }
    }
}

/// The latest state in `store` within the first `length` tokens, or the initial state.
fn nearest(
    store: Option<&StoreOf<ServedNetwork>>,
    engine: &Engine,
    length: usize,
) -> StateAt<StateOf<ServedNetwork>> {
    let kept = store.and_then(|store| store.nearest(length));
    kept.unwrap_or_else(|| StateAt {
        read: 0,
        state: engine.network.start(),
    })
}
