//! Members of a class: what its body and its bases declare, and the attributes of `self` that its methods assign.

use super::collector::Collector;
use crate::symbols::project::Origin;
use crate::symbols::resolve::{Completeness, Location, MAX_STATEMENT, ResolverInputs};
use crate::symbols::table::{ScopeId, SymbolKind, SymbolTable};
use crate::symbols::token::TokenKind;

/// Maximum number of classes examined together: a class, its bases and theirs.
pub(super) const MAX_CLASSES: usize = 8;
/// Weight of `name` and `value`, which every enum member has: usually the members themselves are wanted.
const ENUM_ATTRIBUTE_WEIGHT: f32 = 0.03;

impl Collector<'_> {
    /// Adds the members of a class and of its bases.
    pub(super) fn add_class(&mut self, class: Location, seen: &mut Vec<Location>) {
        if seen.contains(&class) {
            return;
        }
        let Some((table, declared)) = self.resolver.class(class) else {
            return;
        };
        if seen.len() == MAX_CLASSES {
            self.counts.lower(Completeness::Unknown);
            return;
        }
        seen.push(class);
        for &base in table.bases(declared) {
            let tokens = table.expression(base);
            let last = tokens
                .last()
                .map(|&name| self.resolver.inputs.names.token_kind(name));
            match last {
                Some(TokenKind::Enum) => {
                    for name in self.resolver.inputs.names.enum_attributes() {
                        self.counts.add_at_least(name, ENUM_ATTRIBUTE_WEIGHT);
                    }
                }
                Some(TokenKind::Memberless) => {}
                _ => match self.resolver.base_class(class, base) {
                    Some(base) => self.add_class(base, seen),
                    None => self.counts.lower(Completeness::Unknown),
                },
            }
        }
        if !self.is_certain(class.origin) || !table.is_exact() {
            self.counts.lower(Completeness::Approximate);
        }
        self.add_class_body(class.origin, table, declared.scope, true);
    }

    /// Adds the members of the class being written that the unfinished statement or the text after the cursor declares.
    pub(super) fn add_unfinished_class(&mut self, class: Location) {
        let ResolverInputs {
            buffer, project, ..
        } = self.resolver.inputs;
        let first = buffer.len().saturating_sub(MAX_STATEMENT);
        let tokens = &buffer.tokens()[buffer.statement().start.max(first)..];
        for triple in tokens.windows(3) {
            if triple[0].kind == TokenKind::SelfOrCls && triple[1].kind == TokenKind::Dot {
                self.counts.add(triple[2].name, 1.0);
            }
        }
        let (table, suffix) = (buffer.table(), project.suffix());
        let column = table
            .class(class.symbol)
            .and_then(|class| table.scope(class.scope))
            .map(|scope| scope.column);
        let Some(scope) = column.and_then(|column| project.continued_class(column)) else {
            return;
        };
        // Without indentation, an assignment after the first function is not a member.
        let takes_variables = table.is_exact() || !buffer.has_function();
        self.add_class_body(Origin::Suffix, suffix, scope, takes_variables);
    }

    /// Adds the members declared in a class body.
    fn add_class_body(
        &mut self,
        origin: Origin,
        table: &SymbolTable,
        scope: ScopeId,
        takes_variables: bool,
    ) {
        for id in table.declared_in(scope) {
            let symbol = table.symbol(id);
            let name = match origin {
                Origin::Buffer => symbol.name,
                _ => self.in_buffer(symbol.name),
            };
            match symbol.kind {
                SymbolKind::Function(_) => {
                    if self.resolver.inputs.names.token_kind(name) == TokenKind::GetAttr {
                        self.counts.lower(Completeness::Unknown);
                    }
                    self.counts.add(name, 1.0);
                }
                SymbolKind::Class(_) => self.counts.add(name, 1.0),
                SymbolKind::Variable(_) if takes_variables => self.counts.add(name, 1.0),
                SymbolKind::Attribute(_, count) => self.counts.add(name, count.into()),
                SymbolKind::Variable(_) | SymbolKind::Import(_) | SymbolKind::Parameter(_) => {}
            }
        }
    }

    /// Whether a name imported from a file certainly refers to that file's declaration.
    fn is_certain(&self, origin: Origin) -> bool {
        let modules = self.resolver.inputs.project.modules();
        match origin {
            Origin::Buffer | Origin::Suffix => false,
            Origin::Module(module) => modules[module as usize].names.is_certain,
        }
    }
}
