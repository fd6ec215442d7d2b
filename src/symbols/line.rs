//! Imports in a single line of text, which the server checks before it reads the whole file.

use super::imports::{ImportStatement, import_statements};
use super::role::Role;
use super::text::role;
use crate::python;

/// The import statement being written at the end of `line`.
pub fn import_at_end(line: &str) -> Option<ImportStatement> {
    let roles = roles(line);
    let last = roles.rsplit(|role| *role == Role::Semicolon).next()?;
    ImportStatement::parse(last.iter().copied())
}

/// Whether `line` contains an import statement, possibly unfinished.
pub fn is_import(line: &str) -> bool {
    !import_statements(&roles(line)).is_empty()
}

fn roles(text: &str) -> Vec<Role> {
    let tokens = python::lex(text).into_iter();
    tokens.map(|token| role(text, token)).collect()
}
