//! Builds a file's [`SymbolTable`]: holds the table so far and the scope of the next statement.
//!
//! With known indentation, a scope ends at the first line indented no further than its header. Without indentation, as in
//! the py150 corpora, a class ends at the next class, and the end of a function is unknown.
//!
//! The builder does not read tokens: [`super::statement`] extracts the declarations of a statement.

use rustc_hash::FxHashMap;

use super::name::Name;
use super::table::{OPEN, Scope, ScopeId, ScopeKind, Span, SymbolTable};
use super::token::NO_COLUMN;

/// A table under construction.
#[derive(Clone, Debug)]
pub(super) struct TableBuilder {
    pub(super) table: SymbolTable,
    pub(super) state: ScopeState,
    /// Record locals of functions and every occurrence of an attribute of `self`. Only a buffer needs this: other files
    /// cannot refer to its locals, and only a buffer truncates tokens.
    pub(super) keeps_locals: bool,
    /// Attribute symbols by class and name, if one symbol represents all occurrences.
    pub(super) attributes: FxHashMap<(ScopeId, Name), usize>,
}

/// Where the next statement belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeState {
    /// The innermost scope.
    pub(super) scope: ScopeId,
    /// Without indentation: the class or the module already has a function, so assignments bind locals.
    pub(super) has_function: bool,
    /// Decorators before the next definition.
    pub(super) decorators: Span,
    /// One of them is `staticmethod`.
    pub(super) is_static: bool,
    /// Column of the statement's line.
    column: u16,
}

impl TableBuilder {
    /// An empty table.
    pub(super) fn new(keeps_locals: bool) -> Self {
        Self {
            table: SymbolTable::new(),
            keeps_locals,
            attributes: FxHashMap::default(),
            state: ScopeState {
                scope: ScopeId::MODULE,
                has_function: false,
                decorators: Span::default(),
                is_static: false,
                column: NO_COLUMN,
            },
        }
    }

    /// Starts a line at a column and closes the scopes whose headers are not left of it.
    pub(super) fn begin_line(&mut self, column: u16) {
        self.table.is_exact = true;
        self.state.column = column;
        while let Some(scope) = self.table.scopes.get(self.state.scope.0 as usize)
            && self.state.scope != ScopeId::MODULE
            && scope.column >= column
        {
            self.close();
        }
    }

    fn close(&mut self) {
        let end = self.table.symbols.len() as u32;
        let scope = &mut self.table.scopes[self.state.scope.0 as usize];
        scope.end = end;
        self.state.scope = scope.parent;
    }

    /// Opens a scope whose header is at `column`.
    pub(super) fn open(&mut self, kind: ScopeKind, column: u16) -> ScopeId {
        let parent = self.state.scope;
        self.state.scope = ScopeId(self.table.scopes.len() as u32);
        self.table.scopes.push(Scope {
            kind,
            parent,
            column,
            first: self.table.symbols.len() as u32,
            end: OPEN,
        });
        self.state.scope
    }

    /// Opens the scope of the class or function whose header was just read. Without indentation, a class closes the previous
    /// class, and a function gets no scope of its own.
    pub(super) fn open_definition(&mut self, kind: ScopeKind) -> ScopeId {
        if self.table.is_exact {
            return self.open(kind, self.state.column);
        }
        if kind == ScopeKind::Function {
            self.state.has_function = true;
            return ScopeId::UNKNOWN_FUNCTION;
        }
        if self.state.scope != ScopeId::MODULE {
            self.close();
        }
        self.state.has_function = false;
        self.open(kind, NO_COLUMN)
    }

    /// The innermost class that contains a scope.
    pub(super) fn enclosing_class(&self, scope: ScopeId) -> Option<ScopeId> {
        self.table.enclosing(scope, ScopeKind::Class)
    }

    /// Whether the current statement belongs to a function.
    pub(super) fn is_in_function(&self) -> bool {
        let kind = self.table.scope(self.state.scope).map(|scope| scope.kind);
        if self.table.is_exact {
            kind == Some(ScopeKind::Function)
        } else {
            self.state.has_function
        }
    }
}
