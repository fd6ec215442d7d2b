//! Attributes: what the name after a dot refers to, in a module, a package, or a class and its bases.

use super::{Completeness, Location, MAX_INDIRECTIONS, Resolution, Resolver};
use crate::symbols::name::Name;
use crate::symbols::project::Origin;
use crate::symbols::table::{Expression, ScopeId, Symbol, SymbolKind};

impl Resolver<'_> {
    /// Resolves the names after the dots of a resolved value.
    pub(super) fn resolve_attributes(
        &mut self,
        of: Resolution,
        names: &[Name],
        before: u32,
        indirections: usize,
    ) -> Option<Resolution> {
        names.iter().try_fold(of, |of, &name| {
            self.resolve_attribute(of, name, before, indirections)
        })
    }

    /// Resolves a name after the dot of a resolved value.
    fn resolve_attribute(
        &mut self,
        of: Resolution,
        name: Name,
        before: u32,
        indirections: usize,
    ) -> Option<Resolution> {
        match of {
            Resolution::Module(module) => self.module_member(module, name, indirections),
            Resolution::Class(class) => self.class_attribute(class, name, before, indirections, 0),
            Resolution::Package(package) => {
                let module = self.submodule(package, name);
                Some(module.unwrap_or(Resolution::Package(name)))
            }
            Resolution::Function(_) | Resolution::Unknown => None,
        }
    }

    /// Resolves an attribute of a class's instances: a method, a nested class, or an assigned value; its own or inherited.
    fn class_attribute(
        &mut self,
        class: Location,
        name: Name,
        before: u32,
        indirections: usize,
        depth: usize,
    ) -> Option<Resolution> {
        if depth == MAX_INDIRECTIONS || !self.may_scan() {
            return None;
        }
        let (table, declared) = self.class(class)?;
        let own = match class.origin {
            Origin::Buffer => name,
            _ => self.inputs.names.in_project(name).unwrap_or(Name::NONE),
        };
        for symbol in table.declared_in(declared.scope) {
            let Symbol {
                name: other,
                at,
                kind,
                ..
            } = *table.symbol(symbol);
            if other != own || class.origin == Origin::Buffer && at >= before {
                continue;
            }
            let location = Location {
                origin: class.origin,
                symbol,
            };
            let found = match kind {
                SymbolKind::Function(_) => Some(Resolution::Function(location)),
                SymbolKind::Class(_) => Some(Resolution::Class(location)),
                SymbolKind::Attribute(value, _) | SymbolKind::Variable(value) => {
                    self.infer_value(location, value, indirections)
                }
                SymbolKind::Parameter(_) | SymbolKind::Import(_) => None,
            };
            if found.is_some() {
                return found;
            }
        }
        let bases = table.bases(declared).iter();
        bases.into_iter().find_map(|&base| {
            let base = self.base_class(class, base)?;
            self.class_attribute(base, name, before, indirections, depth + 1)
        })
    }

    /// The class that a base expression of another class names.
    pub(in crate::symbols) fn base_class(
        &mut self,
        class: Location,
        base: Expression,
    ) -> Option<Location> {
        let names = self.dotted_name(class.origin, base, true)?;
        if class.origin == Origin::Buffer {
            let Symbol { at, scope, .. } = *self.symbol(class)?;
            return match self.resolve_dotted_at(&names, at, scope, 0)? {
                Resolution::Class(base) => Some(base),
                _ => self.find_declaration(*names.last()?, true),
            };
        }
        self.class_named(class.origin, &names)
    }

    /// The class that a dotted name refers to in a file.
    pub(super) fn class_named(&mut self, origin: Origin, names: &[Name]) -> Option<Location> {
        if let Some(Resolution::Class(class)) = self.resolve_dotted_in(origin, names, 0) {
            return Some(class);
        }
        self.lower(Completeness::Unknown);
        self.find_declaration(*names.last()?, true)
    }

    /// Resolves a dotted name at the top level of a file.
    pub(super) fn resolve_dotted_in(
        &mut self,
        origin: Origin,
        names: &[Name],
        indirections: usize,
    ) -> Option<Resolution> {
        let end = self.inputs.buffer.len() as u32;
        let Origin::Module(module) = origin else {
            return self.resolve_dotted_at(names, end, ScopeId::MODULE, indirections);
        };
        let (&first, rest) = names.split_first()?;
        let first = self.module_member(module, first, indirections)?;
        self.resolve_attributes(first, rest, end, indirections)
    }
}
