//! The only parser of import statements.
//!
//! It reads the roles of a statement's tokens and returns positions in that token list, so it works for a buffer being
//! typed, for files with numbered tokens and for plain text. It does not know which files or modules exist.

use super::role::Role;

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
    pub fn parse(roles: impl Iterator<Item = Role>) -> Option<Self> {
        let mut roles = roles.enumerate().skip_while(|(_, role)| is_blank(*role));
        let is_from = match roles.next()?.1 {
            Role::From => true,
            Role::Import => false,
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
        for (at, role) in roles {
            if role == Role::Eol {
                continue;
            }
            statement.expects = statement.expectation(is_module, role);
            match role {
                Role::Import if is_module => is_module = false,
                _ if is_module && role.dots() > 0 => {
                    if statement.module.is_empty() {
                        statement.level += role.dots();
                    }
                }
                _ if is_module && role.is_name() => statement.module.push(at),
                _ if is_module => return Some(statement),
                Role::Comma | Role::Parenthesis => (is_new, is_alias) = (true, false),
                Role::Closing => break,
                Role::As => is_alias = true,
                Role::Star | Role::DoubleStar => statement.begin(at),
                _ if !role.is_name() => {}
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

    /// What can follow a token with role `last`.
    fn expectation(&self, is_module: bool, last: Role) -> Expects {
        match last {
            Role::Import if is_module => Expects::Member,
            Role::Comma | Role::Parenthesis if self.is_from => Expects::Member,
            Role::Comma => Expects::Module,
            _ if last.dots() > 0 => Expects::Submodule,
            _ => Expects::Other,
        }
    }
}

fn is_blank(role: Role) -> bool {
    matches!(role, Role::Eol | Role::Start)
}

/// The import statements in a token list, each with its start position. Statements on the same line as a compound header, as
/// in `try: import a`, are included.
pub fn import_statements(roles: &[Role]) -> Vec<(usize, ImportStatement)> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let mut parse = |start: usize, end: usize| {
        let statement = ImportStatement::parse(roles[start..end].iter().copied());
        found.extend(statement.map(|statement| (start, statement)));
    };
    for (at, &role) in roles.iter().enumerate() {
        match role {
            // The brackets before it were never closed.
            _ if role.begins_statement() && at > start && roles[at - 1] == Role::Eol => {
                parse(start, at);
                (start, depth) = (at, 0);
            }
            _ if role.opens() => depth += 1,
            Role::Closing => depth = depth.saturating_sub(1),
            Role::Eol | Role::Semicolon | Role::Colon if depth == 0 => {
                parse(start, at);
                start = at + 1;
            }
            _ => {}
        }
    }
    parse(start, roles.len());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python;

    fn check(text: &str) -> String {
        let spelled = python::surfaces(text);
        let roles: Vec<Role> = spelled.iter().map(|token| Role::of(token)).collect();
        let mut shown = Vec::new();
        for (start, statement) in import_statements(&roles) {
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
