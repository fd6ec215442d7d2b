//! One document's recurrent states, so that a keystroke costs the tokens it changed and not the whole buffer.
//!
//! States are kept at every 32nd token (*milestones*), to fall back on after an edit anywhere, and where the last few
//! questions were asked, since typing and deleting go back and forth over the same places; all of them in 16 bits a
//! number. A question replays from the nearest kept state before it. A state is dropped as soon as a token behind it
//! differs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::network::{BLOCK, CompressedState, State};
use super::{Engine, EngineError};
use crate::prefix::common_prefix;

/// Tokens between two milestones of a document that is not very long.
const STRIDE: usize = BLOCK;
/// Milestones kept: with hidden size 512, 4 KB each.
pub(super) const MOST_MILESTONES: usize = 1024;
/// Places of recent questions kept.
const RECENT: usize = 8;

/// What an engine has read of one document. Belongs to one engine: states of another mean nothing.
#[derive(Debug)]
pub struct Session {
    /// The tokens behind the kept states.
    ids: Vec<u32>,
    /// Ascending, at multiples of `stride`.
    pub(super) milestones: Vec<Kept>,
    /// Oldest first.
    recent: VecDeque<Kept>,
    /// Where the last call stopped, exactly as it was.
    pub(super) front: Option<Front>,
    stride: usize,
    /// The last answer and how many of `ids` it came after.
    answer: Option<(usize, Arc<[f32]>)>,
}

/// The state after the first `read` tokens.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) read: usize,
    state: CompressedState,
}

/// The same in full precision.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) read: usize,
    state: State,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self {
            ids: Vec::new(),
            milestones: Vec::new(),
            recent: VecDeque::new(),
            front: None,
            stride: STRIDE,
            answer: None,
        }
    }

    /// Memory that the states and tokens take, in bytes.
    pub fn bytes(&self) -> usize {
        let kept = self.milestones.iter().chain(&self.recent);
        let states: usize = kept.map(|kept| kept.state.bytes()).sum();
        let answer = self
            .answer
            .as_ref()
            .map_or(0, |(_, answer)| size_of_val(&**answer));
        states + answer + size_of_val(&self.ids[..])
    }

    /// Softmax over the vocabulary after `context`, whose first id is `<s>`.
    ///
    /// Does not depend on what was asked before, up to the rounding of kept states.
    pub fn distribution(
        &mut self,
        engine: &Engine,
        context: &[u32],
    ) -> Result<Arc<[f32]>, EngineError> {
        if context.is_empty() {
            return Err(EngineError::EmptyContext);
        }
        self.read(engine, context, &|| false)?;
        if let Some((read, answer)) = &self.answer
            && *read == context.len()
        {
            return Ok(Arc::clone(answer));
        }
        let front = self.nearest(engine, context.len());
        let answer: Arc<[f32]> = engine.distribution(&front.state).into();
        self.answer = Some((front.read, Arc::clone(&answer)));
        self.front = Some(front);
        Ok(answer)
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
        let mut front = self.nearest(engine, context.len());
        while front.read < context.len() && !stop() {
            let end = (front.read / STRIDE + 1)
                .saturating_mul(STRIDE)
                .min(context.len());
            engine.read(&mut front.state, &context[front.read..end])?;
            self.ids
                .extend_from_slice(context.get(self.ids.len()..end).unwrap_or_default());
            front.read = end;
            self.keep_milestone(&front);
        }
        let done = front.read == context.len();
        self.keep_recent(&front);
        self.front = Some(front);
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
            self.front.take_if(|front| front.read > common);
            self.answer.take_if(|(read, _)| *read > common);
        }
    }

    /// The kept state that has read most, but not more than `length` tokens; the front, if it is that, is taken.
    pub(super) fn nearest(&mut self, engine: &Engine, length: usize) -> Front {
        let behind = self.milestones.partition_point(|kept| kept.read <= length);
        let recent = self.recent.iter().filter(|kept| kept.read <= length);
        let kept = self.milestones[..behind]
            .last()
            .into_iter()
            .chain(recent)
            .max_by_key(|kept| kept.read);
        let least = kept.map_or(0, |kept| kept.read);
        let is_front = |front: &mut Front| (least..=length).contains(&front.read);
        match (self.front.take_if(is_front), kept) {
            (Some(front), _) => front,
            (None, Some(kept)) => Front {
                read: kept.read,
                state: kept.state.expand(),
            },
            (None, None) => Front {
                read: 0,
                state: engine.network.start(),
            },
        }
    }

    fn keep_milestone(&mut self, front: &Front) {
        let is_new = self
            .milestones
            .last()
            .is_none_or(|last| last.read < front.read);
        if is_new && front.read.is_multiple_of(self.stride) {
            self.milestones.push(front.compress());
        }
        if self.milestones.len() > MOST_MILESTONES {
            // A very long document: twice as far apart from here on.
            self.stride *= 2;
            self.milestones
                .retain(|kept| kept.read.is_multiple_of(self.stride));
        }
    }

    fn keep_recent(&mut self, front: &Front) {
        self.recent.retain(|other| other.read != front.read);
        self.recent.push_back(front.compress());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }
}

impl Front {
    fn compress(&self) -> Kept {
        Kept {
            read: self.read,
            state: self.state.compress(),
        }
    }
}
