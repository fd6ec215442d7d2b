//! What is known about the code around the cursor: the tokens of the buffer and of the project's other files, indexed so that
//! earlier occurrences of the current context are found quickly.
//!
//! [`BufferTokens`] holds one buffer and links every position to the previous occurrence of the same n-gram;
//! [`ProjectContext`] holds the tokens of the files near it in a suffix array. Knows nothing of experts, text or protocols.

mod buffer;
mod names;
mod project;
mod syntax;

pub(crate) use buffer::ORDERS;
pub use buffer::{BufferTokens, Word};
pub(crate) use names::BufferNames;
pub(crate) use project::Found;
pub use project::{Declarations, ImportableModules, ProjectContext};
pub use syntax::Syntax;
