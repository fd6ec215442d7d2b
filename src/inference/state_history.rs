//! One document's recurrent states, so that a keystroke costs the tokens it changed and not the whole buffer.
//!
//! States are kept at every 32nd token (*milestones*, in 16 bits a number), to fall back on after an edit anywhere, and
//! exactly as they were where the last few questions were asked, since typing and deleting go back and forth over the
//! same places. A question replays from the nearest kept state before it. A state is dropped as soon as a token behind it
//! differs.

use std::collections::VecDeque;
use std::sync::Arc;

use tracing::debug_span;

use super::continuous_cache::{CacheKeys, CosineScores};
use super::recurrent::{BLOCK, CompressedState, State};
use super::{Distribution, Engine, EngineError};
use crate::common_prefix::common_prefix;

/// Tokens between two milestones of a document that is not very long.
const STRIDE: usize = BLOCK;
/// Milestones that are read to in one go, so that two threads share the work.
const TOGETHER: usize = 8;
/// Milestones kept: with hidden size 512, 4 KB each.
pub(super) const MOST_SNAPSHOTS: usize = 1024;
/// Places of recent questions kept.
const RECENT: usize = 8;

/// What an engine has read of one document. Belongs to one engine: states of another mean nothing.
#[derive(Debug)]
pub struct StateHistory {
    /// The tokens behind the kept states.
    ids: Vec<u32>,
    /// Ascending, at multiples of `stride`.
    pub(super) milestones: Vec<Snapshot>,
    /// Oldest first.
    recent: VecDeque<Reading>,
    stride: usize,
    /// The last answer and how many of `ids` it came after.
    answer: Option<(usize, Arc<Distribution>)>,
    /// If the engine keeps hidden states.
    keys: Option<CacheKeys>,
}

/// The state after the first `read` tokens.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) read: usize,
    state: State,
}

/// The same, rounded.
#[derive(Debug)]
pub(super) struct Snapshot {
    read: usize,
    state: CompressedState,
}

impl Default for StateHistory {
    fn default() -> Self {
        Self::new()
    }
}

