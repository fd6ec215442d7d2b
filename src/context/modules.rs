//! Modules available to import statements.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Modules importable without a dot. The lists are sorted and shared between documents.
#[derive(Clone, Debug, Default)]
pub struct ImportableModules {
    /// Modules of the Python environment; empty if unknown.
    pub installed: Arc<[Box<str>]>,
    /// The project's own modules, including the document's.
    pub own: Arc<[Box<str>]>,
    /// Name of the document's own module.
    pub document: Box<str>,
}

/// Hashes the identity of the lists: they are large and immutable.
impl Hash for ImportableModules {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let lists = [&self.installed, &self.own].map(|list| (Arc::as_ptr(list).addr(), list.len()));
        (lists, &self.document).hash(state);
    }
}

impl ImportableModules {
    /// Whether no module is known.
    pub fn is_empty(&self) -> bool {
        self.installed.is_empty() && self.own.is_empty()
    }
}
