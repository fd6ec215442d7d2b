//! The id of a vocabulary entry, as a type of its own.
//!
//! Bulk numeric data (tensors, batches, shards) holds ids as plain integers; the code that fills or reads it converts.

use crate::index_types::index_types;

index_types! {
    /// An entry of the vocabulary. Ids are 0, 1, 2 … in the order of [`Vocabulary::entries`](super::Vocabulary::entries).
    TokenId,
}

impl TokenId {
    /// The padding token `<PAD>`: as a target, it is ignored.
    pub const PAD: Self = Self(0);
    /// `<UNK>`, which represents all out-of-vocabulary tokens.
    pub const UNK: Self = Self(1);
}

/// The spellings of [`TokenId::PAD`] and [`TokenId::UNK`]: entries added by the vocabulary, which never occur in source text.
pub const RESERVED: [&str; 2] = ["<PAD>", "<UNK>"];
