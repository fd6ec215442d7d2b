//! Explains a candidate of a completion list: which experts predict its token.

use super::candidate::{Candidate, Origin};
use super::completer::Completer;
use super::session::CompletionSession;
use crate::prediction::Expert;

impl Completer {
    /// The experts that contribute at least 1 % to the probability of a candidate's token, with their shares, before members
    /// are raised to their floor and before reranking. Empty if the candidate's origin is not the model.
    ///
    /// The candidate must be from the last completion list of `session`: its prediction is still cached, so the network does
    /// not run.
    pub fn expert_shares(
        &self,
        session: &CompletionSession,
        candidate: &Candidate,
    ) -> Vec<(Expert, f32)> {
        let (Some(cached), Origin::Model) = (&session.prediction, candidate.origin) else {
            return Vec::new();
        };
        if self.mixture.is_none() {
            return vec![(Expert::Network, 1.0)];
        }
        let prediction = &cached.prediction;
        let space = prediction.space(&session.buffer);
        let token = &candidate.token;
        let found = space.find(self.vocabulary().id(token), token);
        let shares = |found| prediction.expert_shares(&space, &cached.distribution, found);
        found.map(shares).unwrap_or_default()
    }
}
