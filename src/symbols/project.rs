//! The symbols around a buffer: the rest of its own file, and modules of its project and its environment, the nearest first.

use super::role::Name;
use super::table::{ScopeId, ScopeKind, SymbolId, SymbolKind, Symbols};

/// How a module is called, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleRef {
    /// `c` of `a.b.c`; [`Name::NONE`] if it is not an identifier.
    pub name: Name,
    /// `b` of `a.b.c`.
    pub package: Name,
    /// It can be imported as it is called, for all that is known: it is `a`.
    pub is_top: bool,
    /// It is a package: other modules are in it.
    pub is_package: bool,
    /// Where it is imported, it is meant, and not another one of that name.
    pub is_certain: bool,
}

/// A module around a buffer.
#[derive(Debug)]
pub struct Module {
    pub names: ModuleRef,
    /// Nothing is known but its name.
    pub symbols: Option<Symbols>,
}

/// Which table a symbol is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Buffer,
    /// The rest of the buffer's own file, below the cursor.
    Below,
    /// A module around the buffer.
    Module(u32),
}

/// Immutable; see the module.
#[derive(Debug, Default)]
pub struct ProjectSymbols {
    modules: Vec<Module>,
    below: Symbols,
    /// The last parts of the buffer's own package, of the one around it, and so on; [`Name::NONE`] for one that cannot be named.
    packages: Vec<Name>,
    /// Classes and functions, and whatever modules have; by name, the nearest first.
    index: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    name: Name,
    /// 0 is the file itself.
    file: u32,
    symbol: SymbolId,
}

impl ProjectSymbols {
    pub fn new(below: Symbols, modules: Vec<Module>, packages: Vec<Name>) -> Self {
        let tables = modules.iter().map(|module| module.symbols.as_ref());
        let tables = std::iter::once(Some(&below)).chain(tables).zip(0..);
        let mut index = Vec::new();
        for (table, file) in tables.filter_map(|(table, file)| Some((table?, file))) {
            for (symbol, number) in table.symbols.iter().zip(0..) {
                let declares =
                    matches!(symbol.kind, SymbolKind::Class(_) | SymbolKind::Function(_));
                if symbol.name != Name::NONE && (declares || symbol.scope == ScopeId::MODULE) {
                    index.push(Entry {
                        name: symbol.name,
                        file,
                        symbol: SymbolId(number),
                    });
                }
            }
        }
        index.sort_unstable();
        Self {
            modules,
            below,
            packages,
            index,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.below.symbols.is_empty()
    }

    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    pub fn below(&self) -> &Symbols {
        &self.below
    }

    /// The symbols of a module, unless only its name is known.
    pub(super) fn symbols(&self, module: u32) -> Option<&Symbols> {
        self.modules.get(module as usize)?.symbols.as_ref()
    }

    /// The class that the buffer ends in goes on below in this scope: the innermost one whose head begins at `column`.
    pub(super) fn continued_class(&self, column: u16) -> Option<ScopeId> {
        let is_it = |id: &ScopeId| {
            let scope = self.below.scope(*id);
            scope.is_some_and(|scope| {
                // The scopes that are open at the beginning have no symbol before them.
                scope.kind == ScopeKind::Class && scope.first == 0 && scope.column == column
            })
        };
        let mut open = (0..self.below.scopes.len() as u32).map(ScopeId);
        open.find(is_it)
    }

    /// Where a name is declared by a class or a function, be it a method: the nearest place.
    pub(super) fn declared(&self, name: Name, is_class: bool) -> Option<(Origin, SymbolId)> {
        let mut entries = self.entries(name).iter();
        let found = entries.find(|entry| {
            let table = match entry.file.checked_sub(1) {
                None => Some(&self.below),
                Some(module) => self.symbols(module),
            };
            match table.map(|table| table.symbol(entry.symbol).kind) {
                Some(SymbolKind::Class(_)) => is_class,
                Some(SymbolKind::Function(_)) => !is_class,
                _ => false,
            }
        })?;
        let origin = found.file.checked_sub(1);
        Some((origin.map_or(Origin::Below, Origin::Module), found.symbol))
    }

    /// What a module itself binds to a name, in the order of the text.
    pub(super) fn of_module(&self, module: u32, name: Name) -> Vec<SymbolId> {
        let Some(table) = self.symbols(module) else {
            return Vec::new();
        };
        let entries = self.entries(name);
        let first = entries.partition_point(|entry| entry.file <= module);
        let entries = entries[first..].iter();
        let of_it = entries.take_while(|entry| entry.file == module + 1);
        let of_it = of_it.map(|entry| entry.symbol);
        of_it
            .filter(|&symbol| table.symbol(symbol).scope == ScopeId::MODULE)
            .collect()
    }

    fn entries(&self, name: Name) -> &[Entry] {
        let first = self.index.partition_point(|entry| entry.name < name);
        let count = self.index[first..].partition_point(|entry| entry.name == name);
        &self.index[first..first + count]
    }

    /// The module of a package, or one that is in none.
    pub(super) fn module(&self, name: Name, package: Option<Name>) -> Option<u32> {
        self.find(|names| {
            names.name == name && package.map_or(names.is_top, |package| names.package == package)
        })
    }

    /// The module that another one names without its package: in that, or beside it.
    pub(super) fn beside(&self, module: u32, name: Name) -> Option<u32> {
        let own = self.modules[module as usize].names;
        let inside = |package: Name| {
            let found = self.find(|names| names.name == name && names.package == package);
            found.filter(|&found| found != module)
        };
        let found = own.is_package.then(|| inside(own.name)).flatten();
        found.or_else(|| inside(own.package))
    }

    /// The nearest module whose name ends so.
    pub(super) fn called(&self, name: Name) -> Option<u32> {
        self.find(|names| names.name == name)
    }

    /// The buffer's own package, or the one so many levels up, as a module.
    pub(super) fn package(&self, level: usize) -> Option<u32> {
        let name = self.package_name(level)?;
        let above = self.package_name(level + 1).unwrap_or(Name::NONE);
        self.find(|names| (names.name, names.package) == (name, above))
    }

    /// The last part of the buffer's own package, or of the one so many levels up.
    pub(super) fn package_name(&self, level: usize) -> Option<Name> {
        self.packages.get(level.checked_sub(1)?)?.some()
    }

    /// The last parts of the modules in a package.
    pub(super) fn modules_in(&self, package: Name) -> impl Iterator<Item = Name> {
        let modules = self.modules.iter().map(|module| module.names);
        let inside = modules.filter(move |names| package != Name::NONE && names.package == package);
        inside.filter_map(|names| names.name.some())
    }

    fn find(&self, is_it: impl Fn(&ModuleRef) -> bool) -> Option<u32> {
        let modules = || self.modules.iter().map(|module| &module.names).zip(0..);
        let certain = modules().find(|(names, _)| names.is_certain && is_it(names));
        let found = certain.or_else(|| modules().find(|(names, _)| is_it(names)));
        found.map(|(_, module)| module)
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        let tables = self.modules.iter().filter_map(|m| m.symbols.as_ref());
        tables.map(Symbols::bytes).sum::<usize>()
            + self.below.bytes()
            + size_of_val(&self.modules[..])
            + size_of_val(&self.index[..])
    }
}
