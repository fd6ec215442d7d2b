//! Inference: the class of a value, from an annotation or from the call that produces it.

use super::{Location, MAX_INDIRECTIONS, Resolution, Resolver};
use crate::symbols::name::Name;
use crate::symbols::project::Origin;
use crate::symbols::table::{Expression, ExpressionKind, Symbol};
use crate::symbols::token::TokenKind;

impl Resolver<'_> {
    /// The class that an expression's value is an instance of.
    pub(super) fn infer_value(
        &mut self,
        of: Location,
        value: Expression,
        indirections: usize,
    ) -> Option<Resolution> {
        if indirections == MAX_INDIRECTIONS || value.is_unknown() {
            return None;
        }
        let names = self.dotted_name(of.origin, value, false)?;
        let found = if of.origin == Origin::Buffer {
            let Symbol { at, scope, .. } = *self.symbol(of)?;
            self.resolve_dotted_at(&names, at, scope, indirections + 1)?
        } else {
            self.resolve_dotted_in(of.origin, &names, indirections + 1)?
        };
        match found {
            Resolution::Function(function) => self.infer_return_value(function, indirections + 1),
            class @ Resolution::Class(_) => Some(class),
            _ => None,
        }
    }

    /// The class of a function's return value: from its annotation, or from the call that produces all its results.
    fn infer_return_value(
        &mut self,
        function: Location,
        indirections: usize,
    ) -> Option<Resolution> {
        let table = self.table(function.origin)?;
        let declared = table.function(function.symbol)?;
        if declared.returns.is_unknown() {
            return self.infer_value(function, table.return_value(declared), indirections);
        }
        let names = self.dotted_name(function.origin, declared.returns, true)?;
        let class = self.class_named(function.origin, &names);
        class.map(Resolution::Class)
    }

    /// The dotted name of an expression, in the buffer's numbering: `a.B`, also for `Optional[a.B]`. Unless `is_whole`,
    /// the expression only needs to start with the name.
    pub(super) fn dotted_name(
        &self,
        origin: Origin,
        expression: Expression,
        is_whole: bool,
    ) -> Option<Vec<Name>> {
        let names = self.inputs.names;
        let mut tokens = self.table(origin)?.expression(expression);
        let kind = |at: usize| tokens.get(at).map(|&name| names.token_kind(name));
        if expression.kind == ExpressionKind::Verbatim
            && !is_whole
            && kind(0) == Some(TokenKind::Optional)
            && kind(1) == Some(TokenKind::OpeningBracket)
        {
            tokens = &tokens[2..];
        }
        let kind = |at: usize| tokens.get(at).map(|&name| names.token_kind(name));
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            if !kind(at)?.is_name() {
                return None;
            }
            found.push(names.in_buffer(tokens[at]));
            if kind(at + 1) != Some(TokenKind::Dot) {
                break;
            }
            at += 2;
        }
        (!is_whole || at + 1 == tokens.len()).then_some(found)
    }
}
