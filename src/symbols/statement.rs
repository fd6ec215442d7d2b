//! Declarations of a single statement.

use std::ops::Range;

use super::imports::{ImportStatement, ImportedName};
use super::role::{Item, Name, Role};
use super::table::{
    Class, Expression, ExpressionKind, Function, Import, LONGEST_EXPRESSION, Parameter,
    ParameterKind, Returned, ScopeId, ScopeKind, Span, Symbol, SymbolKind,
};
use super::writer::TableWriter;

/// Adds the declarations of the statement that starts at token `at` of the file to the table.
pub(super) fn declare(writer: &mut TableWriter, items: &[Item], at: u32) {
    let blank = |item: &&Item| matches!(item.role, Role::Eol | Role::Start | Role::Async);
    let blanks = items.iter().take_while(blank).count();
    let ends = items.last().is_some_and(|item| {
        matches!(item.role, Role::Eol | Role::Semicolon | Role::Start)
            || item.role == Role::Colon && items.len() > blanks && items[blanks].role.is_compound()
    });
    let end = items.len() - usize::from(ends && items.len() > blanks);
    let mut statement = Statement {
        writer,
        items: &items[blanks..end],
        at: at + blanks as u32,
    };
    statement.declare();
}

struct Statement<'b, 's> {
    writer: &'b mut TableWriter,
    /// Tokens of the statement without its terminator: a line end, a semicolon, or the colon of a header.
    items: &'s [Item],
    /// Position of the first token in the file.
    at: u32,
}

impl Statement<'_, '_> {
    fn declare(&mut self) {
        let Some(first) = self.items.first() else {
            return;
        };
        match first.role {
            Role::At => return self.decorator(),
            Role::Class => self.class(),
            Role::Def => self.function(),
            Role::From | Role::Import => self.import(),
            Role::For => self.targets(1..self.position(1, |role| role == Role::In)),
            Role::With | Role::Except => self.contexts(),
            Role::Return => self.result(),
            Role::Globals => self.writer.table.is_open |= !self.writer.is_in_function(),
            _ => self.assignment(),
        }
        if self.items.iter().any(|item| item.role == Role::Yield) {
            self.returned(Expression::UNKNOWN);
        }
        self.attributes();
        let state = &mut self.writer.state;
        (state.decorators, state.is_static) = (Span::default(), false);
    }

    fn role(&self, at: usize) -> Role {
        self.items.get(at).map_or(Role::Eol, |item| item.role)
    }

    /// Position of the first token outside brackets, at or after `from`, whose role satisfies `is_it`; the end if there is
    /// none.
    fn position(&self, from: usize, is_it: impl Fn(Role) -> bool) -> usize {
        let mut depth = 0_usize;
        for (at, item) in self.items.iter().enumerate().skip(from) {
            match item.role {
                Role::Closing if depth > 0 => depth -= 1,
                role if depth == 0 && is_it(role) => return at,
                role => depth += usize::from(role.opens()),
            }
        }
        self.items.len()
    }

    /// Splits bracket contents at commas, starting after the opening bracket. Returns the positions of the non-empty parts
    /// and of the closing bracket.
    fn parts(&self, from: usize) -> (Vec<Range<usize>>, usize) {
        let (mut parts, mut start) = (Vec::new(), from);
        loop {
            let end = self.position(start, |role| matches!(role, Role::Comma | Role::Closing));
            let is_blank = |at: &usize| self.role(*at) == Role::Eol;
            let first = (start..end).find(|at| !is_blank(at)).unwrap_or(end);
            let last = (first..end).rev().find(|at| !is_blank(at));
            parts.extend(last.map(|last| first..last + 1));
            if self.role(end) != Role::Comma {
                return (parts, end);
            }
            start = end + 1;
        }
    }

    fn keep(&mut self, kind: ExpressionKind, items: &[Item]) -> Expression {
        let table = &mut self.writer.table;
        table.keep(kind, items.iter().map(|item| item.name))
    }

    fn add(&mut self, name: Name, at: usize, scope: ScopeId, kind: SymbolKind) {
        let at = self.at + at as u32;
        self.writer.table.add(Symbol {
            name,
            scope,
            at,
            kind,
        });
    }

