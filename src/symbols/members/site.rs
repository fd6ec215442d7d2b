//! The kind of place at the end of the buffer: it determines which names fit.

use crate::symbols::imports::{Expects, ImportStatement};
use crate::symbols::resolve::ResolverInputs;
use crate::symbols::token::TokenKind;

/// The kind of position that determines which names fit.
///
/// Each kind is a feature of the gate, so adding one changes the gate's shape and the fingerprint of its features: add its
/// name to `FEATURE_NAMES` in `prediction/features.rs` too, and fit the default model's gate again with `trainer gate`.
/// Until then the program refuses the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// `self.`, `cls.`
    OwnAttribute,
    /// After the dot of a class or an instance.
    Attribute,
    /// After the dot of a module.
    ModuleAttribute,
    /// `from module import`
    ImportedName,
    /// Inside the brackets of a call.
    Argument,
}

impl Site {
    /// Number of kinds.
    pub const COUNT: usize = 5;
    /// Their names among the gate's features, in the same order.
    pub const NAMES: [&str; Self::COUNT] = [
        "own member",
        "member of a class",
        "member of a module",
        "imported name",
        "argument",
    ];
}

/// Whether the buffer ends with a dot that only a name can follow. The dot of `from .` does not count.
pub fn is_attribute(inputs: ResolverInputs<'_>) -> bool {
    let mut last = inputs.buffer.tokens().iter().rev().map(|token| token.kind);
    let is_path = |kind| matches!(kind, TokenKind::Dot | TokenKind::Ellipsis | TokenKind::From);
    last.next() == Some(TokenKind::Dot) && !last.next().is_some_and(is_path)
}

/// Whether a module name starts at the end of the buffer: `import a`, `from a`.
pub fn begins_module(inputs: ResolverInputs<'_>) -> bool {
    import_at_end(inputs).is_some_and(|statement| statement.expects == Expects::Module)
}

/// The unfinished import statement at the end of the buffer.
pub(super) fn import_at_end(inputs: ResolverInputs<'_>) -> Option<ImportStatement> {
    let buffer = inputs.buffer;
    let tokens = &buffer.tokens()[buffer.statement()];
    ImportStatement::parse(tokens.iter().map(|token| token.kind))
}
