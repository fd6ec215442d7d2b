//! Incremental symbol table of the buffer being edited: pushing and truncating tokens keeps the table in step.
//!
//! A statement is declared when it ends. Each end leaves a mark with the lengths of the table's lists. Truncation cuts the
//! lists back to a mark and re-reads only the remaining tokens of the statement it cut.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::name::Name;
use super::parser::{End, Parser, State};
use super::table::{Lengths, ScopeId, SymbolId, SymbolKind, SymbolTable};
use super::token::NumberedToken;

#[derive(Clone, Debug)]
pub struct BufferSymbols {
    tokens: Vec<NumberedToken>,
    parser: Parser,
    /// Start of the unfinished statement and the state before it.
    current: Mark,
    /// One mark per finished statement.
    marks: Vec<Mark>,
    /// For each symbol, the previous symbol that binds the same name.
    previous: Vec<SymbolId>,
    /// The last symbol that binds each name.
    last: FxHashMap<Name, SymbolId>,
}

/// A boundary between two statements.
#[derive(Clone, Copy, Debug)]
struct Mark {
    start: u32,
    /// Number of tokens at which the end of the preceding statement was recognized.
    ended: u32,
    state: State,
    lengths: Lengths,
}

impl Default for BufferSymbols {
    fn default() -> Self {
        let parser = Parser::new(true);
        let (state, lengths) = parser.state();
        Self {
            current: Mark {
                start: 0,
                ended: 0,
                state,
                lengths,
            },
            tokens: Vec::new(),
            parser,
            marks: Vec::new(),
            previous: Vec::new(),
            last: FxHashMap::default(),
        }
    }
}

impl BufferSymbols {
    /// Appends a token.
    pub fn push(&mut self, token: NumberedToken) {
        let mut end = self.parser.read(token);
        if end == Some(End::Before) {
            self.end_statement(self.tokens.len(), self.tokens.len() + 1);
            end = self.parser.read(token);
        }
        self.tokens.push(token);
        if end == Some(End::With) {
            self.end_statement(self.tokens.len(), self.tokens.len());
        }
    }

    /// Keeps only the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.tokens.len() {
            return;
        }
        self.tokens.truncate(len);
        while let Some(mark) = self.marks.pop_if(|mark| mark.ended as usize > len) {
            self.current = mark;
        }
        let Mark {
            start,
            state,
            lengths,
            ..
        } = self.current;
        while self.previous.len() > lengths.symbols as usize {
            self.unbind();
        }
        self.parser.restore(state, lengths);
        for at in start as usize..len {
            self.parser.read(self.tokens[at]);
        }
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token at position `at`, or [`NumberedToken::END`] past the end.
    pub fn token(&self, at: usize) -> NumberedToken {
        self.tokens.get(at).copied().unwrap_or(NumberedToken::END)
    }

    pub fn tokens(&self) -> &[NumberedToken] {
        &self.tokens
    }

    /// Token positions of the unfinished statement. The colon of a compound statement's header ends a statement too.
    pub fn statement(&self) -> Range<usize> {
        self.current.start as usize..self.tokens.len()
    }

    /// Whether a bracket is open at the end of the buffer.
    pub fn is_in_brackets(&self) -> bool {
        self.parser.is_in_brackets()
    }

    /// The innermost scope at the end of the buffer.
    pub fn scope(&self) -> ScopeId {
        self.parser.scope()
    }

    /// Whether the current class already has a function. Only meaningful without indentation.
    pub(super) fn has_function(&self) -> bool {
        self.parser.has_function()
    }

    pub fn table(&self) -> &SymbolTable {
        self.parser.table()
    }

    /// Symbols that bind `name`, last one first. Attributes of `self` are excluded.
    pub fn bindings(&self, name: Name) -> impl Iterator<Item = SymbolId> {
        let some = |symbol: SymbolId| (symbol != SymbolId::NONE).then_some(symbol);
        let last = self.last.get(&name).copied();
        std::iter::successors(last, move |symbol| some(self.previous[symbol.index()]))
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.tokens[..])
            + size_of_val(&self.marks[..])
            + size_of_val(&self.previous[..])
            + self.last.capacity() * 9
            + self.table().bytes()
    }

    /// Ends the current statement before position `end`. The end was recognized at `ended` tokens.
    fn end_statement(&mut self, end: usize, ended: usize) {
        let start = self.current.start as usize;
        self.parser.declare(&self.tokens[start..end], start as u32);
        self.bind();
        let mark = Mark {
            ended: ended as u32,
            ..self.current
        };
        self.marks.push(mark);
        let (state, lengths) = self.parser.state();
        self.current = Mark {
            start: end as u32,
            ended: 0,
            state,
            lengths,
        };
    }

    /// Links new symbols into the chains of bindings.
    fn bind(&mut self) {
        let table = self.parser.table();
        for new in self.previous.len()..table.symbols.len() {
            let symbol = &table.symbols[new];
            let is_binding = binds(symbol.kind, symbol.name);
            let before = is_binding.then(|| self.last.insert(symbol.name, SymbolId(new as u32)));
            self.previous
                .push(before.flatten().unwrap_or(SymbolId::NONE));
        }
    }

    fn unbind(&mut self) {
        let Some(before) = self.previous.pop() else {
            return;
        };
        let symbol = &self.parser.table().symbols[self.previous.len()];
        if !binds(symbol.kind, symbol.name) {
            return;
        }
        if before == SymbolId::NONE {
            self.last.remove(&symbol.name);
        } else {
            self.last.insert(symbol.name, before);
        }
    }
}

fn binds(kind: SymbolKind, name: Name) -> bool {
    !matches!(kind, SymbolKind::Attribute(..)) && name != Name::NONE
}
