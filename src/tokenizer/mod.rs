//! Maps py150 tokens to vocabulary ids, whole or in pieces; stored as a Hugging Face `tokenizer.json`.
//!
//! Does not depend on Python's syntax (see [`crate::python`]) or on networks.

mod bpe;
mod json;
mod learn_bpe;
#[cfg(test)]
mod tests;
mod token_id;
mod vocabulary;

pub use json::VocabularyError;
pub use token_id::{RESERVED, TokenId};
pub use vocabulary::{MAX_LEN, Vocabulary};
