//! Attributes of `self`, which any statement of a method may mention or assign.

use super::Statement;
use super::expression::called_name;
use crate::symbols::table::{Expression, ExpressionKind, ScopeId, Symbol, SymbolKind};
use crate::symbols::token::TokenKind;

impl Statement<'_, '_> {
    /// Records the attributes of `self` in the statement.
    pub(super) fn record_attributes(&mut self) {
        let Some(class) = self.builder.enclosing_class(self.builder.state.scope) else {
            return;
        };
        for at in 0..self.tokens.len() {
            if !self.is_self_attribute(at) {
                continue;
            }
            let mut value = Expression::UNKNOWN;
            if at == 0 && self.kind(3) == TokenKind::Colon {
                let end = self.find_outside_brackets(4, |kind| kind == TokenKind::Equals);
                value = self.record(ExpressionKind::Verbatim, &self.tokens[4..end]);
            } else if at == 0 && self.kind(3) == TokenKind::Equals {
                let called = called_name(&self.tokens[4..]);
                let called = called.map(|names| self.record(ExpressionKind::CallResult, names));
                value = called.unwrap_or(value);
            }
            self.record_attribute(class, at + 2, value);
        }
    }

    /// Whether `self.name` starts at a position.
    pub(super) fn is_self_attribute(&self, at: usize) -> bool {
        self.kind(at) == TokenKind::SelfOrCls
            && self.kind(at + 1) == TokenKind::Dot
            && self.kind(at + 2).is_name()
            && (at == 0 || self.kind(at - 1) != TokenKind::Dot)
    }

    fn record_attribute(&mut self, class: ScopeId, at: usize, value: Expression) {
        let name = self.tokens[at].name;
        let builder = &mut *self.builder;
        if !builder.keeps_locals {
            // One symbol per attribute. Without indentation, its count of occurrences ranks the members.
            let is_exact = builder.table.is_exact;
            let new = builder.table.symbols.len();
            let known = *builder.attributes.entry((class, name)).or_insert(new);
            if let Some(Symbol {
                kind: SymbolKind::Attribute(before, count),
                ..
            }) = builder.table.symbols.get_mut(known)
            {
                *count = count.saturating_add(u16::from(!is_exact));
                if before.is_unknown() {
                    *before = value;
                }
                return;
            }
        }
        self.add(name, at, class, SymbolKind::Attribute(value, 1));
    }
}
