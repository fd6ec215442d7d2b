//! The only parser of import statements.
//!
//! It reads the kinds of a statement's tokens and returns positions in that token list, so it works for a buffer being
//! typed, for files with numbered tokens and for plain text. It does not know which files or modules exist.

use super::token::TokenKind;

/// An import statement, possibly unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportStatement {
    /// `from module import names`, as opposed to `import names`.
    pub is_from: bool,
    /// Number of leading dots of the module after `from`.
    pub level: usize,
    /// Token positions of the parts of the module after `from`.
    pub module: Vec<usize>,
    pub names: Vec<ImportedName>,
    /// What can follow the last token.
    pub expects: Expects,
}

/// One imported name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedName {
    /// Token positions of its parts. Only `import a.b` has several. A star counts as one part.
    pub path: Vec<usize>,
    /// Token position of the name after `as`.
    pub alias: Option<usize>,
}

/// What can follow an unfinished import statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expects {
    /// The first part of a module name: after `import`, `from`, or a comma of `import`.
    Module,
    /// A further part of a module name, after a dot.
    Submodule,
    /// A name that the module declares.
    Member,
    /// A keyword, a comma, the end of the statement, or a new name after `as`.
    #[default]
    Other,
}

impl ImportStatement {
    /// Parses the tokens of one statement, including line ends inside its brackets. Returns `None` if it is no import.
    pub fn parse(kinds: impl Iterator<Item = TokenKind>) -> Option<Self> {
        let mut kinds = kinds.enumerate().skip_while(|(_, kind)| kind.is_blank());
        let is_from = match kinds.next()?.1 {
            TokenKind::From => true,
            TokenKind::Import => false,
            _ => return None,
        };
        let mut statement = Self {
            is_from,
            expects: Expects::Module,
            ..Self::default()
        };
        let mut is_module = is_from;
        let mut is_alias = false;
        let mut is_new = true;
        for (at, kind) in kinds {
            if kind == TokenKind::Eol {
                continue;
            }
            statement.expects = statement.expectation(is_module, kind);
            match kind {
                TokenKind::Import if is_module => is_module = false,
                _ if is_module && kind.dots() > 0 => {
                    if statement.module.is_empty() {
                        statement.level += kind.dots();
                    }
                }
                _ if is_module && kind.is_name() => statement.module.push(at),
                _ if is_module => return Some(statement),
                TokenKind::Comma | TokenKind::OpeningParenthesis => {
                    (is_new, is_alias) = (true, false);
                }
                TokenKind::ClosingBracket => break,
                TokenKind::As => is_alias = true,
                TokenKind::Star | TokenKind::DoubleStar => statement.begin(at),
                _ if !kind.is_name() => {}
                _ if is_alias => {
                    if let Some(name) = statement.names.last_mut() {
                        name.alias = Some(at);
                    }
                }
                _ if is_new || is_from => {
                    statement.begin(at);
                    is_new = false;
                }
                _ => {
                    if let Some(name) = statement.names.last_mut() {
                        name.path.push(at);
                    }
                }
            }
        }
        Some(statement)
    }

    fn begin(&mut self, at: usize) {
        self.names.push(ImportedName {
            path: vec![at],
            alias: None,
        });
    }

    /// What can follow a token with kind `last`.
    fn expectation(&self, is_module: bool, last: TokenKind) -> Expects {
        match last {
            TokenKind::Import if is_module => Expects::Member,
            TokenKind::Comma | TokenKind::OpeningParenthesis if self.is_from => Expects::Member,
            TokenKind::Comma => Expects::Module,
            _ if last.dots() > 0 => Expects::Submodule,
            _ => Expects::Other,
        }
    }
}

/// The import statements in a token list, each with its start position. Statements on the same line as a compound header, as
/// in `try: import a`, are included.
pub fn import_statements(kinds: &[TokenKind]) -> Vec<(usize, ImportStatement)> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let mut parse = |start: usize, end: usize| {
        let statement = ImportStatement::parse(kinds[start..end].iter().copied());
        found.extend(statement.map(|statement| (start, statement)));
    };
    for (at, &kind) in kinds.iter().enumerate() {
        match kind {
            // The brackets before it were never closed.
            _ if kind.begins_statement() && at > start && kinds[at - 1] == TokenKind::Eol => {
                parse(start, at);
                (start, depth) = (at, 0);
            }
            _ if kind.opens_bracket() => depth += 1,
            TokenKind::ClosingBracket => depth = depth.saturating_sub(1),
            TokenKind::Eol | TokenKind::Semicolon | TokenKind::Colon if depth == 0 => {
                parse(start, at);
                start = at + 1;
            }
            _ => {}
        }
    }
    parse(start, kinds.len());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python;

    fn check(text: &str) -> String {
        let spelled = python::surfaces(text);
        let kinds: Vec<TokenKind> = spelled.iter().map(|token| TokenKind::of(token)).collect();
        let mut shown = Vec::new();
        for (start, statement) in import_statements(&kinds) {
            let path = |parts: &[usize]| {
                let parts = parts.iter().map(|&at| &*spelled[start + at]);
                parts.collect::<Vec<_>>().join(".")
            };
            let names = statement.names.iter().map(|name| {
                let alias = name.alias.map(|at| format!(" as {}", spelled[start + at]));
                path(&name.path) + &alias.unwrap_or_default()
            });
            let names = names.collect::<Vec<_>>().join(", ");
            let from = ".".repeat(statement.level) + &path(&statement.module);
            let kind = if statement.is_from { "from" } else { "import" };
            shown.push(format!("{kind} {from}: {names}; {:?}", statement.expects));
        }
        shown.join("\n")
    }

    #[test]
    fn statements_are_parsed_whole_or_as_far_as_they_go() {
        for (text, expected) in [
            ("import os, a.b as c\n", "import : os, a.b as c; Other"),
            ("x = 1; import sys", "import : sys; Other"),
            ("try: import a\n", "import : a; Other"),
            ("from . import (x as y,\n  z)\n", "from .: x as y, z; Other"),
            ("from ...p.q import *", "from ...p.q: *; Other"),
            ("from", "from : ; Module"),
            ("from .", "from .: ; Submodule"),
            ("from a.b", "from a.b: ; Other"),
            ("from a.b import", "from a.b: ; Member"),
            ("from a import (b,\n", "from a: b; Member"),
            ("from a import b as", "from a: b; Other"),
            ("import a,", "import : a; Module"),
            ("import a.", "import : a; Submodule"),
            ("f(\nimport a", "import : a; Other"),
            ("yield from a", ""),
            ("importer = from_", ""),
        ] {
            assert_eq!(check(text), expected, "{text}");
        }
    }
}
