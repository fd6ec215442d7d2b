//! Parses a file's tokens into its [`SymbolTable`], statement by statement.
//!
//! This module finds the ends of statements; [`statement`] adds the declarations of each to the [`TableBuilder`].
//!
//! Without indentation, the members of a class are the functions whose first parameter is `self` or `cls`, the assignments
//! before the first of them, and the attributes of `self`. This heuristic finds nearly all members.

use super::statement;
use super::table::{Lengths, ScopeId, ScopeKind, SymbolTable};
use super::table_builder::{ScopeState, TableBuilder};
use super::token::{NO_COLUMN, NumberedToken, TokenKind};

/// Parses tokens into a symbol table. [`super::BufferSymbols`] wraps it to support truncation.
#[derive(Clone, Debug)]
pub(super) struct Parser {
    builder: TableBuilder,
    progress: Progress,
}

/// State of a parser between two tokens, excluding the table.
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
    /// Kind of the first word, which determines the kind of statement.
    first: Option<TokenKind>,
    /// Number of tokens of the statement read so far.
    length: u32,
    /// Kind of the last token, even if it belongs to the previous statement.
    last: TokenKind,
}

/// How a token ends a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The token is the last of the statement.
    With,
    /// The token starts the next statement, even though a bracket is open.
    Before,
}

impl Parser {
    pub(super) fn new(keeps_locals: bool) -> Self {
        Self {
            builder: TableBuilder::new(keeps_locals),
            progress: Progress::after(TokenKind::Eol),
        }
    }

    /// A parser for the rest of a file that starts inside `scopes` (kind, column of the header), outermost first.
    pub(super) fn inside(scopes: &[(ScopeKind, u16)]) -> Self {
        let mut parser = Self::new(false);
        for &(kind, column) in scopes {
            parser.builder.open(kind, column);
        }
        parser.builder.state.has_function = false;
        parser
    }

    /// The open scopes (kind, column of the header), outermost first, without the module scope.
    pub(super) fn open_scopes(&self) -> Vec<(ScopeKind, u16)> {
        let table = &self.builder.table;
        let scopes = table.enclosing_scopes(self.scope());
        let scopes = scopes.filter_map(|id| table.scope(id));
        let scopes = scopes.filter(|scope| scope.kind != ScopeKind::Module);
        let mut scopes: Vec<_> = scopes.map(|scope| (scope.kind, scope.column)).collect();
        scopes.reverse();
        scopes
    }

    /// Reads all tokens of a file and returns its table.
    pub(super) fn parse(mut self, tokens: impl Iterator<Item = NumberedToken>) -> SymbolTable {
        self.read_all(tokens);
        self.builder.table.shrink();
        self.builder.table
    }

    pub(super) fn read_all(&mut self, tokens: impl Iterator<Item = NumberedToken>) {
        let mut statement: Vec<NumberedToken> = Vec::new();
        let mut start = 0;
        for (token, at) in tokens.zip(0..) {
            let mut end = self.read(token);
            if end == Some(End::Before) {
                self.declare(&statement, start);
                statement.clear();
                start = at;
                end = self.read(token);
            }
            statement.push(token);
            if end == Some(End::With) {
                self.declare(&statement, start);
                statement.clear();
                start = at + 1;
            }
        }
        self.declare(&statement, start);
    }

    /// Reads one token and reports whether it ends a statement. With [`End::Before`] the token must be read again. The
    /// caller must [declare](Parser::declare) the finished statement before reading anything else.
    pub(super) fn read(&mut self, token: NumberedToken) -> Option<End> {
        let Progress { length, last, .. } = self.progress;
        if length > 0 && last == TokenKind::Eol && token.kind.begins_statement() {
            return Some(End::Before);
        }
        self.begin(token);
        self.progress.has_ended().then_some(End::With)
    }

    /// Counts a token as part of the current statement.
    fn begin(&mut self, token: NumberedToken) {
        let is_blank = token.kind.is_blank();
        let progress = &mut self.progress;
        // After a semicolon or the colon of a header, the line continues.
        if progress.first.is_none() && !is_blank && token.column != NO_COLUMN {
            self.builder.begin_line(token.column);
        }
        progress.last = token.kind;
        progress.length += 1;
        if progress.first.is_none_or(|first| first == TokenKind::Async) && !is_blank {
            progress.first = Some(token.kind);
        }
        match token.kind {
            kind if kind.opens_bracket() => progress.depth += 1,
            TokenKind::ClosingBracket => progress.depth = progress.depth.saturating_sub(1),
            TokenKind::Lambda if progress.depth == 0 => progress.lambdas += 1,
            _ => {}
        }
    }

    /// Declares the finished statement, which starts at token `at` of the file.
    pub(super) fn declare(&mut self, tokens: &[NumberedToken], at: u32) {
        statement::declare(&mut self.builder, tokens, at);
        self.progress = Progress::after(self.progress.last);
    }

    /// The table so far.
    pub(super) fn table(&self) -> &SymbolTable {
        &self.builder.table
    }

    /// The innermost scope of the current statement.
    pub(super) fn scope(&self) -> ScopeId {
        self.builder.state.scope
    }

    /// Whether the class or the module already has a function. Only meaningful without indentation.
    pub(super) fn has_function(&self) -> bool {
        self.builder.state.has_function
    }

    /// Whether a bracket is open.
    pub(super) fn is_in_brackets(&self) -> bool {
        self.progress.depth > 0
    }

    /// A snapshot for [`Parser::restore`].
    pub(super) fn state(&self) -> (State, Lengths) {
        let state = State {
            scopes: self.builder.state,
            progress: self.progress,
        };
        (state, self.builder.table.lengths())
    }

    /// Restores a snapshot.
    pub(super) fn restore(&mut self, state: State, lengths: Lengths) {
        self.builder.table.truncate(lengths, state.scopes.scope);
        self.builder.state = state.scopes;
        self.progress = state.progress;
    }
}

impl Progress {
    /// The state before the first token of a statement, given the kind of the last token of the previous one.
    fn after(last: TokenKind) -> Self {
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
            TokenKind::Eol | TokenKind::Semicolon | TokenKind::Start => true,
            TokenKind::Colon if self.lambdas > 0 => {
                self.lambdas -= 1;
                false
            }
            TokenKind::Colon => self.first.is_some_and(TokenKind::is_compound),
            _ => false,
        }
    }
}
