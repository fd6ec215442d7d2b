//! The imports in one line of text, which the server asks about before a whole file is read.

use super::imports::{ImportStatement, import_statements};
use super::role::Role;
use super::text::role;
use crate::python;

/// The import that is being written at the end of a line.
pub fn import_at_end(line: &str) -> Option<ImportStatement> {
    let roles = roles(line);
    let last = roles.rsplit(|role| *role == Role::Semicolon).next()?;
    ImportStatement::parse(last.iter().copied())
}

/// Whether a line of a text imports something, or begins to.
pub fn is_import(line: &str) -> bool {
    !import_statements(&roles(line)).is_empty()
}

fn roles(text: &str) -> Vec<Role> {
    let tokens = python::lex(text).into_iter();
    tokens.map(|token| role(text, token)).collect()
}
