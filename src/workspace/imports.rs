//! The modules that a file imports, and their possible paths.

use rustc_hash::FxHashSet;

use crate::python;
use crate::symbols::{self, ImportStatement, ImportedName, TokenKind};

/// The modules that a file imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// Dotted, with the leading dots of relative imports, sorted. `from a import b` imports `a` and `a.b`; `*` counts
    /// as a name.
    modules: Vec<Box<str>>,
    /// Pairs of a name in this file and the module it refers to.
    aliases: Vec<(Box<str>, Box<str>)>,
}

/// The possible paths of imported modules, by their endings.
#[derive(Debug, Default)]
pub(super) struct ImportPaths {
    /// Parts of paths, without `.py`.
    ends: Box<[Box<str>]>,
}

/// The endings of several files' imports, in a hash set for testing many paths.
#[derive(Debug)]
pub(super) struct ImportSet {
    ends: FxHashSet<Box<str>>,
    /// The last part of each ending.
    names: FxHashSet<Box<str>>,
}

impl Imports {
    /// The imports of a file, given the texts of its tokens.
    pub fn of<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        let tokens: Vec<&str> = tokens.collect();
        let kinds: Vec<TokenKind> = tokens.iter().map(|token| TokenKind::of(token)).collect();
        let mut imports = Self::default();
        for (start, statement) in symbols::import_statements(&kinds) {
            imports.read(&statement, &tokens[start..]);
        }
        imports
    }

    /// Adds the imports of a statement, which starts at the first of `tokens`.
    fn read(&mut self, statement: &ImportStatement, tokens: &[&str]) {
        let dotted = |parts: &[usize]| {
            let parts: Vec<&str> = parts.iter().map(|&at| tokens[at]).collect();
            parts.join(".")
        };
        let dots = ".".repeat(statement.level);
        let module = dots + &dotted(&statement.module);
        // `from .` names a package only once something is imported from it.
        if !statement.module.is_empty() || !statement.names.is_empty() && statement.level > 0 {
            self.add(&module);
        }
        for ImportedName { path, alias } in &statement.names {
            let dot = if module.is_empty() || module.ends_with('.') {
                ""
            } else {
                "."
            };
            let whole = format!("{module}{dot}{}", dotted(path));
            if let Some(alias) = alias {
                let alias = tokens[*alias].into();
                self.aliases.push((alias, (&*whole).into()));
            }
            self.add(&whole);
        }
    }

    /// The imports of a file, given its text.
    pub fn of_text(text: &str) -> Self {
        Self::of(python::surfaces(text).iter().map(|token| &**token))
    }

    /// The modules, dotted and sorted, with the leading dots of relative imports.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(|module| &**module)
    }

    /// The modules that a name may come from: those that end with it, those imported under that name, and those
    /// imported with `*`.
    pub fn called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let modules = self.modules();
        let ending = modules.filter(move |module| {
            let last = module.rsplit('.').next().unwrap_or_default();
            last == "*" || last == name
        });
        let aliases = self
            .aliases
            .iter()
            .filter(move |(alias, _)| **alias == *name);
        ending.chain(aliases.map(|(_, module)| &**module))
    }

    /// The modules that are imported under another name.
    pub fn aliased(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|(_, module)| &**module)
    }

    fn add(&mut self, module: &str) {
        if let Err(at) = self.modules.binary_search_by(|other| (**other).cmp(module)) {
            self.modules.insert(at, module.into());
        }
    }

    /// The possible paths of the modules, imported from a file at `path`.
    pub(super) fn resolve(&self, path: &str) -> ImportPaths {
        let ends = self.modules.iter().filter_map(|module| {
            let name = module.trim_start_matches('.');
            let level = module.len() - name.len();
            let parts = name.replace('.', "/");
            if level == 0 {
                return Some(parts.into_boxed_str());
            }
            let mut folder = path;
            for _ in 0..level {
                folder = folder.rsplit_once('/')?.0;
            }
            Some(match &*parts {
                "" => folder.into(),
                parts => format!("{folder}/{parts}").into(),
            })
        });
        ImportPaths {
            ends: ends.collect(),
        }
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let aliases = self.aliases.iter().map(|(a, b)| 32 + a.len() + b.len());
        bytes_of(&self.modules) + aliases.sum::<usize>()
    }

    /// The fraction of these modules that another file also imports.
    pub(super) fn in_common(&self, other: &Self) -> f32 {
        let mut common = 0;
        for module in &self.modules {
            common += usize::from(other.modules.binary_search(module).is_ok());
        }
        common as f32 / self.modules.len().max(1) as f32
    }
}

