//! Runs the network over the session's tokens and caches the prediction of the next one.

use std::sync::Arc;

use tracing::debug_span;

use super::completer::Completer;
use super::context::CompletionContext;
use super::effort::Effort;
use super::session::{CachedPrediction, CompletionSession};
use crate::context::{BufferTokens, CandidateId, CandidateSpace};
use crate::inference::{CosineScores, Distribution, EngineError, TruncatedContext};
use crate::prediction::Prediction;
use crate::python::CursorIn;

/// The text that a prediction takes into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// All text before the cursor.
    Full,
    /// Only the last tokens before the cursor.
    Truncated,
}

impl Completer {
    /// Reads ahead: runs the network over the text before byte `cursor` and caches the prediction there. Returns whether that
    /// is done.
    ///
    /// With [`Effort::Immediate`], only returns whether it is unnecessary: the prediction is cached, or the cursor is in a
    /// string or a comment, which seldom ends with the next keystroke.
    pub fn read(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        effort: Effort<'_>,
    ) -> Result<bool, EngineError> {
        let Some(context) = CompletionContext::within(effort, session, &self.lexicon, text, cursor)
        else {
            return Ok(false);
        };
        let is_code = context.place == CursorIn::Code;
        let Effort::Full { stop } = effort else {
            return Ok(!is_code || session.cached().is_some());
        };
        let is_done = session.states.read(&self.engine, &session.ids, stop)?;
        if is_done {
            session.truncated = None;
            if is_code {
                self.ensure_prediction(session)?;
            }
        }
        Ok(is_done)
    }

    /// Caches the best prediction of the token after the session's ids that `effort` allows, if it allows any.
    pub(super) fn predict(
        &self,
        session: &mut CompletionSession,
        effort: Effort<'_>,
    ) -> Result<Option<Coverage>, EngineError> {
        let Effort::Full { stop } = effort else {
            return Ok(session.cached().map(|_| Coverage::Full));
        };
        let unread = session.states.unread(&self.engine, &session.ids);
        if TruncatedContext::is_wanted(session.truncated.as_ref(), unread) {
            self.ensure_truncated_prediction(session)?;
            return Ok(Some(Coverage::Truncated));
        }
        session.truncated = None;
        if !session.states.read(&self.engine, &session.ids, stop)? {
            return Ok(None);
        }
        self.ensure_prediction(session)?;
        Ok(Some(Coverage::Full))
    }

    /// Caches the prediction of the token after the session's ids, if it is not cached yet.
    pub(super) fn ensure_prediction(
        &self,
        session: &mut CompletionSession,
    ) -> Result<(), EngineError> {
        let distribution = session.states.distribution(&self.engine, &session.ids)?;
        if session.cached().is_none() {
            let (states, ids) = (&session.states, &session.ids);
            let similar = states.similarities(&self.engine, ids, &distribution);
            session.prediction = Some(self.mix(&session.buffer, distribution, &similar));
        }
        Ok(())
    }

    /// Caches the prediction from the last tokens alone, if it is not cached yet.
    fn ensure_truncated_prediction(
        &self,
        session: &mut CompletionSession,
    ) -> Result<(), EngineError> {
        let truncated = session.truncated.get_or_insert_default();
        let (distribution, similar) = truncated.answer(&self.engine, &session.ids)?;
        let cached = session.prediction.as_ref();
        if cached.is_none_or(|cached| !Arc::ptr_eq(&cached.distribution, &distribution)) {
            session.prediction = Some(self.mix(&session.buffer, distribution, &similar));
        }
        Ok(())
    }

    /// Mixes the network's distribution with the other experts, if the checkpoint has them.
    fn mix(
        &self,
        buffer: &BufferTokens,
        distribution: Arc<Distribution>,
        similar: &CosineScores,
    ) -> CachedPrediction {
        let _span = debug_span!("mix").entered();
        CachedPrediction {
            prediction: match &self.mixture {
                Some(mixture) => mixture.predict(buffer, &distribution, similar),
                None => Prediction::of_network(&distribution),
            },
            distribution,
        }
    }

    /// The `k` most probable of `candidates`, in the reranker's order if there is one.
    pub(super) fn best(
        &self,
        space: &CandidateSpace<'_>,
        cached: &CachedPrediction,
        candidates: Vec<CandidateId>,
        k: usize,
    ) -> Vec<(CandidateId, f32)> {
        let CachedPrediction {
            distribution,
            prediction,
        } = cached;
        let candidates = candidates.into_iter();
        match &self.mixture {
            Some(mixture) => mixture.rank(prediction, space, distribution, candidates, k),
            None => prediction.best(candidates, k),
        }
    }
}
