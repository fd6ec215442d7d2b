//! Builds a file's [`Symbols`] from its tokens, statement by statement.
//!
//! If lines come with their indentation, a scope ends at the first line that is indented no further than its head. If they do
//! not, as in the py150 corpora, a class ends where the next one begins; its members are the functions whose first parameter
//! is `self` or `cls`, the assignments before the first of them, and the attributes of `self`. That finds nearly all.

use super::role::{Item, NO_COLUMN, Name, Role};
use rustc_hash::FxHashMap;

use super::statement;
use super::table::{Lengths, OPEN, Scope, ScopeId, ScopeKind, Span, Symbols};

/// Builds a table. [`super::BufferSymbols`] takes statements back, too.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    pub(super) table: Symbols,
    pub(super) state: State,
    /// What is bound in functions is kept, and every attribute of `self` each time: nobody outside a file can ask for the former,
    /// and nothing is taken back there.
    pub(super) keeps_locals: bool,
    /// The symbols of attributes, where one is kept for all places.
    pub(super) attributes: FxHashMap<(ScopeId, Name), usize>,
}

/// The state of a builder between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The innermost scope of the statement that is being read.
    pub(super) scope: ScopeId,
    /// Without indentation: a function of the class, or of the module, has begun, so that assignments are locals.
    pub(super) has_function: bool,
    /// Decorators above the next definition, and whether one is `staticmethod`.
    pub(super) decorators: Span,
    pub(super) is_static: bool,
    /// Brackets that are open.
    depth: u32,
    /// Colons of `lambda` that are still to come.
    lambdas: u32,
    /// The statement's first word that tells what it is, and how many of its tokens were read.
    first: Option<Role>,
    length: u32,
    /// The column where its line begins.
    column: u16,
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
            table: Symbols::new(),
            keeps_locals,
            attributes: FxHashMap::default(),
            state: State {
                scope: ScopeId::MODULE,
                has_function: false,
                decorators: Span::default(),
                is_static: false,
                depth: 0,
                lambdas: 0,
                first: None,
                length: 0,
                column: NO_COLUMN,
                last: Role::Eol,
            },
        }
    }

    /// A builder for what goes on in the midst of a file: in scopes whose heads begin at these columns, the outermost first;
    /// without indentation in a class, if there is one.
    pub(super) fn inside(scopes: &[(ScopeKind, u16)]) -> Self {
        let mut builder = Self::new(false);
        for &(kind, column) in scopes {
            builder.open(kind, column);
        }
        builder.state.has_function = false;
        builder
    }

    /// The scopes that are open, the outermost first, the module's own left out.
    pub(super) fn open_scopes(&self) -> Vec<(ScopeKind, u16)> {
        let around = self.table.around(self.state.scope);
        let scopes = around.filter_map(|id| self.table.scope(id));
        let scopes = scopes.filter(|scope| scope.kind != ScopeKind::Module);
        let mut scopes: Vec<_> = scopes.map(|scope| (scope.kind, scope.column)).collect();
        scopes.reverse();
        scopes
    }

    /// All of a file's tokens.
    pub(super) fn build(mut self, items: impl Iterator<Item = Item>) -> Symbols {
        self.read_all(items);
        self.table.shrink();
        self.table
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
        let state = &mut self.state;
        if state.length > 0 && state.last == Role::Eol && item.role.begins_statement() {
            return Some(End::Before);
        }
        self.begin(item);
        self.state.has_ended().then_some(End::With)
    }

    /// The token is one of the statement that is being read.
    fn begin(&mut self, item: Item) {
        let is_blank = matches!(item.role, Role::Eol | Role::Start);
        if self.state.first.is_none() && !is_blank {
            self.enter(item);
        }
        let state = &mut self.state;
        state.last = item.role;
        state.length += 1;
        if state.first.is_none_or(|first| first == Role::Async) && !is_blank {
            state.first = Some(item.role);
        }
        match item.role {
            role if role.opens() => state.depth += 1,
            Role::Closing => state.depth = state.depth.saturating_sub(1),
            Role::Lambda if state.depth == 0 => state.lambdas += 1,
            _ => {}
        }
    }

    /// A line begins with a token: scopes end that do not reach so far to the right.
    fn enter(&mut self, item: Item) {
        // After a semicolon or a head's colon the line goes on.
        if item.column == NO_COLUMN {
            return;
        }
        self.table.is_exact = true;
        self.state.column = item.column;
        while let Some(scope) = self.table.scopes.get(self.state.scope.0 as usize)
            && self.state.scope != ScopeId::MODULE
            && scope.column >= item.column
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

    /// A scope begins with the statement that is being declared.
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

    /// The same for a class or a function whose statement was just read. Without indentation classes end with each other, and
    /// nobody knows where functions do.
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

    /// The statement that begins with the file's token `at` has been read.
    pub(super) fn declare(&mut self, items: &[Item], at: u32) {
        statement::declare(self, items, at);
        let state = &mut self.state;
        (state.depth, state.lambdas, state.first, state.length) = (0, 0, None, 0);
    }

    /// The innermost class that is being read, and the scopes on the way.
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

    pub(super) fn lengths(&self) -> Lengths {
        self.table.lengths()
    }
}

impl State {
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

    /// Whether brackets are open.
    pub(super) fn is_in_brackets(self) -> bool {
        self.depth > 0
    }
}
