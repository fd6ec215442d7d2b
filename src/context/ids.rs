//! Typed indices for buffer words, project names and candidates, so that they cannot be mixed up with each other or with
//! vocabulary ids.
//!
//! [`CandidateSpace`](super::CandidateSpace) converts between them. This module does not know spellings or what is indexed.

use crate::index_types::index_types;
use crate::tokenizer::TokenId;

index_types! {
    /// A distinct token of a buffer, in the vocabulary or not.
    BufferWord,
    /// An out-of-vocabulary name of a project context.
    ProjectName,
    /// A token of a project context: a vocabulary id, or the vocabulary size plus a [`ProjectName`].
    ProjectToken,
    /// A possible next token: see [`CandidateSpace`](super::CandidateSpace).
    CandidateId,
    /// A position in a buffer, in tokens from its start.
    Position,
}

impl From<TokenId> for ProjectToken {
    fn from(id: TokenId) -> Self {
        Self(id.get())
    }
}

impl From<TokenId> for CandidateId {
    fn from(id: TokenId) -> Self {
        Self(id.get())
    }
}

impl Position {
    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A token, identified in the list that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// A vocabulary entry.
    Known(TokenId),
    /// A word of the buffer.
    Buffer(BufferWord),
    /// An out-of-vocabulary name of the project.
    Project(ProjectName),
}
