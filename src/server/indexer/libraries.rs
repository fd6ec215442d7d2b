//! Declarations of imported modules, read from the Python environment on demand.
//!
//! The search follows imports from module to module up to the definition of a name, breadth-first and within limits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::paths::to_library_path;
use super::project::ProjectFiles;
use super::walk::MAX_FILE_BYTES;
use crate::files::python_files;
use crate::symbols::ModuleRef;
use crate::tokenizer::Vocabulary;
use crate::workspace::environment::{self, Environment, Module, modules_in};
use crate::workspace::{Imports, WorkspaceIndex};

/// Maximum number of modules searched per document.
const MAX_MODULES_SEARCHED: usize = 256;
/// Maximum size of the library symbols in one document's context, in bytes.
const MAX_SYMBOL_BYTES: usize = 1_000_000;
/// Maximum number of imports followed from a module to the definition of a name.
const MAX_HOPS: usize = 4;

/// The environment, and a cache of its packages' submodules.
pub(super) struct Libraries {
    environment: Environment,
    setting: String,
    /// Top-level modules of the environment.
    top_modules: Arc<[Box<str>]>,
    /// Submodules of the packages read so far, by the package's path.
    submodules: HashMap<String, Vec<ModuleRef>>,
}

/// The modules of the environment that one document imports.
#[derive(Default)]
pub(super) struct FoundLibraries {
    /// Library paths of the modules that have been read.
    pub(super) paths: Vec<String>,
    /// Modules known only by name.
    pub(super) submodules: Vec<ModuleRef>,
}

impl Libraries {
    /// Creates an instance without an environment.
    pub(super) fn none() -> Self {
        Self {
            environment: Environment::default(),
            setting: environment::NONE.to_owned(),
            top_modules: Arc::default(),
            submodules: HashMap::new(),
        }
    }

    /// Opens the environment that `setting` names for a workspace with these folders.
    pub(super) fn open(setting: String, folders: &[PathBuf]) -> Self {
        let environment = Environment::new(&setting, folders);
        Self {
            top_modules: environment.names().into(),
            environment,
            setting,
            submodules: HashMap::new(),
        }
    }

    /// The setting that names the environment.
    pub(super) fn setting(&self) -> &str {
        &self.setting
    }

    /// The top-level modules of the environment.
    pub(super) fn top_modules(&self) -> Arc<[Box<str>]> {
        Arc::clone(&self.top_modules)
    }

    /// Whether the setting names an environment that contains no modules.
    pub(super) fn lacks_environment(&self) -> bool {
        let names_none = [environment::FOUND, environment::NONE].contains(&&*self.setting);
        self.environment.is_empty() && !names_none
    }

    /// Drops the cached declarations of a file that may have changed on disk.
    pub(super) fn forget(&mut self, index: &mut WorkspaceIndex, path: &Path) {
        let path = to_library_path(path);
        index.forget_library(&path);
        self.submodules.remove(&path);
    }

    /// Finds the modules outside the project that a document imports, and reads those that are not cached.
    #[expect(clippy::too_many_lines, reason = "one search, bounded by one budget")]
    pub(super) fn find(
        &mut self,
        vocabulary: &Vocabulary,
        project: &mut ProjectFiles,
        imports: &Imports,
    ) -> FoundLibraries {
        let absolute = imports.modules().filter(|module| !module.starts_with('.'));
        // The queue of modules to find, each with the number of imports that lead to it.
        let mut queue: VecDeque<(String, usize)> =
            absolute.map(|module| (module.to_owned(), 0)).collect();
        let (mut found, mut bytes) = (FoundLibraries::default(), 0);
        let mut searched = HashSet::new();
        while let Some((dotted, hops)) = queue.pop_front() {
            if searched.len() >= MAX_MODULES_SEARCHED {
                break;
            }
            if !searched.insert(dotted.clone()) {
                continue;
            }
            let Some(module) = self.environment.module(&dotted) else {
                continue;
            };
            let index_path = project.to_index_path(&module.path);
            if index_path.is_some_and(|path| project.index.contains(&path)) {
                continue;
            }
            let path = to_library_path(&module.path);
            read_library(vocabulary, &mut project.index, &path, &module);
            let Some((imports, length)) = project.index.library(&path) else {
                continue;
            };
            let is_package = module.path.ends_with("__init__.py");
            let is_imported_itself = hops == 0 && module.rest.is_empty();
            if hops < MAX_HOPS {
                let wanted_name = module.rest.split('.').next().unwrap_or_default();
                let mut further: Vec<&str> = imports.called(wanted_name).collect();
                if is_imported_itself {
                    // Modules that the document may name next: `os.path`, `numpy.linalg`.
                    further.extend(imports.aliased());
                    further.extend(
                        imports
                            .modules()
                            .filter(|import| import.starts_with('.') && !import[1..].contains('.')),
                    );
                }
                let further = further
                    .into_iter()
                    .filter_map(|import| absolute_module(import, module.name, is_package));
                queue.extend(further.map(|name| (name, hops + 1)));
            }
            if is_imported_itself
                && is_package
                && let Some(folder) = module.path.parent()
            {
                let package = module.name.rsplit('.').next().unwrap_or_default();
                let index = &mut project.index;
                let submodules = self.submodules.entry(path.clone()).or_insert_with(|| {
                    let mut names: Vec<_> = modules_in(folder).collect();
                    names.sort_unstable();
                    let modules = names.iter().map(|name| index.module(name, package));
                    modules.collect()
                });
                found.submodules.extend_from_slice(submodules);
            }
            if !found.paths.contains(&path) && bytes + length <= MAX_SYMBOL_BYTES {
                bytes += length;
                found.paths.push(path);
            }
        }
        found
    }
}

/// Reads the declarations of a module unless they are cached. An unreadable module has none.
fn read_library(
    vocabulary: &Vocabulary,
    index: &mut WorkspaceIndex,
    path: &str,
    module: &Module<'_>,
) {
    if index.library(path).is_some() {
        return;
    }
    // Unlike in the project, links are followed.
    let is_small_file = |data: fs::Metadata| data.is_file() && data.len() <= MAX_FILE_BYTES;
    let text = fs::metadata(&module.path).is_ok_and(is_small_file);
    let text = text.then(|| python_files::read(&module.path));
    let text = text.and_then(Result::ok).unwrap_or_default();
    index.read_library(vocabulary, path, &text, module.name);
}

/// The absolute name of `import`, which may start with dots, in the module `name`.
fn absolute_module(import: &str, name: &str, is_package: bool) -> Option<String> {
    let below = import.trim_start_matches('.');
    let level = import.len() - below.len();
    if level == 0 {
        return Some(import.to_owned());
    }
    let mut package = name;
    for _ in usize::from(is_package)..level {
        package = package.rsplit_once('.')?.0;
    }
    Some(format!("{package}.{below}"))
}

#[cfg(test)]
mod tests {
    use super::absolute_module;

    #[test]
    fn dots_count_from_the_importing_module_or_package() {
        let absolute = |import, is_package| absolute_module(import, "a.b.c", is_package);
        assert_eq!(absolute("os.path", false).as_deref(), Some("os.path"));
        assert_eq!(absolute(".d", false).as_deref(), Some("a.b.d"));
        assert_eq!(absolute(".d", true).as_deref(), Some("a.b.c.d"));
        assert_eq!(absolute("..d", false).as_deref(), Some("a.d"));
        assert_eq!(absolute("....d", false), None);
    }
}
