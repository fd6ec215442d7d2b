//! Members of a module: its declarations, its submodules, and the names that it re-exports.

use super::collector::Collector;
use super::counts::MemberCounts;
use crate::symbols::name::Name;
use crate::symbols::resolve::{Completeness, MAX_INDIRECTIONS, ResolverInputs};
use crate::symbols::table::{ScopeId, SymbolKind, SymbolTable};
use crate::symbols::token::TokenKind;

/// Weight of a variable of a module, usually a constant.
const VARIABLE_WEIGHT: f32 = 0.3;
/// Weight of a submodule.
const SUBMODULE_WEIGHT: f32 = 0.3;
/// Weight of a name that a module imports from its own package for its own use. Imports in a package's own file are meant
/// for others and keep full weight.
const IMPORT_WEIGHT: f32 = 0.1;

impl Collector<'_> {
    /// Adds a module's definitions, the names it re-exports from its package, and its submodules if it is a package.
    pub(super) fn add_module(&mut self, module: u32, seen: &mut Vec<u32>) {
        if seen.contains(&module) {
            return;
        }
        if seen.len() > MAX_INDIRECTIONS && !self.resolver.may_scan() {
            self.counts.lower(Completeness::Unknown);
            return;
        }
        seen.push(module);
        let ResolverInputs { project, names, .. } = self.resolver.inputs;
        let own = &project.modules()[module as usize];
        for inside in project.modules_in(own.names.name) {
            self.counts
                .add_at_least(names.in_buffer(inside), SUBMODULE_WEIGHT);
        }
        let Some(table) = &own.symbols else {
            self.counts.lower(Completeness::Unknown);
            return;
        };
        if !own.names.is_certain || !table.is_exact() {
            self.counts.lower(Completeness::Unknown);
        }
        if table.has_dynamic_names {
            self.counts.lower(Completeness::Partial);
        }
        for id in table.declared_in(ScopeId::MODULE) {
            let symbol = table.symbol(id);
            let name = names.in_buffer(symbol.name);
            match symbol.kind {
                SymbolKind::Class(_) => self.counts.add_at_least(name, 1.0),
                SymbolKind::Function(_) => {
                    if names.token_kind(name) == TokenKind::GetAttr {
                        self.counts.lower(Completeness::Unknown);
                    }
                    self.counts.add_at_least(name, 1.0);
                }
                SymbolKind::Variable(_) => self.counts.add_at_least(name, VARIABLE_WEIGHT),
                SymbolKind::Import(import) => self.add_reexport(module, table, import, seen),
                SymbolKind::Attribute(..) | SymbolKind::Parameter(_) => {}
            }
        }
    }

    /// Adds the modules of a package.
    pub(super) fn add_package(&mut self, package: Option<Name>) {
        let ResolverInputs { project, names, .. } = self.resolver.inputs;
        if let Some(package) = package.and_then(|package| names.in_project(package)) {
            for module in project.modules_in(package) {
                self.counts.add_at_least(names.in_buffer(module), 1.0);
            }
        }
        self.counts.lower(Completeness::Unknown);
    }

    /// Adds the names of an import that other modules may import from here. `import posixpath as path` is meant to be
    /// re-exported; `import sys` is not.
    fn add_reexport(&mut self, module: u32, table: &SymbolTable, import: u32, seen: &mut Vec<u32>) {
        let import = table.import(import);
        if !import.is_star {
            if import.is_own_package || import.member.is_none() && !import.is_plain {
                let modules = self.resolver.inputs.project.modules();
                let is_package = modules[module as usize].names.is_package;
                let is_use = import.is_own_package && !is_package;
                let name = self.in_buffer(import.bound);
                self.counts
                    .add_at_least(name, if is_use { IMPORT_WEIGHT } else { 1.0 });
            }
            return;
        }
        let Some(other) = self.resolver.imported_module(module, import) else {
            self.counts.lower(Completeness::Partial);
            return;
        };
        let before = std::mem::replace(&mut self.counts, MemberCounts::new());
        self.add_module(other, seen);
        let taken = std::mem::replace(&mut self.counts, before);
        for (name, count) in taken.names {
            if !self.resolver.inputs.names.is_private(name) {
                self.counts.add_at_least(name, count);
            }
        }
        self.counts.lower(taken.completeness);
    }
}
