//! The symbol table: the declarations of a file, and name resolution.
//!
//! ```text
//! token, name         what the parser reads: a token's kind, its number, and its column if it starts a line
//! parser              splits the tokens into statements
//!   statement/        extracts the declarations of one statement
//!   table_builder     adds them to the table, in the scope they belong to
//! table/              the result: a SymbolTable of scopes and symbols
//! buffer              the table of the buffer being edited, which can truncate tokens
//! project             the tables of all other files, and module lookup
//! resolve/            what a dotted name refers to
//! members/            which names fit at a position
//! imports             the parser of import statements, shared by all of them
//! text, line          the same from plain text
//! ```
//!
//! Only names are read, nothing is executed, and broken code is read as far as possible. This module does not know source
//! text (apart from `text` and `line`), n-grams, model probabilities, or anything of the vocabulary beyond the kinds of its
//! entries.

mod buffer;
mod imports;
#[cfg(feature = "server")]
mod line;
mod members;
mod name;
mod parser;
mod project;
mod resolve;
mod statement;
mod table;
mod table_builder;
#[cfg(test)]
mod tests;
mod text;
mod token;

pub use buffer::BufferSymbols;
#[cfg(feature = "server")]
pub use imports::Expects;
pub use imports::{ImportStatement, ImportedName, import_statements};
#[cfg(feature = "server")]
pub use line::{import_at_end, is_import};
pub use members::{MemberSet, Site, begins_module, is_attribute, members};
pub use name::{Name, Numbering};
pub use project::{Module, ModuleRef, ProjectSymbols};
pub use resolve::{Names, ResolverInputs};
pub use table::{ScopeKind, SymbolTable};
pub use text::{build_from_text, open_scopes};
pub use token::{NO_COLUMN, NumberedToken, TokenKind};

use parser::Parser;

/// Builds the symbols of a whole file.
pub fn build(tokens: impl Iterator<Item = NumberedToken>) -> SymbolTable {
    Parser::new(false).parse(tokens)
}

/// Builds the symbols of text after the cursor, which starts inside `scopes`: see [`open_scopes`].
pub fn build_suffix(
    tokens: impl Iterator<Item = NumberedToken>,
    scopes: &[(ScopeKind, u16)],
) -> SymbolTable {
    Parser::inside(scopes).parse(tokens)
}
