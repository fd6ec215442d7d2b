//! Builds a file's [`Symbols`] from its tokens, statement by statement.
//!
//! Finds where statements end and has [`statement`] add what each declares to the [`TableWriter`].
//! Without indentation, a class's members are the functions whose first parameter is `self` or `cls`, the assignments before the
//! first of them, and the attributes of `self`. That finds nearly all.

use super::role::{Item, NO_COLUMN, Role};
use super::statement;
use super::table::{Lengths, ScopeId, ScopeKind, Symbols};
use super::writer::{ScopeState, TableWriter};

/// Builds a table. [`super::BufferSymbols`] takes statements back, too.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    writer: TableWriter,
    progress: Progress,
}

/// The state of a builder between two tokens, beside the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    scopes: ScopeState,
    progress: Progress,
}

/// How far the statement has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    /// Brackets that are open.
    depth: u32,
    /// Colons of `lambda` that are still to come.
    lambdas: u32,
    /// The statement's first word that tells what it is.
    first: Option<Role>,
    /// How many of its tokens were read.
    length: u32,
    /// The last token, whichever statement it is of.
    last: Role,
}

/// A statement has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the token.
    With,
    /// Before it: it begins the next one, though brackets are open.
    Before,
}

impl Builder {
    pub(super) fn new(keeps_locals: bool) -> Self {
        Self {
            writer: TableWriter::new(keeps_locals),
            progress: Progress::after(Role::Eol),
        }
    }

    /// A builder for the rest of a file that begins in scopes whose heads are at these columns, the outermost first.
    pub(super) fn inside(scopes: &[(ScopeKind, u16)]) -> Self {
        let mut builder = Self::new(false);
        for &(kind, column) in scopes {
            builder.writer.open(kind, column);
        }
        builder.writer.state.has_function = false;
        builder
    }

    /// The scopes that are open, the outermost first, the module's own left out.
    pub(super) fn open_scopes(&self) -> Vec<(ScopeKind, u16)> {
        let table = &self.writer.table;
        let scopes = table.around(self.scope());
        let scopes = scopes.filter_map(|id| table.scope(id));
        let scopes = scopes.filter(|scope| scope.kind != ScopeKind::Module);
        let mut scopes: Vec<_> = scopes.map(|scope| (scope.kind, scope.column)).collect();
        scopes.reverse();
        scopes
    }

    /// All of a file's tokens.
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

    /// Whether a statement has ended before a token, which is to be read again then, or ends with it. It is to be
    /// [declared](Builder::declare) before anything else is read.
    pub(super) fn read(&mut self, item: Item) -> Option<End> {
        let Progress { length, last, .. } = self.progress;
        if length > 0 && last == Role::Eol && item.role.begins_statement() {
            return Some(End::Before);
        }
        self.begin(item);
        self.progress.has_ended().then_some(End::With)
    }

    /// Counts a token as one of the statement that is being read.
    fn begin(&mut self, item: Item) {
        let is_blank = matches!(item.role, Role::Eol | Role::Start);
        let progress = &mut self.progress;
        // After a semicolon or a head's colon the line goes on.
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

    /// The statement that begins with the file's token `at` has been read.
    pub(super) fn declare(&mut self, items: &[Item], at: u32) {
        statement::declare(&mut self.writer, items, at);
        self.progress = Progress::after(self.progress.last);
    }

    /// The table so far.
    pub(super) fn table(&self) -> &Symbols {
        &self.writer.table
    }

    /// The innermost scope of the statement that is being read.
    pub(super) fn scope(&self) -> ScopeId {
        self.writer.state.scope
    }

    /// Whether, without indentation, a function of the class, or of the module, has begun.
    pub(super) fn has_function(&self) -> bool {
        self.writer.state.has_function
    }

    /// Whether brackets are open.
    pub(super) fn is_in_brackets(&self) -> bool {
        self.progress.depth > 0
    }

    /// What [`Builder::restore`] goes back to.
    pub(super) fn state(&self) -> (State, Lengths) {
        let state = State {
            scopes: self.writer.state,
            progress: self.progress,
        };
        (state, self.writer.table.lengths())
    }

    /// Goes back to an earlier state.
    pub(super) fn restore(&mut self, state: State, lengths: Lengths) {
        self.writer.table.truncate(lengths, state.scopes.scope);
        self.writer.state = state.scopes;
        self.progress = state.progress;
    }
}

impl Progress {
    /// No token of a statement has been read; the one before it ended with `last`.
    fn after(last: Role) -> Self {
        Self {
            depth: 0,
            lambdas: 0,
            first: None,
            length: 0,
            last,
        }
    }

    /// Whether the statement ends with the token that was read last.
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
