//! The project's files as modules: resolves a document's imports, and lists importable modules.

use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::imports::{ImportSet, Imports, module_path};
use super::index::{File, WorkspaceIndex};
use super::module_names::is_nameable;
use crate::symbols::ModuleRef;

/// Maximum number of imported files.
const MAX_IMPORTED: usize = 64;
/// Maximum number of imports followed from a document to a file.
const MAX_HOPS: usize = 2;

impl WorkspaceIndex {
    /// The paths of the files that a document at `path` imports, directly or indirectly.
    pub fn imported(&self, path: &str, imports: &Imports) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut wanted = ImportSet::with_packages(&imports.resolve(path));
        for _ in 0..=MAX_HOPS {
            let files = self.files.iter().map(|(other, file)| (&**other, file));
            let mut new: Vec<(&str, &File)> = files
                .filter(|&(other, file)| {
                    other != path
                        && wanted.contains(other)
                        && self.may_be_meant(other, file, path)
                        && !found.contains(&other)
                })
                .collect();
            // A file deep in the tree is more likely to match by chance.
            new.sort_by_key(|(other, _)| other.matches('/').count());
            new.truncate(MAX_IMPORTED - found.len());
            found.extend(new.iter().map(|&(other, _)| other));
            wanted = ImportSet::of(new.iter().map(|(_, file)| &file.resolved));
        }
        found
    }

    /// Whether a document at `path` can import the file `other`, whose name matches. A file outside packages, such as
    /// `tools/logging.py`, must be in a folder above the document or in a folder named `src`.
    fn may_be_meant(&self, other: &str, file: &File, path: &str) -> bool {
        let folder = folder_of(other);
        let is_above = path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'));
        !file.names.is_top || self.is_in_package(other) || is_above || folder.ends_with("/src")
    }

    /// The names of the modules in the package whose `__init__.py` is at `path`: files, and folders that contain files.
    pub fn modules_in(&self, path: &str) -> Vec<ModuleRef> {
        let mut found: Vec<ModuleRef> = Vec::new();
        let Some(folder) = path.strip_suffix("__init__.py") else {
            return found;
        };
        let package = self.files.get(path).map(|file| file.names.name);
        let below = self
            .files
            .range::<str, _>((Bound::Included(folder), Bound::Unbounded));
        let below = below.take_while(|(other, _)| other.starts_with(folder));
        for (other, file) in below.filter(|(other, _)| ***other != *path) {
            let name = match other[folder.len()..].split_once('/') {
                None => Some(file.names.name),
                Some((inside, _)) => self.names.find(inside),
            };
            let (Some(name), Some(package)) = (name, package) else {
                continue;
            };
            let names = ModuleRef {
                name,
                package,
                is_top: false,
                is_package: false,
                is_certain: false,
            };
            if found.last() != Some(&names) {
                found.push(names);
            }
        }
        found
    }

    /// The top-level modules, sorted: files and folders outside packages. Cached until a file is added or removed.
    pub fn top_modules(&mut self) -> Arc<[Box<str>]> {
        let known = self.top_modules.take();
        let names = known.unwrap_or_else(|| self.find_top_modules());
        self.top_modules = Some(Arc::clone(&names));
        names
    }

    fn find_top_modules(&self) -> Arc<[Box<str>]> {
        let packages: FxHashSet<&str> = (self.files.keys())
            .filter_map(|path| path.strip_suffix("/__init__.py"))
            .collect();
        let mut names: FxHashSet<&str> = FxHashSet::default();
        for path in self.files.keys() {
            let module = module_path(path);
            for (end, _) in module.match_indices('/') {
                if !packages.contains(&module[..end]) {
                    names.extend(module[end + 1..].split('/').next());
                }
            }
        }
        let names = names.into_iter();
        let mut names: Vec<&str> = names
            .filter(|name| !name.is_empty() && is_nameable(name))
            .collect();
        names.sort_unstable();
        names.into_iter().map(Box::from).collect()
    }

    /// Whether a file is in a package.
    pub(super) fn is_in_package(&self, path: &str) -> bool {
        let folder = folder_of(path);
        self.files.contains_key(&*format!("{folder}/__init__.py"))
    }
}

/// The folder that contains a module's file or a package's folder.
fn folder_of(path: &str) -> &str {
    let module = module_path(path);
    module.rsplit_once('/').map_or("", |(folder, _)| folder)
}
