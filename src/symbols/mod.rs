//! The symbol table: the declarations of a file, and name resolution.
//!
//! ```text
//! tokens -> role     Item: a token's role, its number, and its column if it starts a line
//!        -> build    statement by statement -> writer -> table: Symbols, by scope
//!           buffer   the same, incrementally: tokens can be truncated
//! tables -> project  the tables around a buffer, and module lookup
//!        -> resolve  what a dotted name refers to
//!        -> members  names that fit at a position
//! imports            the parser of import statements, shared by all of them
//! ```
//!
//! Only names are read, nothing is executed, and broken code is read as far as possible. This module does not know source
//! text, n-grams, model probabilities, or anything of the vocabulary beyond the roles of its entries.

mod buffer;
mod build;
mod imports;
#[cfg(feature = "server")]
mod line;
mod members;
mod project;
mod resolve;
mod role;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use buffer::BufferSymbols;
#[cfg(feature = "server")]
pub use imports::Expects;
pub use imports::{ImportStatement, ImportedName, import_statements};
#[cfg(feature = "server")]
pub use line::{import_at_end, is_import};
pub use members::{MemberSet, Site, begins_module, is_attribute, members};
pub use project::{Module, ModuleRef, ProjectSymbols};
pub use resolve::{Names, Sources};
pub use role::{Item, NO_COLUMN, Name, Numbering, Role};
pub use table::{ScopeKind, Symbols};
pub use text::{open_scopes, read};

use build::Builder;

/// Builds the symbols of a whole file.
pub fn build(items: impl Iterator<Item = Item>) -> Symbols {
    Builder::new(false).build(items)
}

/// Builds the symbols of the rest of a file that starts inside `scopes`: see [`open_scopes`].
pub fn build_rest(items: impl Iterator<Item = Item>, scopes: &[(ScopeKind, u16)]) -> Symbols {
    Builder::inside(scopes).build(items)
}
