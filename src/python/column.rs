//! Columns of the tokens that start a line.

use super::{Token, line_start};

/// The column of `token` if it is the first of its line, else None. A tab advances to the next multiple of eight, as in
/// `CPython`.
pub fn column(text: &str, token: Token) -> Option<u16> {
    let start = token.start as usize;
    let indentation = &text.as_bytes()[line_start(text, start)..start];
    let mut column = 0_usize;
    for byte in indentation {
        column = match byte {
            b' ' => column + 1,
            b'\t' => (column / 8 + 1) * 8,
            b'\x0c' => 0,
            _ => return None,
        };
    }
    Some(column.min(usize::from(u16::MAX) - 1) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::{Kind, lex};

    #[test]
    fn only_the_first_token_of_a_line_has_a_column() {
        let text = "a b\n  c\n\td = e\n \tf\r\n\u{c} g";
        let tokens = lex(text)
            .into_iter()
            .filter(|token| token.kind != Kind::Eol);
        let columns: Vec<_> = tokens.map(|token| column(text, token)).collect();
        let expected = [
            Some(0),
            None,
            Some(2),
            Some(8),
            None,
            None,
            Some(8),
            Some(1),
        ];
        assert_eq!(columns, expected);
    }
}
