//! minicopilot: Python code completion with a small recurrent network inside.
//!
//! The ways through the crate:
//!
//! * keystroke -> completion: `server` applies the edit, [`completer`] lexes the text before the cursor with
//!   [`python`], looks ids up in the [`vocabulary`], asks the [`engine`]'s session of that document for the
//!   distribution over the next token, and ranks what can be inserted;
//! * corpus -> model: the package `trainer` uses [`python`], [`vocabulary`], [`model`], [`checkpoint`] and
//!   [`metrics`] as they stand here, so that what is trained is what is served.
//!
//! Inside the library a position is a UTF-8 byte offset. Only `server`, `evaluate` and `cli` name LSP, tokio or
//! clap; they and the embedded model are behind the feature `server`.

pub mod checkpoint;
pub mod completer;
pub mod engine;
pub mod fingerprint;
pub mod metrics;
pub mod mixture;
pub mod model;
mod prefix;
pub mod project;
pub mod python;
mod simd;
pub mod vocabulary;

#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod embedded;
#[cfg(feature = "server")]
pub mod evaluate;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
mod source;
