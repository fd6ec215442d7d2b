//! How much work a request may cause, and what comes of it.

use std::fmt;

use super::candidate::Completions;

/// Unread bytes that can be lexed in microseconds.
const IMMEDIATE_BYTES: usize = 4096;

/// How much work a request may cause.
#[derive(Clone, Copy)]
pub enum Effort<'a> {
    /// Microseconds: a few bytes may be lexed and a cached prediction ranked, as while a word is typed. The network does not
    /// run.
    Immediate,
    /// Whatever the answer takes. `stop` is polled while the network reads; the request ends early if it returns true.
    Full {
        /// Returns whether the answer is no longer wanted.
        stop: &'a dyn Fn() -> bool,
    },
}

impl Effort<'_> {
    /// All the work it takes, without a way to stop it.
    pub const UNLIMITED: Self = Self::Full { stop: &|| false };

    /// Whether this many unread bytes may be lexed.
    pub(super) fn can_lex(self, bytes: usize) -> bool {
        matches!(self, Self::Full { .. }) || bytes <= IMMEDIATE_BYTES
    }
}

impl fmt::Debug for Effort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Immediate => "Immediate",
            Self::Full { .. } => "Full",
        })
    }
}

/// The answer to a completion request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It takes all text before the cursor into account.
    Full(Completions),
    /// It is predicted from the last thousand tokens, because so many are unread that the user would notice the wait. The
    /// caller should [read](super::Completer::read) the text before the next request.
    Truncated(Completions),
    /// There is none: [`Effort::Immediate`] did not suffice, or the request was stopped.
    Unavailable,
}

impl Answer {
    /// The candidates, if there is an answer.
    pub fn completions(self) -> Option<Completions> {
        match self {
            Self::Full(completions) | Self::Truncated(completions) => Some(completions),
            Self::Unavailable => None,
        }
    }
}
