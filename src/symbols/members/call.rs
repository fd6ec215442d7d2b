//! Keyword arguments: the parameters of the function or the constructor being called.

use super::class::MAX_CLASSES;
use super::collector::Collector;
use crate::symbols::resolve::{Completeness, Location, MAX_STATEMENT, Resolution};
use crate::symbols::table::{ParameterKind, SymbolId, SymbolKind};
use crate::symbols::token::TokenKind;

impl Collector<'_> {
    /// Adds the parameters of the function being called, except those already given.
    pub(super) fn add_keywords(&mut self, end: usize) {
        let start = self.resolver.inputs.buffer.statement().start;
        let mut depth = 0_usize;
        let mut given = Vec::new();
        for at in (start.max(end.saturating_sub(MAX_STATEMENT))..end).rev() {
            match self.kind(at) {
                TokenKind::ClosingBracket => depth += 1,
                kind if kind.opens_bracket() && depth > 0 => depth -= 1,
                TokenKind::OpeningParenthesis => {
                    self.add_parameters_of_call(at);
                    break;
                }
                TokenKind::OpeningBracket => return,
                TokenKind::Equals if depth == 0 && at > 0 => given.push(self.name(at - 1)),
                _ => {}
            }
        }
        self.counts.lower(Completeness::Unknown); // any value can appear there
        for name in given {
            self.counts.names.remove(&name);
        }
    }

    /// Adds the parameters of the function or constructor called by the bracket at a position.
    fn add_parameters_of_call(&mut self, bracket: usize) {
        let Some(called) = bracket.checked_sub(1) else {
            return;
        };
        let before = called.checked_sub(1).map(|before| self.kind(before));
        if matches!(before, Some(TokenKind::Def | TokenKind::Class)) || !self.kind(called).is_name()
        {
            return;
        }
        let names = self.dotted_before(bracket);
        let found = names.and_then(|names| self.resolver.resolve_dotted(&names));
        let found = found.or_else(|| {
            // Any function or class of that name, in any scope.
            let name = self.name(called);
            let function = self.resolver.find_declaration(name, false);
            let class = || {
                self.resolver
                    .find_declaration(name, true)
                    .map(Resolution::Class)
            };
            function.map(Resolution::Function).or_else(class)
        });
        let function = match found {
            Some(Resolution::Function(function)) => Some(function),
            Some(Resolution::Class(class)) => self.constructor(class, MAX_CLASSES),
            _ => None,
        };
        if let Some(function) = function {
            self.add_parameters(function);
        }
    }

    /// The constructor of a class, or of its first base that has one.
    fn constructor(&mut self, class: Location, most: usize) -> Option<Location> {
        let (table, declared) = self.resolver.class(class)?;
        let names = self.resolver.inputs.names;
        let is_it = |&symbol: &SymbolId| {
            let symbol = table.symbol(symbol);
            matches!(symbol.kind, SymbolKind::Function(_))
                && names.token_kind(symbol.name) == TokenKind::Init
        };
        if let Some(symbol) = table.declared_in(declared.scope).find(is_it) {
            return Some(Location {
                origin: class.origin,
                symbol,
            });
        }
        let bases = table.bases(declared).iter();
        bases.take(most).enumerate().find_map(|(at, &base)| {
            let base = self.resolver.base_class(class, base)?;
            self.constructor(base, most.checked_sub(at + 1)?)
        })
    }

    fn add_parameters(&mut self, function: Location) {
        let Some(table) = self.resolver.table(function.origin) else {
            return;
        };
        let Some(declared) = table.function(function.symbol) else {
            return;
        };
        for parameter in table.parameters(declared) {
            let name = self.in_buffer(parameter.name);
            let is_starred = matches!(
                parameter.kind,
                ParameterKind::Positionals | ParameterKind::Keywords
            );
            if !is_starred && self.resolver.inputs.names.token_kind(name) != TokenKind::SelfOrCls {
                self.counts.add(name, 1.0);
            }
        }
    }
}
