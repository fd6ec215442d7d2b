//! Builds a file's [`Symbols`] from its tokens, statement by statement.
//!
//! This module finds the ends of statements; [`statement`] adds the declarations of each to the [`TableWriter`].
//!
//! Without indentation, the members of a class are the functions whose first parameter is `self` or `cls`, the assignments
//! before the first of them, and the attributes of `self`. This heuristic finds nearly all members.

use super::role::{Item, NO_COLUMN, Role};
use super::statement;
use super::table::{Lengths, ScopeId, ScopeKind, Symbols};
use super::writer::{ScopeState, TableWriter};

/// Builds a symbol table. [`super::BufferSymbols`] wraps it to support truncation.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    writer: TableWriter,
    progress: Progress,
}

/// State of a builder between two tokens, excluding the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    scopes: ScopeState,
    progress: Progress,
}

/// Progress within the current statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    /// Number of open brackets.
    depth: u32,
    /// Number of `lambda` colons still expected.
    lambdas: u32,
    /// Role of the first word, which determines the kind of statement.
    first: Option<Role>,
    /// Number of tokens of the statement read so far.
    length: u32,
    /// Role of the last token, even if it belongs to the previous statement.
    last: Role,
}

/// How a token ends a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The token is the last of the statement.
    With,
    /// The token starts the next statement, even though a bracket is open.
    Before,
}

impl Builder {
    pub(super) fn new(keeps_locals: bool) -> Self {
        Self {
            writer: TableWriter::new(keeps_locals),
            progress: Progress::after(Role::Eol),
        }
    }

    /// A builder for the rest of a file that starts inside `scopes` (kind, column of the header), outermost first.
    pub(super) fn inside(scopes: &[(ScopeKind, u16)]) -> Self {
        let mut builder = Self::new(false);
        for &(kind, column) in scopes {
            builder.writer.open(kind, column);
        }
        builder.writer.state.has_function = false;
        builder
    }

    /// The open scopes (kind, column of the header), outermost first, without the module scope.
    pub(super) fn open_scopes(&self) -> Vec<(ScopeKind, u16)> {
        let table = &self.writer.table;
        let scopes = table.around(self.scope());
        let scopes = scopes.filter_map(|id| table.scope(id));
        let scopes = scopes.filter(|scope| scope.kind != ScopeKind::Module);
        let mut scopes: Vec<_> = scopes.map(|scope| (scope.kind, scope.column)).collect();
        scopes.reverse();
        scopes
    }

    /// Reads all tokens of a file and returns its table.
    pub(super) fn build(mut self, items: impl Iterator<Item = Item>) -> Symbols {
        self.read_all(items);
        self.writer.table.shrink();
        self.writer.table
    }

    pub(super) fn read_all(&mut self, items: impl Iterator<Item = Item>) {
        let mut statement: Vec<Item> = Vec::new();
        let mut start = 0;
        for (item, at) in items.zip(0..) {
            let mut end = self.read(item);
            if end == Some(End::Before) {
                self.declare(&statement, start);
                statement.clear();
                start = at;
                end = self.read(item);
            }
            statement.push(item);
            if end == Some(End::With) {
                self.declare(&statement, start);
                statement.clear();
                start = at + 1;
            }
        }
        self.declare(&statement, start);
    }

    /// Reads one token and reports whether it ends a statement. With [`End::Before`] the token must be read again. The
    /// caller must [declare](Builder::declare) the finished statement before reading anything else.
    pub(super) fn read(&mut self, item: Item) -> Option<End> {
        let Progress { length, last, .. } = self.progress;
        if length > 0 && last == Role::Eol && item.role.begins_statement() {
            return Some(End::Before);
        }
        self.begin(item);
        self.progress.has_ended().then_some(End::With)
    }

    /// Counts a token as part of the current statement.
    fn begin(&mut self, item: Item) {
        let is_blank = matches!(item.role, Role::Eol | Role::Start);
        let progress = &mut self.progress;
        // After a semicolon or the colon of a header, the line continues.
        if progress.first.is_none() && !is_blank && item.column != NO_COLUMN {
            self.writer.begin_line(item.column);
        }
        progress.last = item.role;
        progress.length += 1;
        if progress.first.is_none_or(|first| first == Role::Async) && !is_blank {
            progress.first = Some(item.role);
        }
        match item.role {
            role if role.opens() => progress.depth += 1,
            Role::Closing => progress.depth = progress.depth.saturating_sub(1),
            Role::Lambda if progress.depth == 0 => progress.lambdas += 1,
            _ => {}
        }
    }

    /// Declares the finished statement, which starts at token `at` of the file.
    pub(super) fn declare(&mut self, items: &[Item], at: u32) {
        statement::declare(&mut self.writer, items, at);
        self.progress = Progress::after(self.progress.last);
    }

    /// The table so far.
    pub(super) fn table(&self) -> &Symbols {
        &self.writer.table
    }

    /// The innermost scope of the current statement.
    pub(super) fn scope(&self) -> ScopeId {
        self.writer.state.scope
    }

    /// Whether the class or the module already has a function. Only meaningful without indentation.
    pub(super) fn has_function(&self) -> bool {
        self.writer.state.has_function
    }

    /// Whether a bracket is open.
    pub(super) fn is_in_brackets(&self) -> bool {
        self.progress.depth > 0
    }

    /// A snapshot for [`Builder::restore`].
    pub(super) fn state(&self) -> (State, Lengths) {
        let state = State {
            scopes: self.writer.state,
            progress: self.progress,
        };
        (state, self.writer.table.lengths())
    }

    /// Restores a snapshot.
    pub(super) fn restore(&mut self, state: State, lengths: Lengths) {
        self.writer.table.truncate(lengths, state.scopes.scope);
        self.writer.state = state.scopes;
        self.progress = state.progress;
    }
}

impl Progress {
    /// The state before the first token of a statement, given the role of the last token of the previous one.
    fn after(last: Role) -> Self {
        Self {
            depth: 0,
            lambdas: 0,
            first: None,
            length: 0,
            last,
        }
    }

    /// Whether the last token ends the statement.
    fn has_ended(&mut self) -> bool {
        if self.depth > 0 || self.length == 0 {
            return false;
        }
        match self.last {
            Role::Eol | Role::Semicolon | Role::Start => true,
            Role::Colon if self.lambdas > 0 => {
                self.lambdas -= 1;
                false
            }
            Role::Colon => self.first.is_some_and(Role::is_compound),
            _ => false,
        }
    }
}
