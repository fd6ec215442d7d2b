//! The dotted name in an expression that names a value or calls a function.

use crate::symbols::table::LONGEST_EXPRESSION;
use crate::symbols::token::{NumberedToken, TokenKind};

/// The tokens of `a.b` if the whole expression is `a.b(…)`, possibly awaited.
pub(super) fn called_name(tokens: &[NumberedToken]) -> Option<&[NumberedToken]> {
    let awaits = usize::from(tokens.first()?.kind == TokenKind::Await);
    let tokens = &tokens[awaits..];
    let mut names = tokens.iter().take(LONGEST_EXPRESSION + 1);
    let end = names.position(|token| token.kind == TokenKind::OpeningParenthesis)?;
    let mut depth = 0;
    let closes = tokens[end..].iter().position(|token| {
        depth += i32::from(token.kind.opens_bracket());
        depth -= i32::from(token.kind == TokenKind::ClosingBracket);
        depth == 0
    });
    let names = &tokens[..end];
    (end + closes? + 1 == tokens.len() && is_dotted(names)).then_some(names)
}

/// The tokens of `a.b` if the whole expression is a dotted name.
pub(super) fn dotted_name(tokens: &[NumberedToken]) -> &[NumberedToken] {
    if is_dotted(tokens) { tokens } else { &[] }
}

/// Whether the tokens are names separated by dots.
fn is_dotted(tokens: &[NumberedToken]) -> bool {
    let is_right = |(at, token): (usize, &NumberedToken)| match at % 2 {
        0 => token.kind.is_name(),
        _ => token.kind == TokenKind::Dot,
    };
    tokens.len() % 2 == 1 && tokens.iter().enumerate().all(is_right)
}
