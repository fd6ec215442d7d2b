//! The indexer: reads the workspace's Python files on a thread of its own, keeps them in step with the disk, and chooses
//! the project context of each open document.
//!
//! No request waits for it. A document's context has the files near it, the declarations of what it imports, and its own
//! text below the line that is being edited. Unsaved text of one document counts for the others once another is edited.
//! Nothing is executed.
//!
//! * [`handle`] is what the server calls; it sends [`message`]s to the [`thread`];
//! * [`contexts`] holds the contexts that the thread has published, [`open`] the documents that it publishes them for;
//! * [`project`] reads the workspace's files, [`walk`] finds them, and [`paths`] names them;
//! * [`libraries`] reads what documents import from elsewhere.

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
