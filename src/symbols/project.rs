//! Symbols outside the buffer: the rest of its own file, and modules of the project and the environment, nearest first.

use super::name::Name;
use super::table::{ScopeId, ScopeKind, SymbolId, SymbolKind, SymbolTable};

/// A module's name and how reliably an import refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleRef {
    /// `c` of `a.b.c`; [`Name::NONE`] if it is not an identifier.
    pub name: Name,
    /// `b` of `a.b.c`.
    pub package: Name,
    /// It is a top-level module as far as we know: `import a` finds it under its own name.
    pub is_top: bool,
    /// It is a package and can contain other modules.
    pub is_package: bool,
    /// An import of this name certainly means this module, not another one of the same name.
    pub is_certain: bool,
}

/// A module available to the buffer.
#[derive(Debug)]
pub struct Module {
    pub names: ModuleRef,
    /// `None` if only the name is known.
    pub symbols: Option<SymbolTable>,
}

/// Which table a symbol is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Buffer,
    /// The rest of the buffer's own file, after the cursor.
    Suffix,
    /// A module of the project or the environment, by index.
    Module(u32),
}

/// Symbol tables outside the buffer. Immutable.
#[derive(Debug, Default)]
pub struct ProjectSymbols {
    modules: Vec<Module>,
    suffix: SymbolTable,
    /// Last name parts of the buffer's package, its parent package, and so on; [`Name::NONE`] where a part is not an identifier.
    packages: Vec<Name>,
    /// Classes, functions and module members, sorted by name, nearest first.
    index: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    name: Name,
    /// 0 is the buffer's own file.
    file: u32,
    symbol: SymbolId,
}

impl ProjectSymbols {
    pub fn new(suffix: SymbolTable, modules: Vec<Module>, packages: Vec<Name>) -> Self {
        let tables = modules.iter().map(|module| module.symbols.as_ref());
        let tables = std::iter::once(Some(&suffix)).chain(tables).zip(0..);
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
            suffix,
            packages,
            index,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.suffix.symbols.is_empty()
    }

    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    pub fn suffix(&self) -> &SymbolTable {
        &self.suffix
    }

    /// Symbols of a module, or `None` if only its name is known.
    pub(super) fn symbols(&self, module: u32) -> Option<&SymbolTable> {
        self.modules.get(module as usize)?.symbols.as_ref()
    }

    /// The part after the cursor of the class at the end of the buffer: the innermost class whose header is at `column`.
    pub(super) fn continued_class(&self, column: u16) -> Option<ScopeId> {
        let is_it = |id: &ScopeId| {
            let scope = self.suffix.scope(*id);
            scope.is_some_and(|scope| {
                // Scopes open at the start have no symbol before them.
                scope.kind == ScopeKind::Class && scope.first == 0 && scope.column == column
            })
        };
        let mut open = (0..self.suffix.scopes.len() as u32).map(ScopeId);
        open.find(is_it)
    }

    /// The nearest class or function (methods included) that declares `name`.
    pub(super) fn declaration(&self, name: Name, is_class: bool) -> Option<(Origin, SymbolId)> {
        let mut entries = self.entries(name).iter();
        let found = entries.find(|entry| {
            let table = match entry.file.checked_sub(1) {
                None => Some(&self.suffix),
                Some(module) => self.symbols(module),
            };
            match table.map(|table| table.symbol(entry.symbol).kind) {
                Some(SymbolKind::Class(_)) => is_class,
                Some(SymbolKind::Function(_)) => !is_class,
                _ => false,
            }
        })?;
        let origin = found.file.checked_sub(1);
        Some((origin.map_or(Origin::Suffix, Origin::Module), found.symbol))
    }

    /// The module's own bindings of `name`, in source order.
    pub(super) fn bindings_in(&self, module: u32, name: Name) -> Vec<SymbolId> {
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

    /// The module `name` in `package`, or outside any package for `None`.
    pub(super) fn module(&self, name: Name, package: Option<Name>) -> Option<u32> {
        self.find(|names| {
            names.name == name && package.map_or(names.is_top, |package| names.package == package)
        })
    }

    /// The module that `module` imports as `name` without its package: inside it, or next to it.
    pub(super) fn sibling_module(&self, module: u32, name: Name) -> Option<u32> {
        let own = self.modules[module as usize].names;
        let inside = |package: Name| {
            let found = self.find(|names| names.name == name && names.package == package);
            found.filter(|&found| found != module)
        };
        let found = own.is_package.then(|| inside(own.name)).flatten();
        found.or_else(|| inside(own.package))
    }

    /// The nearest module whose last name part is `name`.
    pub(super) fn module_named(&self, name: Name) -> Option<u32> {
        self.find(|names| names.name == name)
    }

    /// The buffer's package, or its parent `level` levels up, as a module.
    pub(super) fn package(&self, level: usize) -> Option<u32> {
        let name = self.package_name(level)?;
        let above = self.package_name(level + 1).unwrap_or(Name::NONE);
        self.find(|names| (names.name, names.package) == (name, above))
    }

    /// Last name part of the buffer's package, or of its parent `level` levels up.
    pub(super) fn package_name(&self, level: usize) -> Option<Name> {
        self.packages.get(level.checked_sub(1)?)?.some()
    }

    /// Last name parts of the modules in a package.
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

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        let tables = self.modules.iter().filter_map(|m| m.symbols.as_ref());
        tables.map(SymbolTable::bytes).sum::<usize>()
            + self.suffix.bytes()
            + size_of_val(&self.modules[..])
            + size_of_val(&self.index[..])
    }
}
