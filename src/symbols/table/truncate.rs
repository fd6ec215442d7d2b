//! Undo: a table is append-only, so the lengths of its lists are a snapshot, and truncating the lists restores it.

use super::SymbolTable;
use super::symbol::{OPEN, ScopeId};

/// Lengths of a table's lists: a snapshot for [`SymbolTable::truncate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::symbols) struct Lengths {
    scopes: u32,
    pub(in crate::symbols) symbols: u32,
    classes: u32,
    functions: u32,
    parameters: u32,
    imports: u32,
    returns: u32,
    expressions: u32,
    tokens: u32,
    is_exact: bool,
    has_dynamic_names: bool,
}

impl SymbolTable {
    pub(in crate::symbols) fn lengths(&self) -> Lengths {
        Lengths {
            scopes: self.scopes.len() as u32,
            symbols: self.symbols.len() as u32,
            classes: self.classes.len() as u32,
            functions: self.functions.len() as u32,
            parameters: self.parameters.len() as u32,
            imports: self.imports.len() as u32,
            returns: self.returns.len() as u32,
            expressions: self.expressions.len() as u32,
            tokens: self.tokens.len() as u32,
            is_exact: self.is_exact,
            has_dynamic_names: self.has_dynamic_names,
        }
    }

    /// Truncates the lists to `lengths`, recorded when `scope` was the innermost scope.
    pub(in crate::symbols) fn truncate(&mut self, lengths: Lengths, scope: ScopeId) {
        self.scopes.truncate(lengths.scopes as usize);
        self.symbols.truncate(lengths.symbols as usize);
        self.classes.truncate(lengths.classes as usize);
        self.functions.truncate(lengths.functions as usize);
        self.parameters.truncate(lengths.parameters as usize);
        self.imports.truncate(lengths.imports as usize);
        self.returns.truncate(lengths.returns as usize);
        self.expressions.truncate(lengths.expressions as usize);
        self.tokens.truncate(lengths.tokens as usize);
        (self.is_exact, self.has_dynamic_names) = (lengths.is_exact, lengths.has_dynamic_names);
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
}
