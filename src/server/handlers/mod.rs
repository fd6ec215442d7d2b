//! The protocol's methods, one family a file. Each handler converts in, makes one call and converts out.
//!
//! A handler changes the session before it awaits anything, so that an edit counts for every request that the client sends
//! after it, and holds no lock over an await. The model runs on a thread of its own.

pub mod completion;
pub mod configuration;
mod context;
pub mod inline_completion;
pub mod lifecycle;
pub mod next_tokens;
pub mod text_document;
pub mod workspace;

pub use context::HandlerContext;
