//! Truncating tokens undoes pushing them.

use proptest::prelude::*;

use crate::python;
use crate::symbols::{BufferSymbols, NO_COLUMN, Name, NumberedToken, Numbering, TokenKind};

const LINES: [&str; 14] = [
    "class A(B):",
    "def f(self, a: B = 1):",
    "x = A()",
    "self.x = y",
    "import a.b, c as x",
    "from .x import (y,",
    "z)",
    "return A()",
    "@a",
    "with f() as x: y = 1; z = 2",
    "f(",
    "]",
    "for x, y in z:",
    "if lambda: x: pass",
];

fn tokens(lines: &[(usize, u16)], is_exact: bool) -> Vec<NumberedToken> {
    let mut tokens = Vec::new();
    for &(line, column) in lines {
        let spelled = python::surfaces(LINES[line]);
        for (at, token) in spelled
            .iter()
            .map(|token| &**token)
            .chain([python::EOL])
            .enumerate()
        {
            let number = token
                .bytes()
                .fold(7_u32, |hash, byte| (hash * 31 + u32::from(byte)) % 65_536);
            tokens.push(NumberedToken {
                name: Name::new(Numbering::Buffer(number)),
                column: if at == 0 && is_exact {
                    column
                } else {
                    NO_COLUMN
                },
                kind: TokenKind::of(token),
            });
        }
    }
    tokens
}

fn assert_same(edited: &BufferSymbols, fresh: &BufferSymbols) -> Result<(), TestCaseError> {
    prop_assert_eq!(edited.tokens(), fresh.tokens());
    prop_assert_eq!(edited.table(), fresh.table());
    prop_assert_eq!(edited.statement(), fresh.statement());
    prop_assert_eq!(edited.scope(), fresh.scope());
    for token in fresh.tokens() {
        let bindings = |buffer: &BufferSymbols| buffer.bindings(token.name).collect::<Vec<_>>();
        prop_assert_eq!(bindings(edited), bindings(fresh));
    }
    Ok(())
}

proptest! {
    #[test]
    fn taking_back_undoes_pushing(
        before in prop::collection::vec((0..LINES.len(), (0..4_u16).prop_map(|k| 4 * k)), 0..12),
        after in prop::collection::vec((0..LINES.len(), (0..4_u16).prop_map(|k| 4 * k)), 0..6),
        cuts in prop::collection::vec(0..100_usize, 1..4),
        is_exact in any::<bool>(),
    ) {
        let after = tokens(&after, is_exact);
        let mut edited = BufferSymbols::default();
        let mut kept = tokens(&before, is_exact);
        kept.iter().for_each(|&token| edited.push(token));
        for cut in cuts {
            let cut = cut.min(kept.len());
            edited.truncate(cut);
            kept.truncate(cut);
            for &token in &after {
                edited.push(token);
                kept.push(token);
            }
        }
        let mut fresh = BufferSymbols::default();
        kept.iter().for_each(|&token| fresh.push(token));
        assert_same(&edited, &fresh)?;
    }
}
