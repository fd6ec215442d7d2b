//! Scopes: which binding a name of the buffer refers to.

use super::{Completeness, Location, MAX_STATEMENT, Resolution, Resolver, ResolverInputs, SCAN};
use crate::symbols::name::Name;
use crate::symbols::project::Origin;
use crate::symbols::table::{ScopeId, ScopeKind, Symbol, SymbolId, SymbolKind, SymbolTable};
use crate::symbols::token::TokenKind;

impl Resolver<'_> {
    /// Resolves a dotted name of the buffer in a scope, using only bindings before a position.
    pub(super) fn resolve_dotted_at(
        &mut self,
        names: &[Name],
        before: u32,
        scope: ScopeId,
        indirections: usize,
    ) -> Option<Resolution> {
        let (&first, rest) = names.split_first()?;
        let first = if self.inputs.names.token_kind(first) == TokenKind::SelfOrCls {
            let symbol = self.enclosing_class(scope, before)?;
            Resolution::Class(Location {
                origin: Origin::Buffer,
                symbol,
            })
        } else {
            self.resolve_name(first, before, scope, indirections)?
        };
        self.resolve_attributes(first, rest, before, indirections)
    }

    /// The class that `self` belongs to in a scope. Without indentation, it is the last class before position `at`.
    fn enclosing_class(&self, scope: ScopeId, at: u32) -> Option<SymbolId> {
        let table = self.inputs.buffer.table();
        if table.is_exact() {
            let class = table.enclosing(scope, ScopeKind::Class)?;
            let symbol = table.scope(class)?.first.checked_sub(1).map(SymbolId)?;
            return table.class(symbol).map(|_| symbol);
        }
        // The symbol of a class precedes those of its scope.
        let classes = table.classes.iter().rev();
        let classes = classes.filter_map(|class| table.scope(class.scope)?.first.checked_sub(1));
        let mut classes = classes.map(SymbolId);
        classes.find(|&class| table.symbol(class).at < at)
    }

    /// Resolves a name of the buffer: first its last visible binding, then any other binding, then any declaration.
    fn resolve_name(
        &mut self,
        name: Name,
        before: u32,
        scope: ScopeId,
        indirections: usize,
    ) -> Option<Resolution> {
        let buffer = self.inputs.buffer;
        if self.is_rebound_in_statement(name, before) {
            self.lower(Completeness::Unknown);
        }
        let table = buffer.table();
        let mut hidden = Vec::new();
        for symbol in buffer.bindings(name) {
            if !self.spend(1) {
                return None;
            }
            let binding = table.symbol(symbol);
            if binding.at >= before {
                continue;
            }
            if !is_visible(table, binding.scope, scope) {
                hidden.push(symbol);
                continue;
            }
            let found = self.resolve_binding(symbol, indirections);
            if found.is_some() {
                return found;
            }
            // The earlier binding may have been replaced.
            self.lower(Completeness::Unknown);
        }
        // The origin is unknown; a declaration of the same name elsewhere is often the right one.
        self.lower(Completeness::Unknown);
        for symbol in hidden {
            let found = self.resolve_binding(symbol, indirections);
            if found.is_some() {
                return found;
            }
        }
        let class = self.find_declaration(name, true).map(Resolution::Class);
        class.or_else(|| self.find_declaration(name, false).map(Resolution::Function))
    }

    /// Whether a comprehension or a `lambda` of the unfinished statement binds the name.
    fn is_rebound_in_statement(&self, name: Name, before: u32) -> bool {
        let buffer = self.inputs.buffer;
        let statement = buffer.statement();
        if (before as usize) < statement.end {
            return false;
        }
        let first = buffer.len().saturating_sub(MAX_STATEMENT);
        let tokens = &buffer.tokens()[statement.start.max(first)..];
        tokens.windows(2).any(|pair| {
            pair[1].name == name
                && matches!(
                    pair[0].kind,
                    TokenKind::For | TokenKind::As | TokenKind::Lambda
                )
        })
    }

    /// Resolves a symbol of the buffer.
    fn resolve_binding(&mut self, symbol: SymbolId, indirections: usize) -> Option<Resolution> {
        let Symbol { kind, .. } = *self.inputs.buffer.table().symbol(symbol);
        let location = Location {
            origin: Origin::Buffer,
            symbol,
        };
        match kind {
            SymbolKind::Class(_) => Some(Resolution::Class(location)),
            SymbolKind::Function(_) => Some(Resolution::Function(location)),
            SymbolKind::Variable(value)
            | SymbolKind::Parameter(value)
            | SymbolKind::Attribute(value, _) => self.infer_value(location, value, indirections),
            SymbolKind::Import(import) => Some(self.resolve_import(import, indirections)),
        }
    }

    /// The class or function `name` in any scope: the last one in the buffer, or else the nearest one outside.
    pub(in crate::symbols) fn find_declaration(
        &self,
        name: Name,
        is_class: bool,
    ) -> Option<Location> {
        let ResolverInputs {
            buffer,
            project,
            names,
        } = self.inputs;
        let is_it = |symbol: &SymbolId| match buffer.table().symbol(*symbol).kind {
            SymbolKind::Class(_) => is_class,
            SymbolKind::Function(_) => !is_class,
            _ => false,
        };
        if let Some(symbol) = buffer.bindings(name).take(SCAN).find(is_it) {
            return Some(Location {
                origin: Origin::Buffer,
                symbol,
            });
        }
        let (origin, symbol) = project.declaration(names.in_project(name)?, is_class)?;
        Some(Location { origin, symbol })
    }
}

/// Whether code in scope `from` can see a name bound in scope `bound`. Methods do not see names bound in their class body.
/// Names with an unknown scope are visible.
fn is_visible(table: &SymbolTable, bound: ScopeId, from: ScopeId) -> bool {
    if !table.is_exact() || bound == from {
        return true;
    }
    let is_class = table
        .scope(bound)
        .is_some_and(|scope| scope.kind == ScopeKind::Class);
    !is_class && table.enclosing_scopes(from).any(|scope| scope == bound)
}
