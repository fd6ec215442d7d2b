//! Snapshots of a recurrent network's states along one document.
//!
//! A recurrent state cannot be truncated after an edit, so the network returns to an earlier one and replays the tokens
//! after it. Rounded snapshots at every 32nd token serve an edit anywhere. The exact states where reading last stopped
//! serve typing and deleting, which move back and forth over the same places.

use std::collections::VecDeque;

use super::network::{StateAt, StateStore};
use super::recurrent_state::{CompressedState, RecurrentState};

/// Number of tokens between two snapshots, unless the document is very long.
pub(super) const STRIDE: usize = 32;
/// Maximum number of snapshots: with hidden size 512, each takes 4 KB.
pub(super) const MAX_SNAPSHOTS: usize = 1024;
/// Maximum number of exact states.
const MAX_RECENT: usize = 8;

/// The states of one document: a [`StateStore`] of snapshots.
#[derive(Debug)]
pub(super) struct SnapshotStore {
    /// Ascending, at multiples of `stride`.
    snapshots: Vec<StateAt<CompressedState>>,
    /// Oldest first.
    recent: VecDeque<StateAt<RecurrentState>>,
    stride: usize,
}

impl SnapshotStore {
    /// An empty store.
    pub(super) fn new() -> Self {
        Self {
            snapshots: Vec::new(),
            recent: VecDeque::new(),
            stride: STRIDE,
        }
    }

    /// Keeps a snapshot of `at` if it is new and at a multiple of the stride.
    pub(super) fn keep_snapshot(&mut self, at: &StateAt<RecurrentState>) {
        let last = self.snapshots.last();
        let is_new = last.is_none_or(|last| last.read < at.read);
        if is_new && at.read.is_multiple_of(self.stride) {
            self.snapshots.push(StateAt {
                read: at.read,
                state: at.state.compress(),
            });
        }
        if self.snapshots.len() > MAX_SNAPSHOTS {
            // A very long document: double the stride.
            self.stride *= 2;
            self.snapshots
                .retain(|snapshot| snapshot.read.is_multiple_of(self.stride));
        }
    }

    /// Number of snapshots.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.snapshots.len()
    }
}

impl StateStore for SnapshotStore {
    type State = RecurrentState;

    fn nearest(&self, length: usize) -> Option<StateAt<RecurrentState>> {
        let before = self.snapshots.partition_point(|kept| kept.read <= length);
        let snapshot = self.snapshots[..before].last();
        let recent = self.recent.iter().filter(|kept| kept.read <= length);
        match (snapshot, recent.max_by_key(|kept| kept.read)) {
            (snapshot, Some(recent)) if snapshot.is_none_or(|s| s.read <= recent.read) => {
                Some(recent.clone())
            }
            (snapshot, _) => snapshot.map(|snapshot| StateAt {
                read: snapshot.read,
                state: snapshot.state.expand(),
            }),
        }
    }

    fn keep_recent(&mut self, at: StateAt<RecurrentState>) {
        self.recent.retain(|other| other.read != at.read);
        self.recent.push_back(at);
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }

    fn invalidate_after(&mut self, length: usize) {
        let valid = self.snapshots.partition_point(|kept| kept.read <= length);
        self.snapshots.truncate(valid);
        self.recent.retain(|kept| kept.read <= length);
        if length <= STRIDE * MAX_SNAPSHOTS {
            self.stride = STRIDE; // the document may have been very long before
        }
    }

    fn bytes(&self) -> usize {
        let snapshots = self.snapshots.iter().map(|kept| kept.state.bytes());
        let recent = self.recent.iter().map(|kept| kept.state.bytes());
        snapshots.sum::<usize>() + recent.sum::<usize>()
    }
}
