//! Which request counts: of each method, the newest one for a document. An older one is told, and answers at once.
//!
//! Methods are kept apart, so that the several requests of one keystroke do not put each other out of date.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// The newest request under each key.
#[derive(Debug)]
pub struct Latest<K>(Mutex<HashMap<K, oneshot::Sender<()>>>);

impl<K> Default for Latest<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Latest<K> {
    /// Makes a request the newest under its key. The receiver resolves (with an error, for nothing is ever sent) when a
    /// newer one takes its place.
    pub fn begin(&self, key: K) -> oneshot::Receiver<()> {
        let (sender, outdated) = oneshot::channel();
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Dropping the sender before it is what tells the older request.
        newest.insert(key, sender);
        outdated
    }

    /// Puts the request under this key out of date, with none in its place.
    pub fn end(&self, key: &K) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oneshot::error::TryRecvError::{Closed, Empty};

    #[test]
    fn a_newer_request_outdates_its_own_kind_only() {
        let latest = Latest::default();
        let mut first = latest.begin(("a.py", "completion"));
        let mut other = latest.begin(("a.py", "nextTokens"));
        assert_eq!(first.try_recv(), Err(Empty));
        let mut second = latest.begin(("a.py", "completion"));
        assert_eq!(first.try_recv(), Err(Closed));
        assert_eq!(second.try_recv(), Err(Empty));
        latest.end(&("a.py", "completion"));
        assert_eq!(second.try_recv(), Err(Closed));
        assert_eq!(other.try_recv(), Err(Empty));
    }
}
