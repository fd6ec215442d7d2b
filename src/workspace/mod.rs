//! The files of a project, and which of them matter to a document.
//!
//! [`WorkspaceIndex`] holds the tokens of every file, and the symbol tables of what is imported from elsewhere. A
//! [`ContextSelection`] says which of them a document's project context has: what it imports, the files near it, and its own
//! text below the edited line. Knows nothing of editors, and only `environment` of disks: files are read elsewhere.
//!
//! * `index` adds and removes files, `files` counts their memory, `names` numbers their names;
//! * `imports` reads what a file imports, `modules` finds which files these are, `module_names` names them;
//! * `libraries` reads declarations of files that are no part of the project;
//! * `ranking` finds the files near a document, `suffix` the text below its edited line;
//! * `selection` builds the context.

mod columns;
#[cfg(feature = "server")]
pub mod environment;
mod files;
mod imports;
mod index;
mod libraries;
mod library;
mod module_names;
mod modules;
mod names;
mod ranking;
mod selection;
mod suffix;
#[cfg(test)]
mod tests;

pub use imports::Imports;
pub use index::WorkspaceIndex;
pub use selection::ContextSelection;
pub use suffix::SuffixText;