    fn decorator(&mut self) {
        let is_static = self.role(1) == Role::StaticMethod;
        let decorator = self.keep(ExpressionKind::Stated, &self.items[1..]);
        let table = &mut self.writer.table;
        let state = &mut self.writer.state;
        state.is_static |= is_static;
        let end = table.lists.len() as u32;
        if state.decorators.end != end || state.decorators.start == end {
            state.decorators = Span { start: end, end };
        }
        table.lists.push(decorator);
        state.decorators.end += 1;
    }

    /// `class A(B, metaclass=M)`.
    fn class(&mut self) {
        let Some(name) = self.items.get(1).filter(|item| item.role.is_name()) else {
            return;
        };
        if !self.is_kept() {
            self.writer.open_here(ScopeKind::Class);
            return;
        }
        let mut bases = Vec::new();
        if self.role(2) == Role::Parenthesis {
            for base in self.parts(3).0 {
                let base = &self.items[base];
                if !base.iter().any(|item| item.role == Role::Equals) {
                    bases.push(self.keep(ExpressionKind::Stated, base));
                }
            }
        }
        let table = &mut self.writer.table;
        let start = table.lists.len() as u32;
        table.lists.extend(bases);
        let bases = Span {
            start,
            end: table.lists.len() as u32,
        };
        // Without indentation, a class belongs to the module scope.
        let scope = if table.is_exact {
            self.writer.state.scope
        } else {
            ScopeId::MODULE
        };
        let decorators = self.writer.state.decorators;
        let class = self.writer.table.classes.len() as u32;
        self.add(name.name, 1, scope, SymbolKind::Class(class));
        let scope = self.writer.open_here(ScopeKind::Class);
        self.writer.table.classes.push(Class {
            scope,
            bases,
            decorators,
        });
    }

    /// `def f(a, *, b: B = c) -> D`.
    fn function(&mut self) {
        let Some(name) = self.items.get(1).filter(|item| item.role.is_name()) else {
            return;
        };
        if self.role(2) != Role::Parenthesis {
            return;
        }
        if !self.is_kept() {
            self.writer.open_here(ScopeKind::Function);
            return;
        }
        let (parts, close) = self.parts(3);
        let first = parts.first().map(|part| self.role(part.start));
        let start = self.writer.table.parameters.len() as u32;
        let named = self.parameters(&parts);
        let table = &self.writer.table;
        let parameters = Span {
            start,
            end: table.parameters.len() as u32,
        };
        let state = self.writer.state;
        let mut scope = state.scope;
        if !table.is_exact {
            let is_method = first == Some(Role::Own) || state.is_static;
            scope = if is_method { scope } else { ScopeId::MODULE };
        }
        let mut returns = Expression::UNKNOWN;
        if self.role(close + 1) == Role::Arrow {
            returns = self.keep(ExpressionKind::Stated, &self.items[close + 2..]);
        }
        let function = self.writer.table.functions.len() as u32;
        self.add(name.name, 1, scope, SymbolKind::Function(function));
        let scope = self.writer.open_here(ScopeKind::Function);
        self.writer.table.functions.push(Function {
            scope,
            parameters,
            returns,
            decorators: state.decorators,
        });
        if self.writer.keeps_locals {
            let list = parameters.of(&self.writer.table.parameters).to_vec();
            for (parameter, at) in list.into_iter().zip(named) {
                let kind = SymbolKind::Parameter(parameter.annotation);
                self.add(parameter.name, at, scope, kind);
            }
        }
    }

    /// Whether to record a class or function. Those local to a function of another file cannot be referred to.
    fn is_kept(&self) -> bool {
        let writer = &self.writer;
        writer.keeps_locals || !writer.table.is_exact || !writer.is_in_function()
    }

