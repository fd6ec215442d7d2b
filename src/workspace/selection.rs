//! Builds a document's project context from a selection of files.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHashSet;

use super::index::WorkspaceIndex;
use super::module_names::nameable;
use super::suffix::SuffixText;
use crate::context::{Declarations, ImportableModules, ProjectContext};
use crate::symbols::{self, Module, ModuleRef, Name, SymbolTable};

/// The contents of a document's project context.
#[derive(Clone, Debug, Default)]
pub struct ContextSelection<'a> {
    /// The text below the edited line in the document itself.
    pub suffix: SuffixText,
    /// The paths of nearby files, nearest first: [`WorkspaceIndex::nearest`].
    pub near: Vec<&'a str>,
    /// The paths of imported files, direct and indirect: [`WorkspaceIndex::imported`].
    pub imported: Vec<&'a str>,
    /// The paths of files whose declarations alone are used: libraries ([`WorkspaceIndex::read_library`]) or others.
    pub libraries: Vec<&'a str>,
    /// Modules known only by name: [`WorkspaceIndex::module`], [`WorkspaceIndex::modules_in`].
    pub submodules: Vec<ModuleRef>,
    /// Modules that can be imported without a dot.
    pub importable: ImportableModules,
}

impl WorkspaceIndex {
    /// A fingerprint of a selection: of its files, their order and their contents.
    pub fn state_of(&self, around: &ContextSelection<'_>) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        (&around.suffix, &around.submodules, &around.importable).hash(&mut hasher);
        let near = around.near.iter().map(|path| (path, self.files.get(*path)));
        for (path, file) in near {
            (path, file.map(|file| file.version)).hash(&mut hasher);
        }
        for path in around.imported.iter().chain(&around.libraries) {
            let file = self.files.get(*path).map(|file| file.version);
            let library = self.libraries.get(*path).map(|file| file.version);
            (path, file, library).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The project context of the document at `path`.
    pub fn surroundings(&self, path: &str, around: &ContextSelection<'_>) -> ProjectContext {
        // A file's own package is the folder that contains it.
        let folders = path.rsplit('/').skip(1).map(nameable);
        let packages = folders.map(|part| {
            let name = self.names.find(part).filter(|_| !part.is_empty());
            name.unwrap_or(Name::NONE)
        });
        let declarations = Declarations {
            packages: packages.collect(),
            modules: self.modules(around),
            suffix: self.suffix_symbols(&around.suffix),
        };
        let files = around.near.iter().filter_map(|path| self.files.get(*path));
        let SuffixText { tokens, words, .. } = &around.suffix;
        ProjectContext::new(
            self.names.syntax(),
            [self.names.words(), words],
            tokens,
            files.map(|file| &file.tokens[..]),
            declarations,
            around.importable.clone(),
        )
    }

    /// The symbol tables of the files in a selection.
    fn modules(&self, around: &ContextSelection<'_>) -> Vec<Module> {
        let own = around.importable.own.iter();
        let own: FxHashSet<Name> = own.filter_map(|name| self.names.find(name)).collect();
        let imported: FxHashSet<&str> = around.imported.iter().copied().collect();
        let read = |path: &str| {
            let file = self.files.get(path)?;
            let names = ModuleRef {
                is_top: file.names.is_top && !self.is_in_package(path),
                is_certain: imported.contains(path),
                ..file.names
            };
            let mut symbols =
                symbols::build(self.names.numbered_tokens(&file.tokens, &file.columns));
            symbols.mark_own_package(|first| first == names.name || own.contains(&first));
            Some(Module {
                names,
                symbols: Some(symbols),
            })
        };
        let is_near: FxHashSet<&str> = around.near.iter().copied().collect();
        let others = around
            .imported
            .iter()
            .filter(|path| !is_near.contains(*path));
        let files = around.near.iter().chain(others).copied();
        let libraries = around.libraries.iter().filter_map(|path| {
            let Some(library) = self.libraries.get(*path) else {
                return read(path);
            };
            Some(Module {
                names: library.names,
                symbols: Some(library.symbols.clone()),
            })
        });
        let submodules = around.submodules.iter().map(|&names| Module {
            names,
            symbols: None,
        });
        let files = files.filter_map(read);
        files.chain(libraries).chain(submodules).collect()
    }

    /// The symbol table of the suffix.
    fn suffix_symbols(&self, suffix: &SuffixText) -> SymbolTable {
        let tokens = self.names.numbered_tokens(&suffix.tokens, &suffix.columns);
        symbols::build_suffix(tokens, &suffix.scopes)
    }
}
