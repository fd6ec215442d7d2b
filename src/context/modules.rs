//! The modules that can be imported.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The modules that can be imported without a dot. The lists are sorted, and shared by many documents.
#[derive(Clone, Debug, Default)]
pub struct ImportableModules {
    /// Those of the Python environment; empty if that is not known.
    pub installed: Arc<[Box<str>]>,
    /// The project's own modules, the document's among them.
    pub own: Arc<[Box<str>]>,
    /// The name of the document's own module.
    pub document: Box<str>,
}

/// By the identity of the lists: they are large, and never changed.
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
