//! The symbol table of one file: its scopes and their declarations.
//!
//! As in ruff's semantic model, a [`Symbol`] is a binding of a name in a [`Scope`]. The table is append-only: its lists grow
//! in source order, so truncating a buffer truncates the lists ([`truncate`]). The table records what is written; the resolver
//! decides what it means.

mod expression;
mod symbol;
mod truncate;

pub(super) use expression::LONGEST_EXPRESSION;
pub use expression::{Expression, ExpressionKind, Span};
pub use symbol::{
    Class, Function, Import, Parameter, ParameterKind, Scope, ScopeId, ScopeKind, Symbol, SymbolId,
    SymbolKind,
};
pub(super) use symbol::{OPEN, ReturnStatement};
pub(super) use truncate::Lengths;

use super::name::{Name, Numbering};

/// All declarations of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolTable {
    pub(super) scopes: Vec<Scope>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) classes: Vec<Class>,
    pub(super) functions: Vec<Function>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) imports: Vec<Import>,
    pub(super) returns: Vec<ReturnStatement>,
    /// Bases of classes, and decorators.
    pub(super) expressions: Vec<Expression>,
    /// Tokens of expressions, and parts of module names.
    pub(super) tokens: Vec<Name>,
    /// Lines have known indentation, so scopes are exact.
    pub(super) is_exact: bool,
    /// The file adds names dynamically, for example with `globals().update`.
    pub(super) has_dynamic_names: bool,
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

    /// Returns `None` for [`ScopeId::UNKNOWN_FUNCTION`].
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
        class.bases.of(&self.expressions)
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
        expression.span().of(&self.tokens)
    }

    /// The call that produces all return values of a function, or an unknown expression if they differ.
    pub fn return_value(&self, function: &Function) -> Expression {
        let returns = self.returns.iter();
        let returns = returns.filter(|returned| returned.scope == function.scope);
        let mut made_by = Expression::UNKNOWN;
        for ReturnStatement { value, .. } in returns {
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
        self.enclosing_scopes(scope)
            .find(|&id| self.scope(id).is_some_and(|scope| scope.kind == kind))
    }

    /// A scope and its enclosing scopes, innermost first.
    pub(super) fn enclosing_scopes(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> {
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
        self.returns.shrink_to_fit();
        self.expressions.shrink_to_fit();
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
            + size_of_val(&self.returns[..])
            + size_of_val(&self.expressions[..])
            + size_of_val(&self.tokens[..])
    }

    /// Marks imports from the file's own package, decided by the first part of the module name.
    pub fn mark_own_package(&mut self, is_own_package: impl Fn(Name) -> bool) {
        let Self {
            imports, tokens, ..
        } = self;
        for import in imports {
            let is_from = import.member.is_some() || import.is_star;
            let first = import.path.of(tokens).first();
            import.is_own_package |= is_from && first.is_some_and(|&first| is_own_package(first));
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

    /// Records the tokens of an expression unless it is too long.
    pub(super) fn record(
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
        Expression::new(kind, start, length as u8)
    }

    pub(super) fn add(&mut self, symbol: Symbol) -> SymbolId {
        self.symbols.push(symbol);
        SymbolId(self.symbols.len() as u32 - 1)
    }
}