impl ImportPaths {
    /// Whether the file at `path` may be one of the modules.
    pub(super) fn contains(&self, path: &str) -> bool {
        let module = module_path(path);
        self.ends.iter().any(|end| ends_with(module, end))
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        bytes_of(&self.ends)
    }
}

impl ImportSet {
    /// Combines the imports of several files.
    pub(super) fn of<'a>(all: impl Iterator<Item = &'a ImportPaths>) -> Self {
        Self::new(all.flat_map(|resolved| &*resolved.ends).map(|end| &**end))
    }

    /// The imports of one file and the packages that contain them, which Python also imports.
    pub(super) fn with_packages(resolved: &ImportPaths) -> Self {
        fn above<'a>(end: &&'a str) -> Option<&'a str> {
            Some(end.rsplit_once('/')?.0)
        }
        let ends = resolved.ends.iter().map(|end| &**end);
        Self::new(ends.flat_map(|end| std::iter::successors(Some(end), above)))
    }

    fn new<'a>(ends: impl Iterator<Item = &'a str>) -> Self {
        let ends: FxHashSet<Box<str>> = ends.map(Box::from).collect();
        let names = ends.iter().map(|end| last_part(end).into());
        Self {
            names: names.collect(),
            ends,
        }
    }

    /// Whether the file at `path` may be one of the modules.
    pub(super) fn contains(&self, path: &str) -> bool {
        let module = module_path(path);
        // The last part excludes most paths.
        self.names.contains(last_part(module)) && self.ends.iter().any(|end| ends_with(module, end))
    }
}

/// A file's path without `.py`, and a package's without `/__init__.py`.
pub(super) fn module_path(path: &str) -> &str {
    let module = path.strip_suffix(".py").unwrap_or(path);
    module.strip_suffix("/__init__").unwrap_or(module)
}

fn ends_with(module: &str, end: &str) -> bool {
    let before = module.strip_suffix(end);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn bytes_of(parts: &[Box<str>]) -> usize {
    parts.iter().map(|part| 16 + part.len()).sum()
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_from_the_tokens() {
        let found = Imports::of_text(
            "import os, a.b as c; import sys\nfrom . import (x as y,\n  z)\nfrom ..p.q import r, s\nimporter = 1\nfrom m import *\nx = 'import n'\nfrom",
        );
        let expected = "..p.q ..p.q.r ..p.q.s . .x .z a.b m m.* os sys";
        let mut expected: Vec<&str> = expected.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(
            found.modules.iter().map(|m| &**m).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn a_module_is_a_file_or_a_folder() {
        let found = Imports::of_text("from .near import x\nfrom ..up import y\nimport a.b.c\n");
        let resolved = found.resolve("p/q/r.py");
        for path in [
            "p/q/near.py",
            "p/up/__init__.py",
            "src/a/b/c.py",
            "a/b/c/__init__.py",
            "p/q/near/x.py",
        ] {
            assert!(resolved.contains(path), "{path}");
        }
        for path in ["p/near.py", "xa/b/c.py", "p/q/up.py", "c.py", "a/b.py"] {
            assert!(!resolved.contains(path), "{path}");
        }
    }
}
