//! The project context of each open document, published by the indexer thread and read by all others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_lsp::ls_types::Uri;

use crate::context::ProjectContext;

type ByDocument = HashMap<Uri, Option<Arc<ProjectContext>>>;

/// Maps each open document to its context. A clone shares the map.
#[derive(Clone, Default)]
pub(super) struct Contexts(Arc<Mutex<ByDocument>>);

impl Contexts {
    /// The context of a document, if one has been published.
    pub(super) fn get(&self, uri: &Uri) -> Option<Arc<ProjectContext>> {
        self.lock().get(uri).cloned().flatten()
    }

    /// Adds an open document unless it already has an entry.
    pub(super) fn add(&self, uri: &Uri) {
        self.lock().entry(uri.clone()).or_default();
    }

    /// Removes a closed document.
    pub(super) fn remove(&self, uri: &Uri) {
        self.lock().remove(uri);
    }

    /// Publishes the context of a document, unless it has been closed in the meantime.
    pub(super) fn publish(&self, uri: &Uri, context: Option<Arc<ProjectContext>>) {
        let mut contexts = self.lock();
        let before = contexts
            .get_mut(uri)
            .map(|entry| std::mem::replace(entry, context));
        drop(contexts);
        drop(before); // freeing a context is slow, so it happens outside the lock
    }

    fn lock(&self) -> MutexGuard<'_, ByDocument> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
