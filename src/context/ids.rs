//! Typed indices: a vocabulary entry, a word of the buffer, a name of the project and a candidate are different types, so
//! that one cannot be passed for another.
//!
//! [`CandidateSpace`](super::CandidateSpace) converts between them. Knows nothing of texts or of what is indexed.

use crate::tokenizer;

macro_rules! index_types {
    ($($(#[$meta:meta])* $name:ident,)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The one with this number.
            pub const fn new(number: u32) -> Self {
                Self(number)
            }

            /// The one at this index. Nothing that is indexed here has 2³² elements.
            pub const fn at(index: usize) -> Self {
                Self(index as u32)
            }

            /// Its number.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The same, to index a slice with.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index_types! {
    /// An entry of the vocabulary.
    TokenId,
    /// A distinct token of a buffer, in the vocabulary or not.
    BufferWord,
    /// An out-of-vocabulary name of a project context.
    ProjectName,
    /// A token of a project context: the id of a vocabulary entry, or the vocabulary's size plus a [`ProjectName`].
    ProjectToken,
    /// What may come next: see [`CandidateSpace`](super::CandidateSpace).
    CandidateId,
    /// A position in a buffer, in tokens from its start.
    Position,
}

impl TokenId {
    /// Stands for all out-of-vocabulary tokens.
    pub const UNK: Self = Self(tokenizer::UNK);
}

impl Position {
    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A token, by the index of where it is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// A vocabulary entry.
    Known(TokenId),
    /// A word of the buffer.
    Buffer(BufferWord),
    /// An out-of-vocabulary name of the project.
    Project(ProjectName),
}
