//! The raw prediction: the most probable next tokens, whether or not they can be inserted.

use super::candidate::{NextToken, NextTokens};
use super::completer::Completer;
use super::context::CompletionContext;
use super::session::{CachedPrediction, CompletionSession};
use crate::context::{CandidateId, CandidateSpace};
use crate::inference::EngineError;

impl Completer {
    /// The `k` most probable next tokens at byte `cursor`, predicted in place of the typed prefix, whether or not they match
    /// it. Inside an open string the prefix is empty, and the tokens are those after the string. `stop` is polled while the
    /// network reads; if it returns true, the result is `None`.
    pub fn next_tokens(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        k: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<NextTokens>, EngineError> {
        let context = CompletionContext::new(session, &self.lexicon, text, cursor);
        if !session.states.read(&self.engine, &session.ids, stop)? {
            return Ok(None);
        }
        session.truncated = None;
        self.ensure_prediction(session)?;
        let cached = session.prediction.iter();
        let tokens = cached.flat_map(|cached| {
            let space = cached.prediction.space(&session.buffer);
            let all = cached.prediction.candidates().collect();
            let best = self.best(&space, cached, all, k).into_iter();
            best.filter_map(move |(candidate, probability)| {
                self.next_token(&space, cached, candidate, probability)
            })
        });
        Ok(Some(NextTokens {
            prefix: context.prefix,
            tokens: tokens.collect(),
        }))
    }

    fn next_token(
        &self,
        space: &CandidateSpace<'_>,
        cached: &CachedPrediction,
        candidate: CandidateId,
        probability: f32,
    ) -> Option<NextToken> {
        let (token, id) = self.lexicon.token_of(space, candidate)?;
        Some(NextToken {
            token: token.to_owned(),
            id,
            probability,
            network: if space.is_out_of_vocabulary(candidate) {
                0.0
            } else {
                cached.distribution.probability(id)
            },
            expert_shares: (cached.prediction).expert_shares(
                space,
                &cached.distribution,
                candidate,
            ),
        })
    }
}
