//! A file outside the project.

use super::files::{Counted, Totals};
use super::imports::Imports;
use crate::symbols::{ModuleRef, SymbolTable};

/// A file outside the project.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) version: u64,
    pub(super) names: ModuleRef,
    pub(super) symbols: SymbolTable,
    pub(super) imports: Imports,
}

impl Counted for Library {
    fn totals(&self) -> Totals {
        Totals {
            tokens: 0,
            bytes: self.symbols.bytes(),
        }
    }
}
