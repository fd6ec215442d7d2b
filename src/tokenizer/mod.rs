//! Maps py150 tokens to vocabulary ids; stored as a Hugging Face `tokenizer.json`.
//!
//! Does not depend on Python's syntax (see [`crate::python`]) or on networks.

mod token_id;
mod vocabulary;

pub use token_id::TokenId;
pub use vocabulary::*;
