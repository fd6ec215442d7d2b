//! A document's end read without what comes before it, for who cannot wait until all is.

use std::sync::Arc;

use super::{CosineScores, Distribution, Engine, EngineError, StateHistory};

/// Unread tokens that take too long to wait for, .2 s.
const FAR: usize = 8192;
/// The same where one has not waited: a short pause among quick answers would be noticed.
const CLOSE: usize = 256;
/// Tokens that are read: the network remembers little of what came before them.
const WINDOW: usize = 1024;

/// The last tokens of a document, which go on with it.
#[derive(Debug, Default)]
pub struct TruncatedContext {
    /// The first of them.
    first: usize,
    states: StateHistory,
}

impl TruncatedContext {
    /// Whether so much is unread that one had better go on with a glimpse, or begin one.
    pub fn is_wanted(begun: Option<&Self>, unread: usize) -> bool {
        unread > if begun.is_some() { CLOSE } else { FAR }
    }

    /// What the network says after the last tokens of `context` alone, 1,024 or more, and which of the places among them are
    /// like the one after them.
    pub fn answer(
        &mut self,
        engine: &Engine,
        context: &[u32],
    ) -> Result<(Arc<Distribution>, CosineScores), EngineError> {
        let start = context.first().ok_or(EngineError::EmptyContext)?;
        let latest = context.len().saturating_sub(WINDOW).max(1);
        // A cursor that goes on keeps its window, which grows to twice its length.
        if !(latest.saturating_sub(WINDOW).max(1)..=latest).contains(&self.first) {
            *self = Self {
                first: latest,
                states: StateHistory::new(),
            };
        }
        let window = [&[*start], &context[self.first..]].concat();
        let answer = self.states.answer(engine, &window)?;
        let mut similar = self.states.similarities(engine, &window, &answer);
        similar.first += self.first - 1;
        Ok((answer, similar))
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.states.bytes()
    }
}