    /// Adds the parameters of a function to the table and returns the positions of their names.
    fn parameters(&mut self, parts: &[Range<usize>]) -> Vec<usize> {
        let is_slash = |part: &Range<usize>| self.role(part.start) == Role::Slash;
        let slash = parts.iter().position(is_slash);
        let mut is_keyword = false;
        let mut named = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let first = self.role(part.start);
            let kind = match first {
                Role::DoubleStar => ParameterKind::Keywords,
                Role::Star => ParameterKind::Positionals,
                _ if is_keyword => ParameterKind::KeywordOnly,
                _ if slash.is_some_and(|slash| number < slash) => ParameterKind::PositionalOnly,
                _ => ParameterKind::Ordinary,
            };
            is_keyword |= first == Role::Star;
            let name = part.start + usize::from(matches!(first, Role::Star | Role::DoubleStar));
            let items = &self.items[part.clone()];
            let equals = items.iter().position(|item| item.role == Role::Equals);
            let end = equals.map_or(part.end, |equals| part.start + equals);
            let is_annotated = name + 1 < end && self.role(name + 1) == Role::Colon;
            if name >= end || !self.role(name).is_name() || name + 1 < end && !is_annotated {
                continue;
            }
            let annotation = if is_annotated {
                self.keep(ExpressionKind::Stated, &self.items[name + 2..end])
            } else {
                Expression::UNKNOWN
            };
            self.writer.table.parameters.push(Parameter {
                name: self.items[name].name,
                kind,
                has_default: equals.is_some(),
                annotation,
            });
            named.push(name);
        }
        named
    }

    fn import(&mut self) {
        let roles = self.items.iter().map(|item| item.role);
        let Some(statement) = ImportStatement::parse(roles) else {
            return;
        };
        for ImportedName { path, alias } in &statement.names {
            let last = path[path.len() - 1];
            let bound = alias.unwrap_or(if statement.is_from { last } else { path[0] });
            let is_star = self.role(last) == Role::Star;
            let module = if statement.is_from {
                &statement.module
            } else {
                path
            };
            let table = &mut self.writer.table;
            let start = table.tokens.len() as u32;
            let names = module.iter().map(|&at| self.items[at].name);
            table.tokens.extend(names);
            let import = Import {
                level: statement.level.min(255) as u8,
                is_star,
                is_plain: !statement.is_from && alias.is_none(),
                is_own: statement.level > 0,
                path: Span {
                    start,
                    end: table.tokens.len() as u32,
                },
                member: (statement.is_from && !is_star).then_some(self.items[last].name),
                bound: if is_star {
                    Name::NONE
                } else {
                    self.items[bound].name
                },
            };
            // Inside a function, it binds a local.
            let is_local = table.is_exact && self.writer.is_in_function();
            if is_local && !self.writer.keeps_locals {
                continue;
            }
            let number = self.writer.table.imports.len() as u32;
            self.writer.table.imports.push(import);
            let scope = self.binding_scope();
            self.add(import.bound, bound, scope, SymbolKind::Import(number));
        }
    }

    /// The scope in which the statement binds names. Without indentation, an import binds in the module scope.
    fn binding_scope(&self) -> ScopeId {
        if self.writer.table.is_exact {
            return self.writer.state.scope;
        }
        match self.items[0].role {
            Role::From | Role::Import => ScopeId::MODULE,
            _ if self.writer.is_in_function() => ScopeId::SOMEWHERE,
            _ => self.writer.state.scope,
        }
    }

    /// `with a.B() as b, c as d`, `except A as a`.
    fn contexts(&mut self) {
        let mut from = 1;
        loop {
            let end = self.position(from, |role| role == Role::Comma);
            let part = self.items[from..end].iter();
            let alias = part.rev().position(|item| item.role == Role::As);
            if let Some(after) = alias.filter(|&after| after > 0) {
                let alias = end - 1 - after;
                let value = &self.items[from..alias];
                let value = match self.items[0].role {
                    Role::Except => self.keep(ExpressionKind::Call, names_of(value)),
                    _ => self.context_value(value),
                };
                self.bind(alias + 1, value);
            }
            if end >= self.items.len() {
                return;
            }
            from = end + 1;
        }
    }

    /// The value that `with` binds: the result of a call, assuming it returns itself, or a named object.
    fn context_value(&mut self, value: &[Item]) -> Expression {
        let called = call(value).unwrap_or_else(|| names_of(value));
        self.keep(ExpressionKind::Call, called)
    }

    /// `a = b = c.D()`, `a: B = c`, `a, b = c`.
    fn assignment(&mut self) {
        if self.role(1) == Role::Colon && self.role(0).is_name() {
            let end = self.position(2, |role| role == Role::Equals);
            let annotation = self.keep(ExpressionKind::Stated, &self.items[2..end]);
            return self.bind(0, annotation);
        }
        if self.attribute_at(0) && self.role(3) == Role::Colon {
            return; // handled with the attributes
        }
        let mut from = 0;
        let mut targets = Vec::new();
        loop {
            let end = self.position(from, |role| role == Role::Equals);
            if end == self.items.len() {
                break;
            }
            targets.push(from..end);
            from = end + 1;
        }
        if targets.iter().all(|target| target.len() != 1) {
            return targets.into_iter().for_each(|target| self.targets(target));
        }
        let value = &self.items[from..];
        let value = call(value).map(|names| self.keep(ExpressionKind::Call, names));
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
            let before = at.checked_sub(1).map_or(Role::Eol, |at| self.role(at));
            let (role, next) = (self.role(at), self.role(at + 1));
            // Inside the brackets of a subscript or a call.
            if role == Role::Closing && index > 0 {
                index -= 1;
            } else if role.opens() && (index > 0 || before.is_name() || before == Role::Closing) {
                index += 1;
            }
            let is_part = before == Role::Dot || next == Role::Dot || next.opens();
            if role.is_name() && !is_part && index == 0 {
                self.bind(at, Expression::UNKNOWN);
            }
        }
    }

    /// Binds the name at a position to a value.
    fn bind(&mut self, at: usize, value: Expression) {
        if !self.role(at).is_name() {
            return;
        }
        let writer = &self.writer;
        if !writer.keeps_locals && writer.is_in_function() {
            return;
        }
        let scope = self.binding_scope();
        let name = self.items[at].name;
        self.add(name, at, scope, SymbolKind::Variable(value));
    }

    /// `return A(…)`.
    fn result(&mut self) {
        let value = &self.items[1..];
        let is_none = value.len() == 1 && value[0].role == Role::NoValue;
        if value.is_empty() || is_none {
            return;
        }
        let result = call(value).map(|names| self.keep(ExpressionKind::Call, names));
        self.returned(result.unwrap_or(Expression::UNKNOWN));
    }

    fn returned(&mut self, value: Expression) {
        let scope = self.writer.state.scope;
        if self.writer.table.is_exact && self.writer.is_in_function() {
            self.writer.table.results.push(Returned { scope, value });
        }
    }

    /// Whether `self.name` starts at a position.
    fn attribute_at(&self, at: usize) -> bool {
        self.role(at) == Role::Own
            && self.role(at + 1) == Role::Dot
            && self.role(at + 2).is_name()
            && (at == 0 || self.role(at - 1) != Role::Dot)
    }

    /// Records the attributes of `self` in the statement.
    fn attributes(&mut self) {
        let Some(class) = self.writer.enclosing_class(self.writer.state.scope) else {
            return;
        };
        for at in 0..self.items.len() {
            if !self.attribute_at(at) {
                continue;
            }
            let mut value = Expression::UNKNOWN;
            if at == 0 && self.role(3) == Role::Colon {
                let end = self.position(4, |role| role == Role::Equals);
                value = self.keep(ExpressionKind::Stated, &self.items[4..end]);
            } else if at == 0 && self.role(3) == Role::Equals {
                let called = call(&self.items[4..]);
                let called = called.map(|names| self.keep(ExpressionKind::Call, names));
                value = called.unwrap_or(value);
            }
            self.attribute(class, at + 2, value);
        }
    }

    fn attribute(&mut self, class: ScopeId, at: usize, value: Expression) {
        let name = self.items[at].name;
        let writer = &mut *self.writer;
        if !writer.keeps_locals {
            // One symbol per attribute. Without indentation, its count of occurrences ranks the members.
            let is_exact = writer.table.is_exact;
            let new = writer.table.symbols.len();
            let known = *writer.attributes.entry((class, name)).or_insert(new);
            if let Some(Symbol {
                kind: SymbolKind::Attribute(before, count),
                ..
            }) = writer.table.symbols.get_mut(known)
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
fn call(items: &[Item]) -> Option<&[Item]> {
    let awaits = usize::from(items.first()?.role == Role::Await);
    let items = &items[awaits..];
    let mut names = items.iter().take(LONGEST_EXPRESSION + 1);
    let end = names.position(|item| item.role == Role::Parenthesis)?;
    let mut depth = 0;
    let closes = items[end..].iter().position(|item| {
        depth += i32::from(item.role.opens());
        depth -= i32::from(item.role == Role::Closing);
        depth == 0
    });
    let names = &items[..end];
    (end + closes? + 1 == items.len() && is_dotted(names)).then_some(names)
}

/// The tokens of `a.b` if the whole expression is a dotted name.
fn names_of(items: &[Item]) -> &[Item] {
    if is_dotted(items) { items } else { &[] }
}

/// Whether the tokens are names separated by dots.
fn is_dotted(items: &[Item]) -> bool {
    let is_right = |(at, item): (usize, &Item)| match at % 2 {
        0 => item.role.is_name(),
        _ => item.role == Role::Dot,
    };
    items.len() % 2 == 1 && items.iter().enumerate().all(is_right)
}
