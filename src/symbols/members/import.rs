//! Names that continue an import statement: members of a module, or the submodules of a package.

use super::collector::Collector;
use super::site::Site;
use crate::symbols::imports::{Expects, ImportStatement, ImportedName};
use crate::symbols::name::Name;
use crate::symbols::resolve::Completeness;

impl Collector<'_> {
    /// Adds the names that can continue an import statement.
    pub(super) fn add_importable(&mut self, statement: &ImportStatement) -> Option<Site> {
        let start = self.resolver.inputs.buffer.statement().start;
        let path = |path: &[usize]| -> Vec<Name> {
            path.iter().map(|&at| self.name(start + at)).collect()
        };
        match statement.expects {
            Expects::Submodule => {
                let module = match statement.names.last() {
                    Some(ImportedName { path: module, .. }) if !statement.is_from => path(module),
                    _ => path(&statement.module),
                };
                let package = self.resolver.package_at(statement.level, &module);
                self.add_package(package);
                // All members are known if the package has its own file.
                let file = self.resolver.module_at(statement.level, &module);
                let modules = self.resolver.inputs.project.modules();
                self.counts.completeness = match file {
                    Some(file) if modules[file as usize].names.is_certain => Completeness::Complete,
                    _ => Completeness::Unknown,
                };
                Some(Site::ModuleAttribute)
            }
            Expects::Member => {
                let module = path(&statement.module);
                if let Some(file) = self.resolver.module_at(statement.level, &module) {
                    self.add_module(file, &mut Vec::new());
                } else {
                    // A folder can be a package without a file of its own.
                    let package = self.resolver.package_at(statement.level, &module);
                    self.add_package(package);
                }
                for ImportedName { path, alias } in &statement.names {
                    for &at in path.iter().chain(alias) {
                        let name = self.name(start + at);
                        self.counts.names.remove(&name);
                    }
                }
                Some(Site::ImportedName)
            }
            Expects::Module | Expects::Other => None,
        }
    }
}
