//! Cancels a request when a newer one of the same method arrives for the same document. The older request is answered
//! immediately.
//!
//! Requests of different methods do not supersede each other, since one keystroke sends several.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// The newest request for each key.
#[derive(Debug)]
pub struct Supersede<K>(Mutex<HashMap<K, oneshot::Sender<()>>>);

impl<K> Default for Supersede<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Supersede<K> {
    /// Starts a request and cancels the previous one with the same key. The receiver resolves when the request is
    /// cancelled: with an error, since nothing is ever sent.
    pub fn start(&self, key: K) -> oneshot::Receiver<()> {
        let (sender, cancelled) = oneshot::channel();
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // This drops the older request's sender, which resolves its receiver.
        newest.insert(key, sender);
        cancelled
    }

    /// Cancels the request with this key.
    pub fn cancel(&self, key: &K) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oneshot::error::TryRecvError::{Closed, Empty};

    #[test]
    fn a_newer_request_cancels_the_older_one_of_its_method() {
        let requests = Supersede::default();
        let mut first = requests.start(("a.py", "completion"));
        let mut other = requests.start(("a.py", "nextTokens"));
        assert_eq!(first.try_recv(), Err(Empty));
        let mut second = requests.start(("a.py", "completion"));
        assert_eq!(first.try_recv(), Err(Closed));
        assert_eq!(second.try_recv(), Err(Empty));
        requests.cancel(&("a.py", "completion"));
        assert_eq!(second.try_recv(), Err(Closed));
        assert_eq!(other.try_recv(), Err(Empty));
    }
}
