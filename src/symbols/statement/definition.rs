//! Definitions: classes, functions with their parameters and return values, and the decorators before them.

use std::ops::Range;

use super::Statement;
use super::expression::called_name;
use crate::symbols::table::{
    Class, Expression, ExpressionKind, Function, Parameter, ParameterKind, ReturnStatement,
    ScopeId, ScopeKind, Span, SymbolKind,
};
use crate::symbols::token::TokenKind;

impl Statement<'_, '_> {
    /// Keeps a decorator for the definition that follows.
    pub(super) fn add_decorator(&mut self) {
        let is_static = self.kind(1) == TokenKind::StaticMethod;
        let decorator = self.record(ExpressionKind::Verbatim, &self.tokens[1..]);
        let table = &mut self.builder.table;
        let state = &mut self.builder.state;
        state.is_static |= is_static;
        let end = table.expressions.len() as u32;
        if state.decorators.end != end || state.decorators.start == end {
            state.decorators = Span { start: end, end };
        }
        table.expressions.push(decorator);
        state.decorators.end += 1;
    }

    /// `class A(B, metaclass=M)`.
    pub(super) fn declare_class(&mut self) {
        let Some(name) = self.tokens.get(1).filter(|token| token.kind.is_name()) else {
            return;
        };
        if !self.is_kept() {
            self.builder.open_definition(ScopeKind::Class);
            return;
        }
        let mut bases = Vec::new();
        if self.kind(2) == TokenKind::OpeningParenthesis {
            for base in self.split_at_commas(3).0 {
                let base = &self.tokens[base];
                if !base.iter().any(|token| token.kind == TokenKind::Equals) {
                    bases.push(self.record(ExpressionKind::Verbatim, base));
                }
            }
        }
        let table = &mut self.builder.table;
        let start = table.expressions.len() as u32;
        table.expressions.extend(bases);
        let bases = Span {
            start,
            end: table.expressions.len() as u32,
        };
        // Without indentation, a class belongs to the module scope.
        let scope = if table.is_exact {
            self.builder.state.scope
        } else {
            ScopeId::MODULE
        };
        let decorators = self.builder.state.decorators;
        let class = self.builder.table.classes.len() as u32;
        self.add(name.name, 1, scope, SymbolKind::Class(class));
        let scope = self.builder.open_definition(ScopeKind::Class);
        self.builder.table.classes.push(Class {
            scope,
            bases,
            decorators,
        });
    }

    /// `def f(a, *, b: B = c) -> D`.
    pub(super) fn declare_function(&mut self) {
        let Some(name) = self.tokens.get(1).filter(|token| token.kind.is_name()) else {
            return;
        };
        if self.kind(2) != TokenKind::OpeningParenthesis {
            return;
        }
        if !self.is_kept() {
            self.builder.open_definition(ScopeKind::Function);
            return;
        }
        let (parts, close) = self.split_at_commas(3);
        let first = parts.first().map(|part| self.kind(part.start));
        let start = self.builder.table.parameters.len() as u32;
        let named = self.declare_parameters(&parts);
        let table = &self.builder.table;
        let parameters = Span {
            start,
            end: table.parameters.len() as u32,
        };
        let state = self.builder.state;
        let mut scope = state.scope;
        if !table.is_exact {
            let is_method = first == Some(TokenKind::SelfOrCls) || state.is_static;
            scope = if is_method { scope } else { ScopeId::MODULE };
        }
        let mut returns = Expression::UNKNOWN;
        if self.kind(close + 1) == TokenKind::Arrow {
            returns = self.record(ExpressionKind::Verbatim, &self.tokens[close + 2..]);
        }
        let function = self.builder.table.functions.len() as u32;
        self.add(name.name, 1, scope, SymbolKind::Function(function));
        let scope = self.builder.open_definition(ScopeKind::Function);
        self.builder.table.functions.push(Function {
            scope,
            parameters,
            returns,
            decorators: state.decorators,
        });
        if self.builder.keeps_locals {
            let list = parameters.of(&self.builder.table.parameters).to_vec();
            for (parameter, at) in list.into_iter().zip(named) {
                let kind = SymbolKind::Parameter(parameter.annotation);
                self.add(parameter.name, at, scope, kind);
            }
        }
    }

    /// Whether to record a class or function. Those local to a function of another file cannot be referred to.
    fn is_kept(&self) -> bool {
        let builder = &self.builder;
        builder.keeps_locals || !builder.table.is_exact || !builder.is_in_function()
    }

    /// Adds the parameters of a function to the table and returns the positions of their names.
    fn declare_parameters(&mut self, parts: &[Range<usize>]) -> Vec<usize> {
        let is_slash = |part: &Range<usize>| self.kind(part.start) == TokenKind::Slash;
        let slash = parts.iter().position(is_slash);
        let mut is_keyword = false;
        let mut named = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let first = self.kind(part.start);
            let kind = match first {
                TokenKind::DoubleStar => ParameterKind::Keywords,
                TokenKind::Star => ParameterKind::Positionals,
                _ if is_keyword => ParameterKind::KeywordOnly,
                _ if slash.is_some_and(|slash| number < slash) => ParameterKind::PositionalOnly,
                _ => ParameterKind::Ordinary,
            };
            is_keyword |= first == TokenKind::Star;
            let name =
                part.start + usize::from(matches!(first, TokenKind::Star | TokenKind::DoubleStar));
            let tokens = &self.tokens[part.clone()];
            let equals = tokens
                .iter()
                .position(|token| token.kind == TokenKind::Equals);
            let end = equals.map_or(part.end, |equals| part.start + equals);
            let is_annotated = name + 1 < end && self.kind(name + 1) == TokenKind::Colon;
            if name >= end || !self.kind(name).is_name() || name + 1 < end && !is_annotated {
                continue;
            }
            let annotation = if is_annotated {
                self.record(ExpressionKind::Verbatim, &self.tokens[name + 2..end])
            } else {
                Expression::UNKNOWN
            };
            self.builder.table.parameters.push(Parameter {
                name: self.tokens[name].name,
                kind,
                has_default: equals.is_some(),
                annotation,
            });
            named.push(name);
        }
        named
    }

    /// `return A(…)`.
    pub(super) fn record_return(&mut self) {
        let value = &self.tokens[1..];
        let is_none = value.len() == 1 && value[0].kind == TokenKind::None;
        if value.is_empty() || is_none {
            return;
        }
        let result = called_name(value).map(|names| self.record(ExpressionKind::CallResult, names));
        self.add_return_value(result.unwrap_or(Expression::UNKNOWN));
    }

    /// Records a value that the current function returns. A generator's is unknown.
    pub(super) fn add_return_value(&mut self, value: Expression) {
        let scope = self.builder.state.scope;
        if self.builder.table.is_exact && self.builder.is_in_function() {
            self.builder
                .table
                .returns
                .push(ReturnStatement { scope, value });
        }
    }
}
