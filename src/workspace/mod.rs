//! The files of a project, and which of them are relevant to a document.
//!
//! [`WorkspaceIndex`] holds the tokens of every project file, and the symbol tables of imported files outside the
//! project. A [`ContextSelection`] lists the contents of a document's project context: its imports, nearby files, and
//! its own text below the edited line. This module knows nothing of editors. Only `environment` accesses the disk;
//! other files are read elsewhere.
//!
//! * `index` adds and removes files, `files` tracks their memory, `names` numbers their names;
//! * `imports` extracts a file's imports, `modules` resolves them to files, `module_names` names modules;
//! * `libraries` reads declarations of files outside the project;
//! * `ranking` finds the files near a document, `suffix` tokenises the text below its edited line;
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
