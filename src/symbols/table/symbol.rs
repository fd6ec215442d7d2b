//! What a symbol table holds: scopes, the symbols bound in them, and the classes, functions and imports that they refer to.

use super::expression::{Expression, Span};
use crate::symbols::name::Name;

/// Index of a scope in a table. [`ScopeId::MODULE`] is the module scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(in crate::symbols) u32);

/// Index of a symbol in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub(in crate::symbols) u32);

impl ScopeId {
    pub const MODULE: Self = Self(0);
    /// The scope of an unknown function: tokens without indentation do not show which one.
    pub const UNKNOWN_FUNCTION: Self = Self(u32::MAX);
}

impl SymbolId {
    pub(in crate::symbols) const NONE: Self = Self(u32::MAX);

    pub(in crate::symbols) fn index(self) -> usize {
        self.0 as usize
    }
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
    pub(in crate::symbols) column: u16,
    /// Range of symbols that contains its own; the end is [`OPEN`] while the scope is open.
    pub(in crate::symbols) first: u32,
    pub(in crate::symbols) end: u32,
}

/// End of a scope that is still open.
pub(in crate::symbols) const OPEN: u32 = u32::MAX;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    pub scope: ScopeId,
    /// Range of the table's lists. Keyword arguments such as `metaclass` are excluded.
    pub(in crate::symbols) bases: Span,
    pub(in crate::symbols) decorators: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    pub scope: ScopeId,
    pub(in crate::symbols) parameters: Span,
    /// Return annotation.
    pub returns: Expression,
    pub(in crate::symbols) decorators: Span,
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
    pub is_own_package: bool,
    /// The dotted module name without leading dots: a range of the table's tokens.
    pub(in crate::symbols) path: Span,
    /// `None` if the module itself is bound.
    pub member: Option<Name>,
    pub bound: Name,
}

/// A `return` statement of a function. Only recorded if the indentation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::symbols) struct ReturnStatement {
    pub(in crate::symbols) scope: ScopeId,
    pub(in crate::symbols) value: Expression,
}
