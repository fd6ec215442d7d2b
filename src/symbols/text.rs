//! Symbols of a plain text, together with its names.

use rustc_hash::FxHashMap;

use super::name::{Name, Numbering};
use super::parser::Parser;
use super::table::{ScopeKind, SymbolTable};
use super::token::{NO_COLUMN, NumberedToken, TokenKind};
use crate::python::{self, Kind, Token};

/// Symbols of a file and its names. Project-numbered names index the returned list.
pub fn build_from_text(text: &str) -> (SymbolTable, Vec<&str>) {
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
    let numbered = python::lex(text).into_iter().map(|token| {
        let spelling = match token.kind {
            Kind::Eol => python::EOL,
            // The contents of a literal do not matter.
            Kind::String => "\"",
            Kind::Number => "0",
            Kind::Name | Kind::Keyword | Kind::Operator => token.text(text),
        };
        NumberedToken {
            name: number(spelling),
            column: python::column(text, token).unwrap_or(NO_COLUMN),
            kind: token_kind(text, token),
        }
    });
    (Parser::new(false).parse(numbered), names)
}

pub(super) fn token_kind(text: &str, token: Token) -> TokenKind {
    match token.kind {
        Kind::Eol => TokenKind::Eol,
        Kind::String | Kind::Number => TokenKind::Other,
        Kind::Name | Kind::Keyword | Kind::Operator => TokenKind::of(token.text(text)),
    }
}

/// Scopes open at the end of `tokens` (kind, column of the header), outermost first.
pub fn open_scopes(text: &str, tokens: &[Token]) -> Vec<(ScopeKind, u16)> {
    let numbered = tokens.iter().map(|&token| NumberedToken {
        name: Name::NONE,
        column: python::column(text, token).unwrap_or(NO_COLUMN),
        kind: token_kind(text, token),
    });
    let mut parser = Parser::new(false);
    parser.read_all(numbered);
    parser.open_scopes()
}
