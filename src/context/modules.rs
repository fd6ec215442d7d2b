//! How modules are named: those around a buffer, and those that can be imported.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The name of a module: its last part, and that of the package that it is in. Both are token numbers, of the workspace or, in a
/// [`ProjectContext`](super::ProjectContext), of its tokens; [`UNK`](crate::tokenizer::UNK) for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleRef {
    /// `c` of `a.b.c`.
    pub module: u32,
    /// `b` of `a.b.c`.
    pub package: u32,
    /// It is imported by this name alone, as far as is known: it is `a`.
    pub is_top: bool,
    /// It is a package: other modules are in it.
    pub is_package: bool,
    /// Everything that it declares is known.
    pub is_outline: bool,
}

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
