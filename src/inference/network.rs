//! The seam between a document's history and the network that reads it: [`Network`] and its [`StateStore`].
//!
//! [`StateHistory`](super::StateHistory) is written against these two traits. It knows which tokens were read and which
//! of them have changed; it does not know what a state is. Each network brings the store that suits it:
//!
//! - A recurrent state cannot be truncated, so [`RecurrentNetwork`](super::recurrent::RecurrentNetwork) keeps snapshots
//!   to go back to ([`SnapshotStore`](super::state_store::SnapshotStore)).
//! - A transformer's key-value cache belongs in a `StateStore` too. It truncates in place in
//!   [`StateStore::invalidate_after`], offers every position in [`StateStore::nearest`], and grows in [`Network::read`].
//!   Its `State` is the last hidden state, since the keys and values are in the store.
//!
//! [`ServedNetwork`](super::ServedNetwork) names the network that is served. To serve two, make it an enum.

use crate::tokenizer::TokenId;

/// A network that reads one document from left to right, a token at a time or many.
pub(super) trait Network {
    /// What it keeps of a document.
    type Store: StateStore;

    /// The state before the first token.
    fn start(&self) -> StateOf<Self>;

    /// Reads `ids` on from `at`, which comes from `store`, and moves `at` behind the tokens that it has read. Reads one
    /// or more, as many as it likes in one go, and asks `stop` every few milliseconds whether to return early.
    /// `store` receives what is worth keeping. Each id is below the size of the vocabulary.
    ///
    /// Returns the hidden state after each token read, `[T,H]`.
    fn read(
        &self,
        store: &mut Self::Store,
        at: &mut StateAt<StateOf<Self>>,
        ids: &[TokenId],
        stop: &dyn Fn() -> bool,
    ) -> Vec<f32>;

    /// The output layer's input in `state`, `[H]`.
    fn hidden(&self, state: &StateOf<Self>) -> Vec<f32>;

    /// The logits `[V]` for the hidden state `[H]`.
    fn logits(&self, hidden: &[f32]) -> Vec<f32>;
}

/// What a network keeps of one document, to read on from without starting over.
pub(super) trait StateStore: Default {
    /// A state after some tokens, in full precision.
    type State;

    /// The kept state that has read most, but at most `length` tokens; `None` if there is none.
    fn nearest(&self, length: usize) -> Option<StateAt<Self::State>>;

    /// Keeps the state at which reading has ended: the next edit is probably close to it.
    fn keep_recent(&mut self, at: StateAt<Self::State>);

    /// Drops what has read more than `length` tokens.
    fn invalidate_after(&mut self, length: usize);

    /// Memory, in bytes.
    fn bytes(&self) -> usize;
}

/// The state type of a network.
pub(super) type StateOf<N> = <<N as Network>::Store as StateStore>::State;

/// The state after the first `read` tokens.
#[derive(Clone, Debug)]
pub(super) struct StateAt<S> {
    pub(super) read: usize,
    pub(super) state: S,
}
