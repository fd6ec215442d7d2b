//! The interface between a document's history and the network that reads it: [`Network`] and its [`StateStore`].
//!
//! [`StateHistory`](super::StateHistory) is written against these two traits. It knows which tokens have been read and
//! which of them have changed, but not what a state is. Each network has a store of its own:
//!
//! - A recurrent state cannot be truncated, so [`RecurrentNetwork`](super::recurrent::RecurrentNetwork) keeps snapshots
//!   to go back to ([`SnapshotStore`](super::snapshot_store::SnapshotStore)).
//! - A transformer's key-value cache belongs in a `StateStore` too. [`Network::read`] extends it, and
//!   [`StateStore::invalidate_after`] truncates it. The keys and values stay in the store, and `State` is the last
//!   hidden state. The store therefore needs the hidden state of every position that [`StateStore::nearest`] offers, or
//!   offers an earlier position, from which the tokens are read again.
//!
//! [`ServedNetwork`](super::ServedNetwork) names the network that is served. To serve two kinds, make it and its store
//! enums: the [`Architecture`](crate::model::Architecture) in a checkpoint's `config.json` tells
//! [`Engine::new`](super::Engine::new) which one to build.

use crate::tokenizer::TokenId;

/// A network that reads one document from left to right, a token at a time or many.
pub(super) trait Network {
    /// What the network keeps of a document.
    type Store: StateStore;

    /// Creates an empty store, for a document of which nothing has been read.
    fn store(&self) -> Self::Store;

    /// The state before the first token. No logits are ever computed from it, since every context starts with `<s>`.
    fn start(&self) -> StateOf<Self>;

    /// Reads one or more of `ids`, starting at `at`, and advances `at`. Polls `stop` every few milliseconds. Adds
    /// reusable states to `store`. Each id is below the size of the vocabulary.
    ///
    /// `at` comes from `store` or from [`Network::start`]. It may precede the last state in `store`: after a shorter
    /// context, or when dropped hidden states are computed again. The tokens in between are unchanged, so states beyond
    /// `at.read` may stay in `store` or be overwritten, but must not be appended a second time.
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

/// The states that a network keeps of one document, so that it can continue without starting over.
///
/// A store bounds its own memory. If it has dropped states, [`StateStore::nearest`] returns an earlier one, and the
/// tokens after it are read again.
pub(super) trait StateStore {
    /// A state after some tokens, in full precision.
    type State;

    /// The latest stored state within the first `length` tokens; `None` if there is none.
    fn nearest(&self, length: usize) -> Option<StateAt<Self::State>>;

    /// Keeps the state at which reading stopped: the next edit is probably close to it. Directly afterwards,
    /// `nearest(at.read)` returns it.
    fn keep_recent(&mut self, at: StateAt<Self::State>);

    /// Drops the states that have read more than `length` tokens.
    fn invalidate_after(&mut self, length: usize);

    /// Memory, in bytes.
    fn bytes(&self) -> usize;
}

/// The store of a network.
pub(super) type StoreOf<N> = <N as Network>::Store;

/// The state of a network.
pub(super) type StateOf<N> = <StoreOf<N> as StateStore>::State;

/// The state after the first `read` tokens.
#[derive(Clone, Debug)]
pub(super) struct StateAt<S> {
    pub(super) read: usize,
    pub(super) state: S,
}
