//! The code around the cursor as tokens, indexed for fast lookup of earlier occurrences of a context.
//!
//! ```text
//! BufferTokens      the tokens before the cursor, each linked to the previous occurrence of the same n-gram
//! ProjectContext    the buffer's project in a SuffixArray; Continuations of a context in it
//! CandidateSpace    the possible next tokens, and all conversions between the indices in `ids`
//! ```
//!
//! This module does not know experts, source text or protocols.

mod buffer;
mod candidates;
mod continuations;
mod ids;
mod modules;
mod names;
mod ngram;
mod project;
mod suffix_array;
mod syntax;
#[cfg(test)]
mod tests;

pub use buffer::{BufferTokens, Lexeme};
pub use candidates::CandidateSpace;
pub(crate) use continuations::Continuations;
pub use ids::{BufferWord, CandidateId, Position, ProjectName, ProjectToken, Token};
pub use modules::ImportableModules;
pub(crate) use names::BufferNames;
pub(crate) use ngram::{MAX_NGRAM_ORDER, interpolation_weight};
pub use project::{Declarations, ProjectContext};
pub use syntax::Syntax;
