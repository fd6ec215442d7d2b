//! Handlers of the protocol's methods, one family per file. Each converts its input, makes one call and converts the
//! result.
//!
//! A handler changes the session before its first await, so that an edit is visible to every later request. It holds no
//! lock over an await. The model runs on its own thread.

pub mod completion;
pub mod configuration;
mod context;
pub mod inline_completion;
pub mod lifecycle;
pub mod next_tokens;
pub mod text_document;
pub mod workspace;

pub use context::HandlerContext;
