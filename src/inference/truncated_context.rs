//! A window of the last tokens of a document, for an answer before the whole document is read.

use std::sync::Arc;

use super::{CosineScores, Distribution, Engine, EngineError, StateHistory};
use crate::tokenizer::TokenId;

/// The number of unread tokens that takes too long to wait for: 0.2 s.
const FAR: usize = 8192;
/// The same once a window is in use: a short pause among quick answers would be noticed.
const CLOSE: usize = 256;
/// The minimum length of the window in tokens. An LSTM hardly remembers what it read more than 500 tokens ago, so it loses
/// little; a network that uses a longer context needs a longer window.
const WINDOW: usize = 1024;

/// The window, and the network's states in it.
#[derive(Debug, Default)]
pub struct TruncatedContext {
    /// The position of its first token.
    first: usize,
    states: StateHistory,
}

impl TruncatedContext {
    /// Whether too much is unread to wait for, so that an answer should come from a window. `begun` is the one in use.
    pub fn is_wanted(begun: Option<&Self>, unread: usize) -> bool {
        unread > if begun.is_some() { CLOSE } else { FAR }
    }

    /// The distribution after the last tokens of `context` alone, 1,024 or more, and the similarities of earlier places among them.
    pub fn answer(
        &mut self,
        engine: &Engine,
        context: &[TokenId],
    ) -> Result<(Arc<Distribution>, CosineScores), EngineError> {
        let start = context.first().ok_or(EngineError::EmptyContext)?;
        let latest = context.len().saturating_sub(WINDOW).max(1);
        // While the cursor moves on, the window grows to twice its length before it is replaced.
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
