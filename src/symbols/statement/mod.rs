//! Declarations of a single statement.
//!
//! This file decides which kind of statement it is and has what all kinds share; each kind has a file of its own.

mod assignment;
mod attribute;
mod definition;
mod expression;
mod import;

use std::ops::Range;

use super::name::Name;
use super::table::{Expression, ExpressionKind, ScopeId, Span, Symbol, SymbolKind};
use super::table_builder::TableBuilder;
use super::token::{NumberedToken, TokenKind};

/// Adds the declarations of the statement that starts at token `at` of the file to the table.
pub(super) fn declare(builder: &mut TableBuilder, tokens: &[NumberedToken], at: u32) {
    let blank = |token: &&NumberedToken| token.kind.is_blank() || token.kind == TokenKind::Async;
    let blanks = tokens.iter().take_while(blank).count();
    let ends = tokens.last().is_some_and(|token| {
        token.kind.is_blank()
            || token.kind == TokenKind::Semicolon
            || token.kind == TokenKind::Colon
                && tokens.len() > blanks
                && tokens[blanks].kind.is_compound()
    });
    let end = tokens.len() - usize::from(ends && tokens.len() > blanks);
    let mut statement = Statement {
        builder,
        tokens: &tokens[blanks..end],
        at: at + blanks as u32,
    };
    statement.declare();
}

struct Statement<'b, 's> {
    builder: &'b mut TableBuilder,
    /// Tokens of the statement without its terminator: a line end, a semicolon, or the colon of a header.
    tokens: &'s [NumberedToken],
    /// Position of the first token in the file.
    at: u32,
}

impl Statement<'_, '_> {
    fn declare(&mut self) {
        let Some(first) = self.tokens.first() else {
            return;
        };
        match first.kind {
            TokenKind::At => return self.add_decorator(),
            TokenKind::Class => self.declare_class(),
            TokenKind::Def => self.declare_function(),
            TokenKind::From | TokenKind::Import => self.declare_import(),
            TokenKind::For => {
                let end = self.find_outside_brackets(1, |kind| kind == TokenKind::In);
                self.bind_targets(1..end);
            }
            TokenKind::With | TokenKind::Except => self.bind_aliases(),
            TokenKind::Return => self.record_return(),
            TokenKind::Globals => {
                self.builder.table.has_dynamic_names |= !self.builder.is_in_function();
            }
            _ => self.bind_assignment(),
        }
        if self
            .tokens
            .iter()
            .any(|token| token.kind == TokenKind::Yield)
        {
            self.add_return_value(Expression::UNKNOWN);
        }
        self.record_attributes();
        let state = &mut self.builder.state;
        (state.decorators, state.is_static) = (Span::default(), false);
    }

    fn kind(&self, at: usize) -> TokenKind {
        self.tokens
            .get(at)
            .map_or(TokenKind::Eol, |token| token.kind)
    }

    /// Position of the first token outside brackets, at or after `from`, whose kind satisfies `is_it`; the end if there is
    /// none.
    fn find_outside_brackets(&self, from: usize, is_it: impl Fn(TokenKind) -> bool) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(from) {
            match token.kind {
                TokenKind::ClosingBracket if depth > 0 => depth -= 1,
                kind if depth == 0 && is_it(kind) => return at,
                kind => depth += usize::from(kind.opens_bracket()),
            }
        }
        self.tokens.len()
    }

    /// Splits bracket contents at commas, starting after the opening bracket. Returns the positions of the non-empty parts
    /// and of the closing bracket.
    fn split_at_commas(&self, from: usize) -> (Vec<Range<usize>>, usize) {
        let (mut parts, mut start) = (Vec::new(), from);
        loop {
            let end = self.find_outside_brackets(start, |kind| {
                matches!(kind, TokenKind::Comma | TokenKind::ClosingBracket)
            });
            let is_blank = |at: &usize| self.kind(*at) == TokenKind::Eol;
            let first = (start..end).find(|at| !is_blank(at)).unwrap_or(end);
            let last = (first..end).rev().find(|at| !is_blank(at));
            parts.extend(last.map(|last| first..last + 1));
            if self.kind(end) != TokenKind::Comma {
                return (parts, end);
            }
            start = end + 1;
        }
    }

    fn record(&mut self, kind: ExpressionKind, tokens: &[NumberedToken]) -> Expression {
        let table = &mut self.builder.table;
        table.record(kind, tokens.iter().map(|token| token.name))
    }

    fn add(&mut self, name: Name, at: usize, scope: ScopeId, kind: SymbolKind) {
        let at = self.at + at as u32;
        self.builder.table.add(Symbol {
            name,
            scope,
            at,
            kind,
        });
    }

    /// The scope in which the statement binds names. Without indentation, an import binds in the module scope.
    fn binding_scope(&self) -> ScopeId {
        if self.builder.table.is_exact {
            return self.builder.state.scope;
        }
        match self.tokens[0].kind {
            TokenKind::From | TokenKind::Import => ScopeId::MODULE,
            _ if self.builder.is_in_function() => ScopeId::UNKNOWN_FUNCTION,
            _ => self.builder.state.scope,
        }
    }

    /// Binds the name at a position to a value.
    fn bind(&mut self, at: usize, value: Expression) {
        if !self.kind(at).is_name() {
            return;
        }
        let builder = &self.builder;
        if !builder.keeps_locals && builder.is_in_function() {
            return;
        }
        let scope = self.binding_scope();
        let name = self.tokens[at].name;
        self.add(name, at, scope, SymbolKind::Variable(value));
    }
}
