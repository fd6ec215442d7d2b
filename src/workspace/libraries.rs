//! Declarations of files outside the project, such as installed packages.

use super::files::Files;
use super::imports::Imports;
use super::index::WorkspaceIndex;
use super::library::Library;
use crate::symbols::{self, ModuleRef, Name, Numbering};
use crate::tokenizer::Vocabulary;

/// Maximum size of all libraries' symbols together, in bytes.
const MAX_SYMBOL_BYTES: usize = 12_000_000;

impl WorkspaceIndex {
    /// Reads the declarations of a library file that is imported under the dotted `name`.
    pub fn read_library(&mut self, vocabulary: &Vocabulary, path: &str, text: &str, name: &str) {
        let package = name.split('.').next().unwrap_or_default();
        let (mut symbols, spelled) = symbols::build_from_text(text);
        let number = |name: Name| match name.numbering() {
            Numbering::Project(number) => spelled[number as usize],
            _ => "",
        };
        symbols.mark_own_package(|first| number(first) == package);
        let symbols = symbols.renumbered(|name| {
            let text = number(name);
            let token = self.names.intern(vocabulary.id(text), text);
            self.names.name(token)
        });
        self.forget_library(path);
        if self.libraries.totals().bytes + symbols.bytes() > MAX_SYMBOL_BYTES {
            self.libraries = Files::default(); // read again if still imported
        }
        let mut parts = name.rsplit('.');
        let mut part = || parts.next().unwrap_or_default();
        let names = ModuleRef {
            is_top: !name.contains('.'),
            is_package: path.ends_with("__init__.py"),
            is_certain: true,
            ..self.module(part(), part())
        };
        self.version += 1;
        let library = Library {
            version: self.version,
            names,
            symbols,
            imports: Imports::of_text(text),
        };
        self.libraries.insert(path, library);
    }

    /// The imports of a library file and the size of its symbols in bytes, if it has been read.
    pub fn library(&self, path: &str) -> Option<(&Imports, usize)> {
        let file = self.libraries.get(path)?;
        Some((&file.imports, file.symbols.bytes()))
    }

    /// Drops a library file that may have changed.
    pub fn forget_library(&mut self, path: &str) {
        self.libraries.remove(path);
    }
}
