//! Writes a file's [`Symbols`]: the table so far, and the scope that the next statement belongs to.
//!
//! If lines come with their indentation, a scope ends at the first line that is indented no further than its head. If they do
//! not, as in the py150 corpora, a class ends where the next one begins, and nobody knows where a function does.
//! Knows nothing of tokens: [`super::statement`] says what a statement declares.

use rustc_hash::FxHashMap;

use super::role::{NO_COLUMN, Name};
use super::table::{OPEN, Scope, ScopeId, ScopeKind, Span, Symbols};

/// A table that is being written.
#[derive(Clone, Debug)]
pub(super) struct TableWriter {
    pub(super) table: Symbols,
    pub(super) state: ScopeState,
    /// Keep what functions bind, and every occurrence of an attribute of `self`. Only a buffer does: other files cannot refer to
    /// locals, and only a buffer takes tokens back.
    pub(super) keeps_locals: bool,
    /// The symbols of attributes, if one symbol stands for all occurrences.
    pub(super) attributes: FxHashMap<(ScopeId, Name), usize>,
}

/// Where the next statement belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeState {
    /// The innermost scope.
    pub(super) scope: ScopeId,
    /// Without indentation: a function of the class, or of the module, has begun, so that assignments are locals.
    pub(super) has_function: bool,
    /// Decorators above the next definition.
    pub(super) decorators: Span,
    /// One of them is `staticmethod`.
    pub(super) is_static: bool,
    /// The column where the statement's line begins.
    column: u16,
}

impl TableWriter {
    /// An empty table.
    pub(super) fn new(keeps_locals: bool) -> Self {
        Self {
            table: Symbols::new(),
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

    /// A line begins at a column: closes the scopes whose heads are not to the left of it.
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

    /// Opens a scope whose head begins at a column.
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

    /// Opens the scope of a class or a function whose head was just read. Without indentation a class ends the one before it, and
    /// a function has no scope of its own.
    pub(super) fn open_here(&mut self, kind: ScopeKind) -> ScopeId {
        if self.table.is_exact {
            return self.open(kind, self.state.column);
        }
        if kind == ScopeKind::Function {
            self.state.has_function = true;
            return ScopeId::SOMEWHERE;
        }
        if self.state.scope != ScopeId::MODULE {
            self.close();
        }
        self.state.has_function = false;
        self.open(kind, NO_COLUMN)
    }

    /// The innermost class around a scope.
    pub(super) fn enclosing_class(&self, scope: ScopeId) -> Option<ScopeId> {
        self.table.enclosing(scope, ScopeKind::Class)
    }

    /// Whether the statement is one of a function.
    pub(super) fn is_in_function(&self) -> bool {
        let kind = self.table.scope(self.state.scope).map(|scope| scope.kind);
        if self.table.is_exact {
            kind == Some(ScopeKind::Function)
        } else {
            self.state.has_function
        }
    }
}
