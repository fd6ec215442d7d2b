//! Symbols of a plain text, together with its names.

use rustc_hash::FxHashMap;

use super::build::Builder;
use super::role::{Item, NO_COLUMN, Name, Numbering, Role};
use super::table::{ScopeKind, Symbols};
use crate::python::{self, Kind, Token};

/// Symbols of a file and its names. Project-numbered names index the returned list.
pub fn read(text: &str) -> (Symbols, Vec<&str>) {
    let mut names: Vec<&str> = Vec::new();
    let mut by_text: FxHashMap<&str, u32> = FxHashMap::default();
    let mut number = |token| {
        let next = names.len() as u32;
        let number = *by_text.entry(token).or_insert(next);
        if number == next {
            names.push(token);
        }
        Name::new(Numbering::Project(number))
    };
    let items = python::lex(text).into_iter().map(|token| {
        let spelling = match token.kind {
            Kind::Eol => python::EOL,
            // The contents of a literal do not matter.
            Kind::String => "\"",
            Kind::Number => "0",
            Kind::Name | Kind::Keyword | Kind::Operator => token.text(text),
        };
        Item {
            name: number(spelling),
            column: python::column(text, token).unwrap_or(NO_COLUMN),
            role: role(text, token),
        }
    });
    (Builder::new(false).build(items), names)
}

pub(super) fn role(text: &str, token: Token) -> Role {
    match token.kind {
        Kind::Eol => Role::Eol,
        Kind::String | Kind::Number => Role::Other,
        Kind::Name | Kind::Keyword | Kind::Operator => Role::of(token.text(text)),
    }
}

/// Scopes open at the end of `tokens` (kind, column of the header), outermost first.
pub fn open_scopes(text: &str, tokens: &[Token]) -> Vec<(ScopeKind, u16)> {
    let items = tokens.iter().map(|&token| Item {
        name: Name::NONE,
        column: python::column(text, token).unwrap_or(NO_COLUMN),
        role: role(text, token),
    });
    let mut builder = Builder::new(false);
    builder.read_all(items);
    builder.open_scopes()
}
