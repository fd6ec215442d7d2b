//! The tokens that tell what a value is: an annotation, a base class, a decorator, or the name of a called function.

/// What is known of a value without evaluating anything: a span of the table's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression {
    pub kind: ExpressionKind,
    length: u8,
    start: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionKind {
    /// Nothing was recorded.
    Unknown,
    /// Tokens of an annotation `: a.B` or `-> a.B`, a base class, or a decorator.
    Verbatim,
    /// The result of calling `a.b`: the tokens of the dotted name.
    CallResult,
}

/// Maximum length of a recorded expression, in tokens.
pub(in crate::symbols) const LONGEST_EXPRESSION: usize = 24;

impl Expression {
    pub(in crate::symbols) const UNKNOWN: Self = Self {
        kind: ExpressionKind::Unknown,
        length: 0,
        start: 0,
    };

    pub(super) fn new(kind: ExpressionKind, start: u32, length: u8) -> Self {
        Self {
            kind,
            length,
            start,
        }
    }

    /// Its range of the table's tokens.
    pub(super) fn span(self) -> Span {
        Span {
            start: self.start,
            end: self.start + u32::from(self.length),
        }
    }

    pub(in crate::symbols) fn is_unknown(self) -> bool {
        self.kind == ExpressionKind::Unknown
    }
}

/// A range of one of the table's lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub(in crate::symbols) start: u32,
    pub(in crate::symbols) end: u32,
}

impl Span {
    pub(in crate::symbols) fn of<T>(self, list: &[T]) -> &[T] {
        list.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}
