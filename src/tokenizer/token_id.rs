//! The id of a vocabulary entry, as a type of its own.
//!
//! Bulk numeric data (tensors, batches, shards) holds ids as plain integers; the code that fills or reads it converts.

/// An entry of the vocabulary. Ids are 0, 1, 2 … in the order of [`Vocabulary::entries`](super::Vocabulary::entries).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TokenId(u32);

impl TokenId {
    /// The padding token `<PAD>`: as a target, it is ignored.
    pub const PAD: Self = Self(0);
    /// `<UNK>`, which represents all out-of-vocabulary tokens.
    pub const UNK: Self = Self(1);

    /// The id with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The id of the entry at this index. A vocabulary has at most [`MAX_LEN`](super::MAX_LEN) entries.
    pub const fn at(index: usize) -> Self {
        Self(index as u32)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number as a slice index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
