//! Speculation: appends tokens to a session temporarily and restores it afterwards.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;

use super::session::{CachedPrediction, CompletionSession};
use crate::tokenizer::TokenId;

/// A session with appended tokens. Dropping the guard restores the session: its tokens, the network's last distribution, and
/// the cached prediction.
pub(super) struct Speculation<'s> {
    session: &'s mut CompletionSession,
    /// Number of tokens before the first appended one.
    tokens: usize,
    /// Number of distinct buffer tokens at the start.
    lexemes: usize,
    /// The cached prediction at the start, once a token is appended.
    prediction: Option<CachedPrediction>,
}

impl<'s> Speculation<'s> {
    /// Starts a speculation without appended tokens.
    pub(super) fn new(session: &'s mut CompletionSession) -> Self {
        Self {
            tokens: session.ids.len(),
            lexemes: session.buffer.lexemes().len(),
            prediction: None,
            session,
        }
    }

    /// Appends a token.
    pub(super) fn push(&mut self, id: TokenId, token: &str, is_name: bool) {
        if self.session.ids.len() == self.tokens {
            self.prediction = self.session.prediction.take();
        }
        self.session.ids.push(id);
        self.session.buffer.push(id, token, is_name, None);
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
        if thread::panicking() || self.session.ids.len() == self.tokens {
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
            session.states.restore(*tokens, distribution);
        }
        // The buffer keeps words interned in the meantime, and an older prediction has no candidates for them.
        session.prediction = prediction.filter(|_| session.buffer.lexemes().len() == *lexemes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::completion::tests::{joined_completer, next_tokens};

    proptest! {
        /// Whatever was speculated, the session answers as before, and from its cache if no new word was interned.
        #[test]
        fn a_dropped_speculation_leaves_no_trace(
            text in "([a-c]{1,2}[.(=, \n]){0,20}",
            words in prop::collection::vec("import|os|path|[a-d]{1,2}", 0..6),
        ) {
            let completer = joined_completer();
            let mut session = CompletionSession::new();
            let before = next_tokens(&completer, &mut session, &text, text.len(), 50);
            let (ids, words_before) = (session.ids.clone(), session.buffer.lexemes().len());

            let mut speculation = Speculation::new(&mut session);
            for word in &words {
                speculation.push(completer.vocabulary().id(word), word, word != "import");
                completer.ensure_prediction(&mut speculation).unwrap();
            }
            prop_assert_eq!(speculation.ids.len(), ids.len() + words.len());
            drop(speculation);

            prop_assert_eq!(&session.ids, &ids);
            prop_assert_eq!(session.buffer.len(), ids.len());
            let has_new_words = session.buffer.lexemes().len() != words_before;
            prop_assert_eq!(session.cached().is_some(), !has_new_words);
            let after = next_tokens(&completer, &mut session, &text, text.len(), 50);
            prop_assert_eq!(after, before);
        }
    }
}
