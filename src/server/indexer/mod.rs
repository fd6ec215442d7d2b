//! The indexer: reads the workspace's Python files on its own thread, follows changes on disk, and selects the project
//! context of each open document.
//!
//! No request waits for it. A document's context contains nearby files, the declarations of its imports, and its own
//! text below the edited line. Other documents see unsaved text as soon as another document is edited. No Python code
//! is executed.
//!
//! * [`handle`] is the interface for the server: it sends [`message`]s to the [`thread`];
//! * [`contexts`] holds the published contexts, and [`open`] the documents that have one;
//! * [`project`] reads the workspace's files, [`walk`] finds them, and [`paths`] names them;
//! * [`libraries`] reads modules outside the project.

mod contexts;
mod handle;
mod libraries;
mod message;
mod open;
mod paths;
mod project;
mod thread;
mod walk;

pub use handle::Indexer;
pub use message::{IndexScope, Status};
