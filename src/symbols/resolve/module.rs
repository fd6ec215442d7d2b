//! Modules: what an import refers to, and what a module declares or re-exports.

use super::{Completeness, Location, MAX_INDIRECTIONS, Resolution, Resolver, ResolverInputs};
use crate::symbols::name::Name;
use crate::symbols::project::Origin;
use crate::symbols::table::{Import, SymbolKind};

impl Resolver<'_> {
    /// Resolves the name that an import of the buffer binds.
    pub(super) fn resolve_import(&mut self, import: u32, indirections: usize) -> Resolution {
        let table = self.inputs.buffer.table();
        let import = table.import(import);
        let path = table.path(import);
        let Some(member) = import.member else {
            // `import a.b` binds `a`; `import a.b as c` binds the module `a.b`.
            let path = if import.is_plain { &path[..1] } else { path };
            let module = self.module_at(0, path).map(Resolution::Module);
            let package = path.last().map(|&last| Resolution::Package(last));
            return module.or(package).unwrap_or(Resolution::Unknown);
        };
        let module = self.module_at(import.level.into(), path);
        let found = module.and_then(|module| self.module_member(module, member, indirections));
        // The package may have no file of its own.
        let found = found.or_else(|| {
            let package = self.package_at(import.level.into(), path)?;
            self.submodule(package, member)
        });
        // A file may lack the imported name, for example if it was not read to the end.
        found
            .or_else(|| self.class_by_name(member))
            .unwrap_or(Resolution::Unknown)
    }

    /// Finds a class by its name alone, which lowers the completeness.
    fn class_by_name(&mut self, class: Name) -> Option<Resolution> {
        self.lower(Completeness::Unknown);
        self.find_declaration(class, true).map(Resolution::Class)
    }

    /// The known module at a path of an import in the buffer, with `level` leading dots.
    pub(in crate::symbols) fn module_at(&self, level: usize, path: &[Name]) -> Option<u32> {
        let ResolverInputs { project, names, .. } = self.inputs;
        let part = |at: usize| names.in_project(path[at]);
        match (level, path.len()) {
            (_, 2..) => project.module(part(path.len() - 1)?, Some(part(path.len() - 2)?)),
            (0, 0) => None,
            (0, 1) => project.module(part(0)?, None),
            (level, 0) => project.package(level),
            (level, _) => project.module(part(0)?, Some(project.package_name(level)?)),
        }
    }

    /// The last name part of the module or package at a path of an import in the buffer.
    pub(in crate::symbols) fn package_at(&self, level: usize, path: &[Name]) -> Option<Name> {
        let ResolverInputs { project, names, .. } = self.inputs;
        match path.last() {
            Some(&last) => Some(last),
            None => Some(names.in_buffer(project.package_name(level)?)),
        }
    }

    /// The module `name` of a package.
    pub(super) fn submodule(&self, package: Name, name: Name) -> Option<Resolution> {
        let ResolverInputs { project, names, .. } = self.inputs;
        let package = names.in_project(package)?;
        let module = project.module(names.in_project(name)?, Some(package));
        module.map(Resolution::Module)
    }

    /// Resolves a member of a module: a declaration, a submodule, or a re-export.
    pub(super) fn module_member(
        &mut self,
        module: u32,
        name: Name,
        indirections: usize,
    ) -> Option<Resolution> {
        let ResolverInputs { project, names, .. } = self.inputs;
        let name = names.in_project(name)?;
        let symbols = project.bindings_in(module, name);
        let table = project.symbols(module);
        let origin = Origin::Module(module);
        let kinds = symbols.iter().filter_map(|&symbol| {
            let location = Location { origin, symbol };
            Some((location, table?.symbol(symbol).kind))
        });
        let mut values = Vec::new();
        let mut imports = Vec::new();
        let mut declared: Option<Resolution> = None;
        for (location, kind) in kinds {
            match kind {
                SymbolKind::Class(_) => return Some(Resolution::Class(location)),
                SymbolKind::Function(_) => {
                    declared = declared.or(Some(Resolution::Function(location)));
                }
                SymbolKind::Import(import) => imports.push(import),
                SymbolKind::Variable(value) => values.push((location, value)),
                SymbolKind::Parameter(_) | SymbolKind::Attribute(..) => {}
            }
        }
        let own = project.modules().get(module as usize)?.names.name;
        let inside = |own: Name| project.module(name, Some(own)).map(Resolution::Module);
        let declared = declared.or_else(|| inside(own.some()?));
        // Re-exports take longer to find.
        if declared.is_some() || indirections == MAX_INDIRECTIONS || !self.may_scan() {
            return declared;
        }
        for (location, value) in values {
            let found = self.infer_value(location, value, indirections);
            if found.is_some() {
                return found;
            }
        }
        let table = table?;
        for import in imports {
            let found = self.resolve_reexport(module, table.import(import), None, indirections);
            if found.is_some() {
                return found;
            }
        }
        let stars = table.imports().iter().filter(|import| import.is_star);
        stars.into_iter().find_map(|star| {
            let name = self.inputs.names.in_buffer(name);
            self.resolve_reexport(module, star, Some(name), indirections)
        })
    }

    /// Resolves what a module re-exports with an import: a member, the module itself, or a name matched by `*`.
    fn resolve_reexport(
        &mut self,
        module: u32,
        import: &Import,
        name: Option<Name>,
        indirections: usize,
    ) -> Option<Resolution> {
        let names = self.inputs.names;
        if import.is_plain {
            // `import a.b` binds `a`.
            let first = *self.inputs.project.symbols(module)?.path(import).first()?;
            let module = self.inputs.project.module(first, None);
            return module.map(Resolution::Module);
        }
        match name.or(import.member.map(|member| names.in_buffer(member))) {
            None => self.imported_module(module, import).map(Resolution::Module),
            Some(member) => {
                let other = self.imported_module(module, import);
                let found =
                    other.and_then(|other| self.module_member(other, member, indirections + 1));
                // `from . import module`
                found.or_else(|| {
                    let table = self.inputs.project.symbols(module)?;
                    let is_module = import.member.is_some() && table.path(import).is_empty();
                    let module = is_module.then(|| self.sibling_module(module, member))?;
                    module.map(Resolution::Module)
                })
            }
        }
    }

    /// The module that another module imports, or imports from.
    pub(in crate::symbols) fn imported_module(
        &mut self,
        module: u32,
        import: &Import,
    ) -> Option<u32> {
        let project = self.inputs.project;
        let path = project.symbols(module)?.path(import);
        match *path {
            [.., package, name] => match project.module(name, Some(package)) {
                None => self.guess_module(name),
                found => found,
            },
            [name] if import.level == 0 => {
                let top = || project.module(name, None);
                match project.sibling_module(module, name).or_else(top) {
                    None => self.guess_module(name),
                    found => found,
                }
            }
            [name] => match project.sibling_module(module, name) {
                None => self.guess_module(name),
                found => found,
            },
            // A package: the module's own, or the one that contains it.
            [] => {
                let names = project.modules()[module as usize].names;
                if names.is_package && import.level == 1 {
                    return Some(module);
                }
                let package = project.module_named(names.package.some()?);
                package.filter(|&found| found != module)
            }
        }
    }

    /// The module `name` inside or next to another module.
    fn sibling_module(&self, module: u32, name: Name) -> Option<u32> {
        let ResolverInputs { project, names, .. } = self.inputs;
        project.sibling_module(module, names.in_project(name)?)
    }

    /// Finds a module by the last part of its name alone, which lowers the completeness.
    fn guess_module(&mut self, name: Name) -> Option<u32> {
        let found = self.inputs.project.module_named(name)?;
        self.lower(Completeness::Unknown);
        Some(found)
    }
}
