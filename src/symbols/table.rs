//! The symbol table of one file: its scopes and their declarations.
//!
//! As in ruff's semantic model, a [`Symbol`] is a binding of a name in a [`Scope`]. The table is append-only: its lists grow
//! in source order, so truncating a buffer truncates the lists ([`SymbolTable::truncate`]). The table records what is written.
//! The resolver decides what it means.

use super::name::{Name, Numbering};

/// Index of a scope in a table. [`ScopeId::MODULE`] is the module scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(super) u32);

/// Index of a symbol in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub(super) u32);

impl ScopeId {
    pub const MODULE: Self = Self(0);
    /// The scope of an unknown function: tokens without indentation do not show which one.
    pub const SOMEWHERE: Self = Self(u32::MAX);
}

impl SymbolId {
    pub(super) const NONE: Self = Self(u32::MAX);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// All declarations of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolTable {
    pub(super) scopes: Vec<Scope>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) classes: Vec<Class>,
    pub(super) functions: Vec<Function>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) imports: Vec<Import>,
    pub(super) results: Vec<Returned>,
    /// Bases of classes, and decorators.
    pub(super) lists: Vec<Expression>,
    /// Tokens of expressions, and parts of module names.
    pub(super) tokens: Vec<Name>,
    /// Lines have known indentation, so scopes are exact.
    pub(super) is_exact: bool,
    /// The file adds names dynamically, for example with `globals().update`.
    pub(super) is_open: bool,
}

/// Lengths of a table's lists: a snapshot for [`SymbolTable::truncate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    scopes: u32,
    pub(super) symbols: u32,
    classes: u32,
    functions: u32,
    parameters: u32,
    imports: u32,
    results: u32,
    lists: u32,
    tokens: u32,
    is_exact: bool,
    is_open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScopeKind {
    Module,
    Class,
    Function,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    pub kind: ScopeKind,
    pub parent: ScopeId,
    /// Column of its header.
    pub(super) column: u16,
    /// Range of symbols that contains its own; the end is [`OPEN`] while the scope is open.
    pub(super) first: u32,
    pub(super) end: u32,
}

/// End of a scope that is still open.
pub(super) const OPEN: u32 = u32::MAX;

/// A binding of a name in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: Name,
    pub scope: ScopeId,
    /// Token position of the name in the file.
    pub at: u32,
    pub kind: SymbolKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// Index of a class in the table.
    Class(u32),
    /// Index of a function in the table.
    Function(u32),
    Variable(Expression),
    Parameter(Expression),
    /// Index of an import in the table.
    Import(u32),
    /// `self.name` in the scope of its class, with the number of occurrences.
    Attribute(Expression, u16),
}

/// What is known of a value without evaluating anything: a span of the table's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression {
    pub kind: ExpressionKind,
    length: u8,
    start: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionKind {
    /// Nothing was recorded.
    Unknown,
    /// Tokens of an annotation `: a.B` or `-> a.B`, a base class, or a decorator.
    Stated,
    /// The result of calling `a.b`: the tokens of the dotted name.
    Call,
}

/// Maximum length of a recorded expression, in tokens.
pub(super) const LONGEST_EXPRESSION: usize = 24;

impl Expression {
    pub(super) const UNKNOWN: Self = Self {
        kind: ExpressionKind::Unknown,
        length: 0,
        start: 0,
    };

    pub(super) fn is_unknown(self) -> bool {
        self.kind == ExpressionKind::Unknown
    }
}

/// A range of one of the table's lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn of<T>(self, list: &[T]) -> &[T] {
        list.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    pub scope: ScopeId,
    /// Range of the table's lists. Keyword arguments such as `metaclass` are excluded.
    pub(super) bases: Span,
    pub(super) decorators: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    pub scope: ScopeId,
    pub(super) parameters: Span,
    /// Return annotation.
    pub returns: Expression,
    pub(super) decorators: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: Name,
    pub kind: ParameterKind,
    pub has_default: bool,
    pub annotation: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    PositionalOnly,
    Ordinary,
    KeywordOnly,
    /// `*name`.
    Positionals,
    /// `**name`.
    Keywords,
}

