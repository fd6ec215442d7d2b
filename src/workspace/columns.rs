//! Indentation columns of a text's lines.

use crate::python;

/// The column of each line that contains a token, in order, capped at 255.
pub(super) fn columns(text: &str, tokens: &[python::Token]) -> Vec<u8> {
    let is_begin = |at: usize| {
        let is_eol = |at: usize| tokens[at].kind == python::Kind::Eol;
        !is_eol(at) && at.checked_sub(1).is_none_or(is_eol)
    };
    let begins = (0..tokens.len()).filter(|&at| is_begin(at));
    let columns = begins.map(|at| python::column(text, tokens[at]).unwrap_or(0));
    columns.map(|column| column.min(255) as u8).collect()
}
