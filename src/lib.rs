//! minicopilot: Python code completion with a small recurrent network inside.
//!
//! * keystroke -> completion: `server` applies the edit. [`completion`] lexes the text before the cursor with
//!   [`python`], looks up ids with [`tokenizer`], and asks the document's state history in [`inference`] for the
//!   distribution over the next token. [`prediction`] combines it with the experts that read [`context`] and `symbols`.
//!   [`completion`] ranks what can be inserted;
//! * corpus -> model: the package `trainer` uses the same [`python`], [`tokenizer`], [`model`] and [`metrics`], so that
//!   what is trained is what is served.
//!
//! Inside the library a position is a UTF-8 byte offset. Only `server`, `evaluate` and `cli` name tokio or clap, and only they
//! and [`lsp`] name the protocol; they and the embedded model are behind the feature `server`. Candle, and with it the networks
//! in [`model`], is behind the feature `candle`: training needs it, serving does not.

mod common_prefix;
pub mod completion;
pub mod context;
pub mod files;
mod index_types;
pub mod inference;
pub mod metrics;
pub mod model;
pub mod prediction;
pub mod python;
mod simd;
mod symbols;
pub mod tokenizer;
pub mod workspace;

#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod embedded;
#[cfg(feature = "server")]
pub mod evaluate;
#[cfg(feature = "server")]
pub mod lsp;
#[cfg(feature = "server")]
pub mod server;