/// One name bound by an import statement: `from ..a.b import member as bound`, `import a.b as bound`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// Number of leading dots of the module name.
    pub level: u8,
    /// `import *`: all members instead of one.
    pub is_star: bool,
    /// `import a.b` without `as`: it binds `a`, the first part of the path.
    pub is_plain: bool,
    /// The module belongs to the file's own package.
    pub is_own: bool,
    /// The dotted module name without leading dots: a range of the table's tokens.
    pub(super) path: Span,
    /// `None` if the module itself is bound.
    pub member: Option<Name>,
    pub bound: Name,
}

/// A `return` statement of a function. Only recorded if the indentation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) scope: ScopeId,
    pub(super) value: Expression,
}

impl SymbolTable {
    pub(super) fn new() -> Self {
        Self {
            scopes: vec![Scope {
                kind: ScopeKind::Module,
                parent: ScopeId::MODULE,
                column: 0,
                first: 0,
                end: OPEN,
            }],
            ..Self::default()
        }
    }

    /// Whether the indentation of lines is known.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.index()]
    }

    /// Returns `None` for [`ScopeId::SOMEWHERE`].
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0 as usize)
    }

    pub fn class(&self, symbol: SymbolId) -> Option<&Class> {
        match self.symbol(symbol).kind {
            SymbolKind::Class(class) => self.classes.get(class as usize),
            _ => None,
        }
    }

    pub fn function(&self, symbol: SymbolId) -> Option<&Function> {
        match self.symbol(symbol).kind {
            SymbolKind::Function(function) => self.functions.get(function as usize),
            _ => None,
        }
    }

    /// The scope's own declarations, in source order.
    pub fn declared_in(&self, scope: ScopeId) -> impl DoubleEndedIterator<Item = SymbolId> {
        let range = self.scope(scope).map_or(0..0, |scope| {
            scope.first..scope.end.min(self.symbols.len() as u32)
        });
        let symbols = range.map(SymbolId);
        symbols.filter(move |&symbol| self.symbol(symbol).scope == scope)
    }

    pub fn bases(&self, class: &Class) -> &[Expression] {
        class.bases.of(&self.lists)
    }

    pub fn parameters(&self, function: &Function) -> &[Parameter] {
        function.parameters.of(&self.parameters)
    }

    pub fn import(&self, index: u32) -> &Import {
        &self.imports[index as usize]
    }

    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    pub fn path(&self, import: &Import) -> &[Name] {
        import.path.of(&self.tokens)
    }

    pub fn expression(&self, expression: Expression) -> &[Name] {
        let start = expression.start;
        let span = Span {
            start,
            end: start + u32::from(expression.length),
        };
        span.of(&self.tokens)
    }

    /// The call that produces all results of a function, or an unknown expression if they differ.
    pub fn result(&self, function: &Function) -> Expression {
        let results = self.results.iter();
        let results = results.filter(|returned| returned.scope == function.scope);
        let mut made_by = Expression::UNKNOWN;
        for Returned { value, .. } in results {
            let is_same = made_by.is_unknown()
                || self.expression(made_by) == self.expression(*value) && !value.is_unknown();
            if value.is_unknown() || !is_same {
                return Expression::UNKNOWN;
            }
            made_by = *value;
        }
        made_by
    }

    /// The innermost scope of kind `kind` that contains `scope` or is `scope` itself.
    pub(super) fn enclosing(&self, scope: ScopeId, kind: ScopeKind) -> Option<ScopeId> {
        self.around(scope)
            .find(|&id| self.scope(id).is_some_and(|scope| scope.kind == kind))
    }

    /// A scope and its enclosing scopes, innermost first.
    pub(super) fn around(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> {
        let parent = |&id: &ScopeId| match id {
            ScopeId::MODULE => None,
            id => self.scope(id).map(|scope| scope.parent),
        };
        std::iter::successors(Some(scope), parent)
    }

    /// Releases spare capacity once the table is complete.
    pub(super) fn shrink(&mut self) {
        self.scopes.shrink_to_fit();
        self.symbols.shrink_to_fit();
        self.classes.shrink_to_fit();
        self.functions.shrink_to_fit();
        self.parameters.shrink_to_fit();
        self.imports.shrink_to_fit();
        self.results.shrink_to_fit();
        self.lists.shrink_to_fit();
        self.tokens.shrink_to_fit();
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.scopes[..])
            + size_of_val(&self.symbols[..])
            + size_of_val(&self.classes[..])
            + size_of_val(&self.functions[..])
            + size_of_val(&self.parameters[..])
            + size_of_val(&self.imports[..])
            + size_of_val(&self.results[..])
            + size_of_val(&self.lists[..])
            + size_of_val(&self.tokens[..])
    }

    /// Marks imports from the file's own package, decided by the first part of the module name.
    pub fn mark_own(&mut self, is_own: impl Fn(Name) -> bool) {
        let Self {
            imports, tokens, ..
        } = self;
        for import in imports {
            let is_from = import.member.is_some() || import.is_star;
            let first = import.path.of(tokens).first();
            import.is_own |= is_from && first.is_some_and(|&first| is_own(first));
        }
    }

    /// The same symbols in another numbering.
    #[must_use]
    pub fn renumbered(mut self, mut number: impl FnMut(Name) -> Name) -> Self {
        let mut renumber = |name: &mut Name| {
            if *name != Name::NONE {
                *name = number(*name);
            }
        };
        self.symbols.iter_mut().for_each(|s| renumber(&mut s.name));
        for parameter in &mut self.parameters {
            renumber(&mut parameter.name);
        }
        for Import { member, bound, .. } in &mut self.imports {
            renumber(bound);
            member.iter_mut().for_each(&mut renumber);
        }
        self.tokens.iter_mut().for_each(renumber);
        self
    }

    /// Project-numbered names that the table mentions, with repetitions.
    pub fn project_names(&self) -> impl Iterator<Item = u32> {
        let symbols = self.symbols.iter().map(|symbol| symbol.name);
        let parameters = self.parameters.iter().map(|parameter| parameter.name);
        let imports = self.imports.iter().flat_map(|import| {
            let member = import.member.unwrap_or(Name::NONE);
            [import.bound, member]
        });
        let all = symbols.chain(parameters).chain(imports);
        let all = all
            .chain(self.tokens.iter().copied())
            .filter_map(Name::some);
        all.filter_map(|name| match name.numbering() {
            Numbering::Project(name) => Some(name),
            _ => None,
        })
    }

    pub(super) fn lengths(&self) -> Lengths {
        Lengths {
            scopes: self.scopes.len() as u32,
            symbols: self.symbols.len() as u32,
            classes: self.classes.len() as u32,
            functions: self.functions.len() as u32,
            parameters: self.parameters.len() as u32,
            imports: self.imports.len() as u32,
            results: self.results.len() as u32,
            lists: self.lists.len() as u32,
            tokens: self.tokens.len() as u32,
            is_exact: self.is_exact,
            is_open: self.is_open,
        }
    }

    /// Truncates the lists to `lengths`, recorded when `scope` was the innermost scope.
    pub(super) fn truncate(&mut self, lengths: Lengths, scope: ScopeId) {
        self.scopes.truncate(lengths.scopes as usize);
        self.symbols.truncate(lengths.symbols as usize);
        self.classes.truncate(lengths.classes as usize);
        self.functions.truncate(lengths.functions as usize);
        self.parameters.truncate(lengths.parameters as usize);
        self.imports.truncate(lengths.imports as usize);
        self.results.truncate(lengths.results as usize);
        self.lists.truncate(lengths.lists as usize);
        self.tokens.truncate(lengths.tokens as usize);
        (self.is_exact, self.is_open) = (lengths.is_exact, lengths.is_open);
        // Reopen the scopes that ended since.
        let mut open = scope;
        while let Some(scope) = self.scopes.get_mut(open.0 as usize) {
            scope.end = OPEN;
            if open == ScopeId::MODULE {
                break;
            }
            open = scope.parent;
        }
    }

    /// Records the tokens of an expression unless it is too long.
    pub(super) fn keep(
        &mut self,
        kind: ExpressionKind,
        tokens: impl ExactSizeIterator<Item = Name>,
    ) -> Expression {
        let length = tokens.len();
        if length == 0 || length > LONGEST_EXPRESSION {
            return Expression::UNKNOWN;
        }
        let start = self.tokens.len() as u32;
        self.tokens.extend(tokens);
        Expression {
            kind,
            length: length as u8,
            start,
        }
    }

    pub(super) fn add(&mut self, symbol: Symbol) -> SymbolId {
        self.symbols.push(symbol);
        SymbolId(self.symbols.len() as u32 - 1)
    }
}
