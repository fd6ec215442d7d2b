//! Code completion: from a text and a cursor to ranked candidates.
//!
//! ```text
//! text, cursor -> context      lexes what changed: the session's tokens, the typed prefix
//!              -> predict      runs the network; the session caches its states and the prediction
//!              -> rank         candidates that match the typed prefix and can be inserted
//!                 sources      dictionary keys, modules, new names
//!              -> list         the completion list
//!              -> explain      the experts behind a candidate
//! inline                       the rest of a line, by greedy decoding in a speculation
//! next_tokens                  the raw prediction
//! ```
//!
//! How much work a request may cause is its [`Effort`]. This module does not know documents, requests or protocols. A
//! position is a byte offset.

mod candidate;
mod completer;
mod context;
mod effort;
mod explain;
mod fuzzy;
mod inline;
mod lexicon;
mod list;
mod next_tokens;
mod options;
mod predict;
mod prefix_range;
mod rank;
mod session;
mod sources;
mod speculation;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, Completions, NextToken, NextTokens, Origin};
pub use completer::Completer;
pub use effort::{Answer, Effort};
pub use inline::InlineCompletion;
pub use options::Options;
pub use session::CompletionSession;
