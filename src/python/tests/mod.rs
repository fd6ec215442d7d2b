//! Tests by example; [`properties`] tests invariants of arbitrary text.

mod context;
mod decode;
mod fragments;
mod lexer;
mod print;
mod properties;
mod validate;

use super::{Token, lex, surface};

/// The spellings of tokens of a text.
fn spellings(text: &str, tokens: &[Token]) -> Vec<String> {
    let mut out = String::new();
    let spelling = |&token| {
        surface(text, token, &mut out);
        out.clone()
    };
    tokens.iter().map(spelling).collect()
}

/// A text's tokens as one line of the py150 format, without `<s>` and `</s>`.
fn tokens(text: &str) -> String {
    spellings(text, &lex(text)).join(" ")
}