impl StateHistory {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self {
            ids: Vec::new(),
            milestones: Vec::new(),
            recent: VecDeque::new(),
            stride: STRIDE,
            answer: None,
            keys: None,
        }
    }

    /// Memory that the states and tokens take, in bytes.
    pub fn bytes(&self) -> usize {
        let milestones: usize = self.milestones.iter().map(|m| m.state.bytes()).sum();
        let recent: usize = self.recent.iter().map(|r| r.state.bytes()).sum();
        let answer = self.answer.as_ref().map_or(0, |(_, answer)| {
            size_of_val(&answer.probabilities[..]) + size_of_val(&answer.hidden[..])
        });
        let keys = self.keys.as_ref().map_or(0, CacheKeys::bytes);
        milestones + recent + answer + keys + size_of_val(&self.ids[..])
    }

    /// What the network says after `context`, whose first id is `<s>`.
    ///
    /// Does not depend on what was asked before, up to the rounding of kept states.
    pub fn answer(
        &mut self,
        engine: &Engine,
        context: &[u32],
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
        let reading = self.nearest(engine, context.len());
        let answer = Arc::new(engine.answer(&reading.state));
        self.answer = Some((reading.read, Arc::clone(&answer)));
        Ok(answer)
    }

    /// How many tokens of `context` are to be read before it can be answered.
    pub fn unread(&self, engine: &Engine, context: &[u32]) -> usize {
        let common = common_prefix(&self.ids, context);
        context.len() - self.nearest(engine, common).read
    }

    /// Knows an answer again that it gave after the first `read` tokens, which are still the same.
    pub fn remember(&mut self, read: usize, answer: Arc<Distribution>) {
        self.answer = Some((read, answer));
    }

    /// [`StateHistory::answer`], if it has been asked before and is still known.
    pub fn answered(&self, context: &[u32]) -> Option<Arc<Distribution>> {
        let (read, answer) = self.answer.as_ref()?;
        (self.ids.get(..*read)? == context).then(|| Arc::clone(answer))
    }

    /// Which of the last [`WINDOW`](super::WINDOW) places before the one after `context`, where the network has said
    /// `answer`, are like it. None, unless the engine [keeps hidden states](Engine::keep_hidden_states).
    pub fn similarities(
        &self,
        engine: &Engine,
        context: &[u32],
        answer: &Distribution,
    ) -> CosineScores {
        match (&self.keys, &engine.centre) {
            (Some(keys), Some(centre)) => {
                let (kernel, read) = (engine.network.kernel(), context.len());
                keys.similarities(kernel, &answer.hidden, centre, read)
            }
            _ => CosineScores {
                first: 1,
                cosines: Vec::new(),
            },
        }
    }

    /// Reads on in `context` until all is read or `stop` says so, which is asked every few milliseconds; whether all
    /// is read. What was read stays, and any later call goes on from there: a long document need not hold a thread for
    /// as long as it takes to read.
    pub fn read(
        &mut self,
        engine: &Engine,
        context: &[u32],
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, EngineError> {
        self.forget_what_differs(context);
        let mut reading = self.nearest(engine, context.len());
        if let Some(keys) = &self.keys
            && !keys.reach(context.len(), reading.read)
        {
            // A very long document: what was forgotten before this place is read again.
            reading = self.nearest(engine, CacheKeys::beginning(context.len()));
            if let Some(keys) = &mut self.keys {
                keys.restart(reading.read);
            }
        }
        let _span = debug_span!("advance", tokens = context.len() - reading.read).entered();
        while reading.read < context.len() && !stop() {
            // As far as the next milestone first, so that the others lie where they should.
            let most = if reading.read.is_multiple_of(STRIDE) {
                TOGETHER * STRIDE
            } else {
                STRIDE - reading.read % STRIDE
            };
            let ids = &context[reading.read..context.len().min(reading.read.saturating_add(most))];
            for (ids, block) in ids
                .chunks(STRIDE)
                .zip(engine.read(&reading.state, ids, stop)?)
            {
                if let Some(centre) = &engine.centre {
                    let keys = self
                        .keys
                        .get_or_insert_with(|| CacheKeys::new(centre.len()));
                    keys.extend(reading.read, &block.hidden, centre);
                }
                reading = Reading {
                    read: reading.read + ids.len(),
                    state: block.state,
                };
                self.ids.extend_from_slice(
                    context
                        .get(self.ids.len()..reading.read)
                        .unwrap_or_default(),
                );
                self.keep_milestone(&reading);
            }
        }
        let done = reading.read == context.len();
        self.keep_recent(reading);
        Ok(done)
    }

    /// Drops every state that has read a token which `context` has not, unless it is the context that is shorter: a
    /// cursor that moves back changes nothing.
    fn forget_what_differs(&mut self, context: &[u32]) {
        let common = common_prefix(&self.ids, context);
        if common < context.len() {
            self.ids.truncate(common);
            self.milestones
                .truncate(self.milestones.partition_point(|kept| kept.read <= common));
            self.recent.retain(|kept| kept.read <= common);
            self.answer.take_if(|(read, _)| *read > common);
            if let Some(keys) = &mut self.keys {
                keys.truncate(common);
            }
            if common <= STRIDE * MOST_SNAPSHOTS {
                self.stride = STRIDE; // it may have been a very long document before
            }
        }
    }

    /// The kept state that has read most, but not more than `length` tokens.
    pub(super) fn nearest(&self, engine: &Engine, length: usize) -> Reading {
        let behind = self
            .milestones
            .partition_point(|milestone| milestone.read <= length);
        let milestone = self.milestones[..behind].last();
        let recent = self.recent.iter().filter(|reading| reading.read <= length);
        match (milestone, recent.max_by_key(|reading| reading.read)) {
            (milestone, Some(recent)) if milestone.is_none_or(|m| m.read <= recent.read) => {
                recent.clone()
            }
            (Some(milestone), _) => Reading {
                read: milestone.read,
                state: milestone.state.expand(),
            },
            (None, _) => Reading {
                read: 0,
                state: engine.network.start(),
            },
        }
    }

    fn keep_milestone(&mut self, reading: &Reading) {
        let is_new = self
            .milestones
            .last()
            .is_none_or(|last| last.read < reading.read);
        if is_new && reading.read.is_multiple_of(self.stride) {
            self.milestones.push(Snapshot {
                read: reading.read,
                state: reading.state.compress(),
            });
        }
        if self.milestones.len() > MOST_SNAPSHOTS {
            // A very long document: twice as far apart from here on.
            self.stride *= 2;
            self.milestones
                .retain(|milestone| milestone.read.is_multiple_of(self.stride));
        }
    }

    fn keep_recent(&mut self, reading: Reading) {
        self.recent.retain(|other| other.read != reading.read);
        self.recent.push_back(reading);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }
}
