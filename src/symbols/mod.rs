//! The symbol table: what files declare, and what a name means.
//!
//! ```text
//! tokens -> role     Item: a token's role, its number, the column where its line begins
//!        -> build    statement by statement -> writer -> table: Symbols of scopes
//!           buffer   the same, with tokens that are taken back
//! tables -> project  those around a buffer, and which module is which
//!        -> resolve  what a dotted name means
//!        -> members  what fits at a place
//! imports            the parser of import statements, which everybody uses
//! ```
//!
//! Only names are read, nothing is executed, and broken code is read as far as it goes. Knows nothing of text, of
//! vocabularies beyond the roles of their entries, of n-grams or of probabilities that a model gives.

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

/// The symbols of a whole file.
pub fn build(items: impl Iterator<Item = Item>) -> Symbols {
    Builder::new(false).build(items)
}

/// The symbols of the rest of a file, which begins in `scopes`: see [`open_scopes`].
pub fn build_rest(items: impl Iterator<Item = Item>, scopes: &[(ScopeKind, u16)]) -> Symbols {
    Builder::inside(scopes).build(items)
}
