//! Name resolution: what a dotted name refers to at a position of the buffer.
//!
//! A name resolves to its last visible binding, or else to a nearby declaration of that name ([`binding`]). The rest of the
//! dotted name is followed through modules and re-exports ([`module`]), attributes ([`attribute`]), and the types of values
//! ([`infer`]). A budget limits the work, and each answer carries its [`Completeness`].

mod attribute;
mod binding;
mod infer;
mod module;

use super::buffer::BufferSymbols;
use super::name::Name;
use super::project::{Origin, ProjectSymbols};
use super::table::{Class, Symbol, SymbolId, SymbolTable};
use super::token::TokenKind;

/// Maximum number of re-exports and variables followed for one name.
pub(super) const MAX_INDIRECTIONS: usize = 4;
/// Maximum number of tokens examined in the unfinished statement.
pub(super) const MAX_STATEMENT: usize = 2000;
/// Maximum number of bindings examined per query.
const BUDGET: usize = 2048;
/// Number of bindings that a class or a module counts as.
const SCAN: usize = 64;

/// Inputs of name resolution.
#[derive(Clone, Copy)]
pub struct ResolverInputs<'a> {
    pub buffer: &'a BufferSymbols,
    pub project: &'a ProjectSymbols,
    pub names: &'a dyn Names,
}

/// Translates between the name numberings of a buffer, its project and the vocabulary.
pub trait Names {
    /// A name in the buffer's numbering, or in the project's if the buffer does not contain it.
    fn in_buffer(&self, name: Name) -> Name;
    /// A name in the project's numbering, if it occurs there.
    fn in_project(&self, name: Name) -> Option<Name>;
    /// Kind of a name or of any other token in an expression.
    fn token_kind(&self, name: Name) -> TokenKind;
    /// Whether the name starts with an underscore.
    fn is_private(&self, name: Name) -> bool;
    /// Frequency rank of the name in the training corpus.
    fn frequency_rank(&self, name: Name) -> usize;
    /// The names every enum member has: `name` and `value`.
    fn enum_attributes(&self) -> [Name; 2];
}

/// How completely the members of a class or a module are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Completeness {
    /// Some declarations were not found or read, or the name may have been rebound.
    Unknown,
    /// A module re-exports everything from a module without source, such as an extension module.
    Partial,
    /// It was read without indentation, or it is still being written.
    Approximate,
    /// All members are known.
    Complete,
}

/// A symbol and the table that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    pub origin: Origin,
    pub symbol: SymbolId,
}

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A class or an instance of it: they are not distinguished.
    Class(Location),
    Function(Location),
    /// A known module, by index.
    Module(u32),
    /// A package without a file of its own, by name.
    Package(Name),
    /// The name is bound, but its value is unknown.
    Unknown,
}

/// Name resolver for one query.
pub struct Resolver<'a> {
    pub(super) inputs: ResolverInputs<'a>,
    /// Lowest completeness found on the way.
    pub(super) completeness: Completeness,
    /// Number of bindings that may still be examined.
    budget: usize,
}

impl<'a> Resolver<'a> {
    pub fn new(inputs: ResolverInputs<'a>) -> Self {
        Self {
            inputs,
            completeness: Completeness::Complete,
            budget: BUDGET,
        }
    }

    pub(super) fn lower(&mut self, completeness: Completeness) {
        self.completeness = self.completeness.min(completeness);
    }

    /// Takes steps from the budget; false if it is exhausted.
    fn spend(&mut self, steps: usize) -> bool {
        self.budget = self.budget.saturating_sub(steps);
        if self.budget == 0 {
            self.lower(Completeness::Unknown);
        }
        self.budget > 0
    }

    /// Whether the budget allows one more class or module.
    pub(super) fn may_scan(&mut self) -> bool {
        self.spend(SCAN)
    }

    /// The table of an origin, or `None` for a module known only by name.
    pub(super) fn table(&self, origin: Origin) -> Option<&'a SymbolTable> {
        match origin {
            Origin::Buffer => Some(self.inputs.buffer.table()),
            Origin::Suffix => Some(self.inputs.project.suffix()),
            Origin::Module(module) => self.inputs.project.symbols(module),
        }
    }

    pub(super) fn symbol(&self, location: Location) -> Option<&'a Symbol> {
        Some(self.table(location.origin)?.symbol(location.symbol))
    }

    pub(super) fn class(&self, location: Location) -> Option<(&'a SymbolTable, &'a Class)> {
        let table = self.table(location.origin)?;
        Some((table, table.class(location.symbol)?))
    }

    /// Resolves a dotted name at the end of the buffer.
    pub fn resolve_dotted(&mut self, names: &[Name]) -> Option<Resolution> {
        let buffer = self.inputs.buffer;
        self.resolve_dotted_at(names, buffer.len() as u32, buffer.scope(), 0)
    }
}
