//! Names of modules and packages, derived from the paths of their files.

use super::index::WorkspaceIndex;
use crate::symbols::{ModuleRef, Name};
use crate::tokenizer::TokenId;

impl WorkspaceIndex {
    /// The names of a module and its package, if nothing else is known of them.
    pub fn module(&mut self, module: &str, package: &str) -> ModuleRef {
        ModuleRef {
            name: self.part(module),
            package: self.part(package),
            is_top: false,
            is_package: false,
            is_certain: false,
        }
    }

    /// The name of a path component.
    fn part(&mut self, part: &str) -> Name {
        if part.is_empty() {
            return Name::NONE;
        }
        let token = self.names.intern(TokenId::UNK, part);
        if token == TokenId::UNK.get() {
            Name::NONE
        } else {
            self.names.name(token)
        }
    }

    /// The names of an indexed file's module.
    pub(super) fn module_name(&mut self, path: &str) -> ModuleRef {
        let module = path.strip_suffix(".py").unwrap_or(path);
        let is_package = module.ends_with("/__init__");
        let module = module.strip_suffix("/__init__").unwrap_or(module);
        let mut parts = module.rsplit('/').map(nameable);
        let mut part = || parts.next().unwrap_or_default();
        let (module, package) = (part(), part());
        ModuleRef {
            // In the workspace folder itself, or in a folder such as `src`.
            is_top: package.is_empty() || parts.count() <= 1,
            is_package,
            ..self.module(module, package)
        }
    }
}

/// A path component, or an empty string if it cannot be imported.
pub(super) fn nameable(part: &str) -> &str {
    if is_nameable(part) { part } else { "" }
}

/// Whether a path component is a valid name, unlike `0001_initial`.
pub(super) fn is_nameable(part: &str) -> bool {
    let is_word = part.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_word && !part.starts_with(|c: char| c.is_ascii_digit())
}
