//! Speculation: appends tokens to a session temporarily and restores it afterwards.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;

use super::session::{CachedPrediction, CompletionSession};
use crate::context::TokenId;

/// A session with appended tokens. Dropping the guard restores the session: its tokens, the network's last distribution, and
/// the cached prediction.
pub(super) struct Speculation<'s> {
    session: &'s mut CompletionSession,
    /// Number of tokens before the first appended one.
    tokens: usize,
    /// Number of distinct buffer tokens at the start.
    lexemes: usize,
    /// The cached prediction at the start.
    prediction: Option<CachedPrediction>,
}

impl<'s> Speculation<'s> {
    /// Starts a speculation without appended tokens.
    pub(super) fn new(session: &'s mut CompletionSession) -> Self {
        Self {
            tokens: session.ids.len(),
            lexemes: session.buffer.lexemes().len(),
            prediction: session.prediction.take(),
            session,
        }
    }

    /// Appends a token.
    pub(super) fn push(&mut self, id: u32, token: &str, is_name: bool) {
        self.session.ids.push(id);
        let buffer = &mut self.session.buffer;
        buffer.push(TokenId::new(id), token, is_name, None);
    }
}

impl Deref for Speculation<'_> {
    type Target = CompletionSession;

    fn deref(&self) -> &CompletionSession {
        self.session
    }
}

impl DerefMut for Speculation<'_> {
    fn deref_mut(&mut self) -> &mut CompletionSession {
        self.session
    }
}

impl Drop for Speculation<'_> {
    fn drop(&mut self) {
        // After a panic, the session may be inconsistent and is discarded. A second panic here would abort the process.
        if thread::panicking() {
            return;
        }
        let Self {
            session,
            tokens,
            lexemes,
            prediction,
        } = self;
        session.ids.truncate(*tokens);
        session.buffer.truncate(*tokens);
        let prediction = prediction.take();
        if let Some(cached) = &prediction {
            let distribution = Arc::clone(&cached.distribution);
            session.states.remember(*tokens, distribution);
        }
        // The buffer keeps words interned in the meantime, and an older prediction has no candidates for them.
        session.prediction = prediction.filter(|_| session.buffer.lexemes().len() == *lexemes);
    }
}
