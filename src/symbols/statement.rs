//! Declarations of a single statement.

use std::ops::Range;

use super::imports::{ImportStatement, ImportedName};
use super::name::Name;
use super::table::{
    Class, Expression, ExpressionKind, Function, Import, LONGEST_EXPRESSION, Parameter,
    ParameterKind, ReturnStatement, ScopeId, ScopeKind, Span, Symbol, SymbolKind,
};
use super::table_builder::TableBuilder;
use super::token::{NumberedToken, TokenKind};

/// Adds the declarations of the statement that starts at token `at` of the file to the table.
pub(super) fn declare(builder: &mut TableBuilder, tokens: &[NumberedToken], at: u32) {
    let blank = |token: &&NumberedToken| {
        matches!(
            token.kind,
            TokenKind::Eol | TokenKind::Start | TokenKind::Async
        )
    };
    let blanks = tokens.iter().take_while(blank).count();
    let ends = tokens.last().is_some_and(|token| {
        matches!(
            token.kind,
            TokenKind::Eol | TokenKind::Semicolon | TokenKind::Start
        ) || token.kind == TokenKind::Colon
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
            TokenKind::At => return self.decorator(),
            TokenKind::Class => self.class(),
            TokenKind::Def => self.function(),
            TokenKind::From | TokenKind::Import => self.import(),
            TokenKind::For => self.targets(1..self.position(1, |kind| kind == TokenKind::In)),
            TokenKind::With | TokenKind::Except => self.contexts(),
            TokenKind::Return => self.result(),
            TokenKind::Globals => {
                self.builder.table.has_dynamic_names |= !self.builder.is_in_function();
            }
            _ => self.assignment(),
        }
        if self
            .tokens
            .iter()
            .any(|token| token.kind == TokenKind::Yield)
        {
            self.returned(Expression::UNKNOWN);
        }
        self.attributes();
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
    fn position(&self, from: usize, is_it: impl Fn(TokenKind) -> bool) -> usize {
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
    fn parts(&self, from: usize) -> (Vec<Range<usize>>, usize) {
        let (mut parts, mut start) = (Vec::new(), from);
        loop {
            let end = self.position(start, |kind| {
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

    fn decorator(&mut self) {
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
    fn class(&mut self) {
        let Some(name) = self.tokens.get(1).filter(|token| token.kind.is_name()) else {
            return;
        };
        if !self.is_kept() {
            self.builder.open_here(ScopeKind::Class);
            return;
        }
        let mut bases = Vec::new();
        if self.kind(2) == TokenKind::OpeningParenthesis {
            for base in self.parts(3).0 {
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
        let scope = self.builder.open_here(ScopeKind::Class);
        self.builder.table.classes.push(Class {
            scope,
            bases,
            decorators,
        });
    }

    /// `def f(a, *, b: B = c) -> D`.
    fn function(&mut self) {
        let Some(name) = self.tokens.get(1).filter(|token| token.kind.is_name()) else {
            return;
        };
        if self.kind(2) != TokenKind::OpeningParenthesis {
            return;
        }
        if !self.is_kept() {
            self.builder.open_here(ScopeKind::Function);
            return;
        }
        let (parts, close) = self.parts(3);
        let first = parts.first().map(|part| self.kind(part.start));
        let start = self.builder.table.parameters.len() as u32;
        let named = self.parameters(&parts);
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
        let scope = self.builder.open_here(ScopeKind::Function);
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
    fn parameters(&mut self, parts: &[Range<usize>]) -> Vec<usize> {
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

    fn import(&mut self) {
        let kinds = self.tokens.iter().map(|token| token.kind);
        let Some(statement) = ImportStatement::parse(kinds) else {
            return;
        };
        for ImportedName { path, alias } in &statement.names {
            let last = path[path.len() - 1];
            let bound = alias.unwrap_or(if statement.is_from { last } else { path[0] });
            let is_star = self.kind(last) == TokenKind::Star;
            let module = if statement.is_from {
                &statement.module
            } else {
                path
            };
            let table = &mut self.builder.table;
            let start = table.tokens.len() as u32;
            let names = module.iter().map(|&at| self.tokens[at].name);
            table.tokens.extend(names);
            let import = Import {
                level: statement.level.min(255) as u8,
                is_star,
                is_plain: !statement.is_from && alias.is_none(),
                is_own_package: statement.level > 0,
                path: Span {
                    start,
                    end: table.tokens.len() as u32,
                },
                member: (statement.is_from && !is_star).then_some(self.tokens[last].name),
                bound: if is_star {
                    Name::NONE
                } else {
                    self.tokens[bound].name
                },
            };
            // Inside a function, it binds a local.
            let is_local = table.is_exact && self.builder.is_in_function();
            if is_local && !self.builder.keeps_locals {
                continue;
            }
            let number = self.builder.table.imports.len() as u32;
            self.builder.table.imports.push(import);
            let scope = self.binding_scope();
            self.add(import.bound, bound, scope, SymbolKind::Import(number));
        }
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

    /// `with a.B() as b, c as d`, `except A as a`.
    fn contexts(&mut self) {
        let mut from = 1;
        loop {
            let end = self.position(from, |kind| kind == TokenKind::Comma);
            let part = self.tokens[from..end].iter();
            let alias = part.rev().position(|token| token.kind == TokenKind::As);
            if let Some(after) = alias.filter(|&after| after > 0) {
                let alias = end - 1 - after;
                let value = &self.tokens[from..alias];
                let value = match self.tokens[0].kind {
                    TokenKind::Except => self.record(ExpressionKind::CallResult, names_of(value)),
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
        let called = call(value).unwrap_or_else(|| names_of(value));
        self.record(ExpressionKind::CallResult, called)
    }

    /// `a = b = c.D()`, `a: B = c`, `a, b = c`.
    fn assignment(&mut self) {
        if self.kind(1) == TokenKind::Colon && self.kind(0).is_name() {
            let end = self.position(2, |kind| kind == TokenKind::Equals);
            let annotation = self.record(ExpressionKind::Verbatim, &self.tokens[2..end]);
            return self.bind(0, annotation);
        }
        if self.attribute_at(0) && self.kind(3) == TokenKind::Colon {
            return; // handled with the attributes
        }
        let mut from = 0;
        let mut targets = Vec::new();
        loop {
            let end = self.position(from, |kind| kind == TokenKind::Equals);
            if end == self.tokens.len() {
                break;
            }
            targets.push(from..end);
            from = end + 1;
        }
        if targets.iter().all(|target| target.len() != 1) {
            return targets.into_iter().for_each(|target| self.targets(target));
        }
        let value = &self.tokens[from..];
        let value = call(value).map(|names| self.record(ExpressionKind::CallResult, names));
        for target in targets {
            if target.len() == 1 {
                self.bind(target.start, value.unwrap_or(Expression::UNKNOWN));
            } else {
                self.targets(target);
            }
        }
    }

    /// Binds the names of targets such as `a, (b, *c)` to unknown values. Attributes and subscripts bind no name.
    fn targets(&mut self, range: Range<usize>) {
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

    /// `return A(…)`.
    fn result(&mut self) {
        let value = &self.tokens[1..];
        let is_none = value.len() == 1 && value[0].kind == TokenKind::None;
        if value.is_empty() || is_none {
            return;
        }
        let result = call(value).map(|names| self.record(ExpressionKind::CallResult, names));
        self.returned(result.unwrap_or(Expression::UNKNOWN));
    }

    fn returned(&mut self, value: Expression) {
        let scope = self.builder.state.scope;
        if self.builder.table.is_exact && self.builder.is_in_function() {
            self.builder
                .table
                .returns
                .push(ReturnStatement { scope, value });
        }
    }

    /// Whether `self.name` starts at a position.
    fn attribute_at(&self, at: usize) -> bool {
        self.kind(at) == TokenKind::SelfOrCls
            && self.kind(at + 1) == TokenKind::Dot
            && self.kind(at + 2).is_name()
            && (at == 0 || self.kind(at - 1) != TokenKind::Dot)
    }

    /// Records the attributes of `self` in the statement.
    fn attributes(&mut self) {
        let Some(class) = self.builder.enclosing_class(self.builder.state.scope) else {
            return;
        };
        for at in 0..self.tokens.len() {
            if !self.attribute_at(at) {
                continue;
            }
            let mut value = Expression::UNKNOWN;
            if at == 0 && self.kind(3) == TokenKind::Colon {
                let end = self.position(4, |kind| kind == TokenKind::Equals);
                value = self.record(ExpressionKind::Verbatim, &self.tokens[4..end]);
            } else if at == 0 && self.kind(3) == TokenKind::Equals {
                let called = call(&self.tokens[4..]);
                let called = called.map(|names| self.record(ExpressionKind::CallResult, names));
                value = called.unwrap_or(value);
            }
            self.attribute(class, at + 2, value);
        }
    }

    fn attribute(&mut self, class: ScopeId, at: usize, value: Expression) {
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

/// The tokens of `a.b` if the whole expression is `a.b(…)`, possibly awaited.
fn call(tokens: &[NumberedToken]) -> Option<&[NumberedToken]> {
    let awaits = usize::from(tokens.first()?.kind == TokenKind::Await);
    let tokens = &tokens[awaits..];
    let mut names = tokens.iter().take(LONGEST_EXPRESSION + 1);
    let end = names.position(|token| token.kind == TokenKind::OpeningParenthesis)?;
    let mut depth = 0;
    let closes = tokens[end..].iter().position(|token| {
        depth += i32::from(token.kind.opens_bracket());
        depth -= i32::from(token.kind == TokenKind::ClosingBracket);
        depth == 0
    });
    let names = &tokens[..end];
    (end + closes? + 1 == tokens.len() && is_dotted(names)).then_some(names)
}

/// The tokens of `a.b` if the whole expression is a dotted name.
fn names_of(tokens: &[NumberedToken]) -> &[NumberedToken] {
    if is_dotted(tokens) { tokens } else { &[] }
}

/// Whether the tokens are names separated by dots.
fn is_dotted(tokens: &[NumberedToken]) -> bool {
    let is_right = |(at, token): (usize, &NumberedToken)| match at % 2 {
        0 => token.kind.is_name(),
        _ => token.kind == TokenKind::Dot,
    };
    tokens.len() % 2 == 1 && tokens.iter().enumerate().all(is_right)
}
