//! One document's recurrent states, so that a keystroke costs the tokens it changed and not the whole buffer.
//!
//! States are kept at every 32nd token (*milestones*), to fall back on after an edit anywhere, and where the last few
//! questions were asked, since typing and deleting go back and forth over the same places. A question replays from
//! the nearest kept state before it. A state is dropped as soon as a token behind it differs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Engine, EngineError, Reading};

/// Tokens between two milestones of a document that is not very long.
const STRIDE: usize = 32;
/// Milestones kept: with hidden size 512, about 10 KB each.
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
    stride: usize,
    /// The last answer and how many of `ids` it came after.
    answer: Option<(usize, Arc<[f32]>)>,
}

/// The network's reading after the first `read` tokens.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) read: usize,
    reading: Reading,
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
            stride: STRIDE,
            answer: None,
        }
    }

    /// Softmax over the vocabulary after `context`, whose first id is `<s>`.
    ///
    /// Does not depend on what was asked before, up to rounding.
    pub fn distribution(
        &mut self,
        engine: &Engine,
        context: &[u32],
    ) -> Result<Arc<[f32]>, EngineError> {
        self.read(engine, context, &|| false)?;
        if let Some((read, answer)) = &self.answer
            && *read == context.len()
        {
            return Ok(Arc::clone(answer));
        }
        let kept = self.nearest(engine, context.len())?;
        let answer: Arc<[f32]> = engine.distribution(&kept.reading)?.into();
        self.answer = Some((kept.read, Arc::clone(&answer)));
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
        let mut kept = self.nearest(engine, context.len())?;
        while kept.read < context.len() && !stop() {
            let end = (kept.read / STRIDE + 1)
                .saturating_mul(STRIDE)
                .min(context.len());
            let reading = engine.read(&kept.reading, &context[kept.read..end])?;
            self.ids
                .extend_from_slice(context.get(self.ids.len()..end).unwrap_or_default());
            kept = Kept { read: end, reading };
            self.keep_milestone(&kept);
        }
        let done = kept.read == context.len();
        self.keep_recent(kept);
        Ok(done)
    }

    /// Drops every state that has read a token which `context` has not, unless it is the context that is shorter: a
    /// cursor that moves back changes nothing.
    fn forget_what_differs(&mut self, context: &[u32]) {
        let common = self
            .ids
            .iter()
            .zip(context)
            .take_while(|(a, b)| a == b)
            .count();
        if common < context.len() {
            self.ids.truncate(common);
            self.milestones
                .truncate(self.milestones.partition_point(|kept| kept.read <= common));
            self.recent.retain(|kept| kept.read <= common);
            self.answer.take_if(|(read, _)| *read > common);
        }
    }

    /// The kept state that has read most, but not more than `length` tokens.
    pub(super) fn nearest(&self, engine: &Engine, length: usize) -> Result<Kept, EngineError> {
        let behind = self.milestones.partition_point(|kept| kept.read <= length);
        let recent = self.recent.iter().filter(|kept| kept.read <= length);
        match self.milestones[..behind]
            .last()
            .into_iter()
            .chain(recent)
            .max_by_key(|kept| kept.read)
        {
            Some(kept) => Ok(kept.clone()),
            None => Ok(Kept {
                read: 0,
                reading: engine.start()?,
            }),
        }
    }

    fn keep_milestone(&mut self, kept: &Kept) {
        let is_new = self
            .milestones
            .last()
            .is_none_or(|last| last.read < kept.read);
        if is_new && kept.read.is_multiple_of(self.stride) {
            self.milestones.push(kept.clone());
        }
        if self.milestones.len() > MOST_MILESTONES {
            // A very long document: twice as far apart from here on.
            self.stride *= 2;
            self.milestones
                .retain(|kept| kept.read.is_multiple_of(self.stride));
        }
    }

    fn keep_recent(&mut self, kept: Kept) {
        self.recent.retain(|other| other.read != kept.read);
        self.recent.push_back(kept);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }
}
