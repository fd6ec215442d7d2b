//! Imports in a single line of text, which the server checks before it reads the whole file.

use super::imports::{ImportStatement, import_statements};
use super::text::token_kind;
use super::token::TokenKind;
use crate::python;

/// The import statement being written at the end of `line`.
pub fn import_at_end(line: &str) -> Option<ImportStatement> {
    let kinds = kinds(line);
    let last = kinds.rsplit(|kind| *kind == TokenKind::Semicolon).next()?;
    ImportStatement::parse(last.iter().copied())
}

/// Whether `line` contains an import statement, possibly unfinished.
pub fn is_import(line: &str) -> bool {
    !import_statements(&kinds(line)).is_empty()
}

fn kinds(text: &str) -> Vec<TokenKind> {
    let tokens = python::lex(text).into_iter();
    tokens.map(|token| token_kind(text, token)).collect()
}
