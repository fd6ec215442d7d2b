//! From py150 tokens to the ids of a network's vocabulary, kept as a Hugging Face `tokenizer.json`.
//!
//! Knows nothing of Python's syntax (that is [`crate::python`]) or of networks.

mod vocabulary;

pub use vocabulary::*;
