//! Variables: the targets of assignments, `for`, `with` and `except`, with what is known of their values.

use std::ops::Range;

use super::Statement;
use super::expression::{called_name, dotted_name};
use crate::symbols::table::{Expression, ExpressionKind};
use crate::symbols::token::{NumberedToken, TokenKind};

impl Statement<'_, '_> {
    /// `a = b = c.D()`, `a: B = c`, `a, b = c`.
    pub(super) fn bind_assignment(&mut self) {
        if self.kind(1) == TokenKind::Colon && self.kind(0).is_name() {
            let end = self.find_outside_brackets(2, |kind| kind == TokenKind::Equals);
            let annotation = self.record(ExpressionKind::Verbatim, &self.tokens[2..end]);
            return self.bind(0, annotation);
        }
        if self.is_self_attribute(0) && self.kind(3) == TokenKind::Colon {
            return; // handled with the attributes
        }
        let mut from = 0;
        let mut targets = Vec::new();
        loop {
            let end = self.find_outside_brackets(from, |kind| kind == TokenKind::Equals);
            if end == self.tokens.len() {
                break;
            }
            targets.push(from..end);
            from = end + 1;
        }
        if targets.iter().all(|target| target.len() != 1) {
            return targets
                .into_iter()
                .for_each(|target| self.bind_targets(target));
        }
        let value = &self.tokens[from..];
        let value = called_name(value).map(|names| self.record(ExpressionKind::CallResult, names));
        for target in targets {
            if target.len() == 1 {
                self.bind(target.start, value.unwrap_or(Expression::UNKNOWN));
            } else {
                self.bind_targets(target);
            }
        }
    }

    /// Binds the names of targets such as `a, (b, *c)` to unknown values. Attributes and subscripts bind no name.
    pub(super) fn bind_targets(&mut self, range: Range<usize>) {
        let mut index = 0_usize;
        for at in range {
            let before = at.checked_sub(1).map_or(TokenKind::Eol, |at| self.kind(at));
            let (kind, next) = (self.kind(at), self.kind(at + 1));
            // Inside the brackets of a subscript or a call.
            if kind == TokenKind::ClosingBracket && index > 0 {
                index -= 1;
            } else if kind.opens_bracket()
                && (index > 0 || before.is_name() || before == TokenKind::ClosingBracket)
            {
                index += 1;
            }
            let is_part =
                before == TokenKind::Dot || next == TokenKind::Dot || next.opens_bracket();
            if kind.is_name() && !is_part && index == 0 {
                self.bind(at, Expression::UNKNOWN);
            }
        }
    }

    /// `with a.B() as b, c as d`, `except A as a`.
    pub(super) fn bind_aliases(&mut self) {
        let mut from = 1;
        loop {
            let end = self.find_outside_brackets(from, |kind| kind == TokenKind::Comma);
            let part = self.tokens[from..end].iter();
            let alias = part.rev().position(|token| token.kind == TokenKind::As);
            if let Some(after) = alias.filter(|&after| after > 0) {
                let alias = end - 1 - after;
                let value = &self.tokens[from..alias];
                let value = match self.tokens[0].kind {
                    TokenKind::Except => {
                        self.record(ExpressionKind::CallResult, dotted_name(value))
                    }
                    _ => self.context_value(value),
                };
                self.bind(alias + 1, value);
            }
            if end >= self.tokens.len() {
                return;
            }
            from = end + 1;
        }
    }

    /// The value that `with` binds: the result of a call, assuming it returns itself, or a named object.
    fn context_value(&mut self, value: &[NumberedToken]) -> Expression {
        let called = called_name(value).unwrap_or_else(|| dotted_name(value));
        self.record(ExpressionKind::CallResult, called)
    }
}
