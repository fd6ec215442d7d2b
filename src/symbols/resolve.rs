//! Name resolution: what a dotted name means at a place of the buffer.
//!
//! A name means what it was bound to last, in a scope that is visible from there; else what is declared under that name
//! anywhere near. From there dotted names are followed through modules, what they import from each other, attributes, and what
//! functions return. All of it within a [`Budget`], and how sure it is comes with the answer: [`Completeness`].

use super::buffer::BufferSymbols;
use super::project::{Origin, ProjectSymbols};
use super::role::{Name, Role};
use super::table::{
    Class, Expression, ExpressionKind, Import, ScopeId, ScopeKind, Symbol, SymbolId, SymbolKind,
    Symbols,
};

/// How often a name is followed to where a module, or a variable, has it from.
pub(super) const MAX_INDIRECTIONS: usize = 4;
/// Tokens of the statement that is being written that are looked at.
pub(super) const MAX_STATEMENT: usize = 2000;
/// Bindings that are looked at to answer one question; a class or a module counts as so many.
const BUDGET: usize = 2048;
const SCAN: usize = 64;

/// What is read to resolve a name.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub buffer: &'a BufferSymbols,
    pub project: &'a ProjectSymbols,
    pub names: &'a dyn Names,
}

/// How the numberings of a buffer, its project and the vocabulary go together.
pub trait Names {
    /// A name in the buffer's numbering; in the project's, if it does not stand in the buffer.
    fn in_buffer(&self, name: Name) -> Name;
    /// A name in the project's numbering, if it occurs there.
    fn in_project(&self, name: Name) -> Option<Name>;
    /// The role of a name, or of any other token that an expression has.
    fn role(&self, name: Name) -> Role;
    /// Whether it begins with an underscore.
    fn is_private(&self, name: Name) -> bool;
    /// Its rank by frequency anywhere.
    fn rank(&self, name: Name) -> usize;
    /// What every member of an enumeration has: `name`, `value`.
    fn of_enum(&self) -> [Name; 2];
}

/// How much is known of what something has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Completeness {
    /// Not all that tells was found or read, or it may mean something else by now.
    Unknown,
    /// A module takes everything from one that has no source, as of machine code.
    Partial,
    /// It was read without its indentation, or it is being written.
    Approximate,
    /// Everything.
    Complete,
}

/// A symbol, and in which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    pub origin: Origin,
    pub symbol: SymbolId,
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A class or one of its objects.
    Class(Location),
    Function(Location),
    /// The number of a module around.
    Module(u32),
    /// A package that has no file around: its name.
    Package(Name),
    /// It is bound to something of which nothing is known.
    Unknown,
}

/// What may still be looked at.
#[derive(Clone, Copy, Debug)]
struct Budget(usize);

impl Budget {
    fn spend(&mut self, steps: usize) -> bool {
        self.0 = self.0.saturating_sub(steps);
        self.0 > 0
    }
}

/// Resolves the names of one question.
pub struct Resolver<'a> {
    pub(super) sources: Sources<'a>,
    /// The least of what was found on the way.
    pub(super) completeness: Completeness,
    budget: Budget,
}

impl<'a> Resolver<'a> {
    pub fn new(sources: Sources<'a>) -> Self {
        Self {
            sources,
            completeness: Completeness::Complete,
            budget: Budget(BUDGET),
        }
    }

    pub(super) fn lower(&mut self, completeness: Completeness) {
        self.completeness = self.completeness.min(completeness);
    }

    fn spend(&mut self, steps: usize) -> bool {
        let may = self.budget.spend(steps);
        if !may {
            self.lower(Completeness::Unknown);
        }
        may
    }

    /// Whether one more class or module may be looked at.
    pub(super) fn may_scan(&mut self) -> bool {
        self.spend(SCAN)
    }

    /// The table that a location is in; nothing for a module of which only the name is known.
    pub(super) fn table(&self, origin: Origin) -> Option<&'a Symbols> {
        match origin {
            Origin::Buffer => Some(self.sources.buffer.table()),
            Origin::Below => Some(self.sources.project.below()),
            Origin::Module(module) => self.sources.project.symbols(module),
        }
    }

    pub(super) fn symbol(&self, location: Location) -> Option<&'a Symbol> {
        Some(self.table(location.origin)?.symbol(location.symbol))
    }

    pub(super) fn class(&self, location: Location) -> Option<(&'a Symbols, &'a Class)> {
        let table = self.table(location.origin)?;
        Some((table, table.class(location.symbol)?))
    }

    /// What a dotted name means at the end of the buffer.
    pub fn dotted(&mut self, names: &[Name]) -> Option<Resolution> {
        let buffer = self.sources.buffer;
        self.dotted_at(names, buffer.len() as u32, buffer.scope(), 0)
    }

    fn enclosing_class(&self, scope: ScopeId, at: u32) -> Option<SymbolId> {
        let table = self.sources.buffer.table();
        if table.is_exact() {
            let class = table.enclosing(scope, ScopeKind::Class)?;
            let owner = table.scope(class)?.first.checked_sub(1).map(SymbolId)?;
            return table.class(owner).map(|_| owner);
        }
        // The last one before it.
        let owners = table.classes.iter().rev();
        let owners = owners.filter_map(|class| table.scope(class.scope)?.first.checked_sub(1));
        let mut owners = owners.map(SymbolId);
        owners.find(|&owner| table.symbol(owner).at < at)
    }

    /// What a dotted name of the buffer means in a scope, as far as is known before a position.
    fn dotted_at(
        &mut self,
        names: &[Name],
        before: u32,
        scope: ScopeId,
        followed: usize,
    ) -> Option<Resolution> {
        let (&first, rest) = names.split_first()?;
        let first = if self.sources.names.role(first) == Role::Own {
            let symbol = self.enclosing_class(scope, before)?;
            Resolution::Class(Location {
                origin: Origin::Buffer,
                symbol,
            })
        } else {
            self.name(first, before, scope, followed)?
        };
        self.attributes(first, rest, before, followed)
    }

    fn attributes(
        &mut self,
        of: Resolution,
        names: &[Name],
        before: u32,
        followed: usize,
    ) -> Option<Resolution> {
        names
            .iter()
            .try_fold(of, |of, &name| self.attribute(of, name, before, followed))
    }

    /// What a name of the buffer means: by its last binding that is visible; else by another one, or what is declared anywhere.
    fn name(
        &mut self,
        name: Name,
        before: u32,
        scope: ScopeId,
        followed: usize,
    ) -> Option<Resolution> {
        let buffer = self.sources.buffer;
        if self.is_rebound_in_statement(name, before) {
            self.lower(Completeness::Unknown);
        }
        let table = buffer.table();
        let mut hidden = Vec::new();
        for symbol in buffer.bindings(name) {
            if !self.spend(1) {
                return None;
            }
            let binding = table.symbol(symbol);
            if binding.at >= before {
                continue;
            }
            if !is_visible(table, binding.scope, scope) {
                hidden.push(symbol);
                continue;
            }
            let found = self.binding(symbol, followed);
            if found.is_some() {
                return found;
            }
            // What it was before may be gone.
            self.lower(Completeness::Unknown);
        }
        // Nothing says where it is from: what is called so elsewhere is often the same.
        self.lower(Completeness::Unknown);
        for symbol in hidden {
            let found = self.binding(symbol, followed);
            if found.is_some() {
                return found;
            }
        }
        let class = self.declared(name, true).map(Resolution::Class);
        class.or_else(|| self.declared(name, false).map(Resolution::Function))
    }

    /// Whether a name is bound by a comprehension or a `lambda` of the statement that is being written.
    fn is_rebound_in_statement(&self, name: Name, before: u32) -> bool {
        let buffer = self.sources.buffer;
        let statement = buffer.statement();
        if (before as usize) < statement.end {
            return false;
        }
        let first = buffer.len().saturating_sub(MAX_STATEMENT);
        let items = &buffer.items()[statement.start.max(first)..];
        items.windows(2).any(|pair| {
            pair[1].name == name && matches!(pair[0].role, Role::For | Role::As | Role::Lambda)
        })
    }

    /// What a symbol of the buffer means.
    fn binding(&mut self, symbol: SymbolId, followed: usize) -> Option<Resolution> {
        let Symbol { kind, .. } = *self.sources.buffer.table().symbol(symbol);
        let location = Location {
            origin: Origin::Buffer,
            symbol,
        };
        match kind {
            SymbolKind::Class(_) => Some(Resolution::Class(location)),
            SymbolKind::Function(_) => Some(Resolution::Function(location)),
            SymbolKind::Variable(value)
            | SymbolKind::Parameter(value)
            | SymbolKind::Attribute(value, _) => self.object(location, value, followed),
            SymbolKind::Import(import) => Some(self.imported(import, followed)),
        }
    }

    /// Where a class or a function is declared, whatever it belongs to: last in the buffer, or nearest around it.
    pub(super) fn declared(&self, name: Name, is_class: bool) -> Option<Location> {
        let Sources {
            buffer,
            project,
            names,
        } = self.sources;
        let is_it = |symbol: &SymbolId| match buffer.table().symbol(*symbol).kind {
            SymbolKind::Class(_) => is_class,
            SymbolKind::Function(_) => !is_class,
            _ => false,
        };
        if let Some(symbol) = buffer.bindings(name).take(SCAN).find(is_it) {
            return Some(Location {
                origin: Origin::Buffer,
                symbol,
            });
        }
        let (origin, symbol) = project.declared(names.in_project(name)?, is_class)?;
        Some(Location { origin, symbol })
    }

    /// What an import of the buffer binds.
    fn imported(&mut self, import: u32, followed: usize) -> Resolution {
        let table = self.sources.buffer.table();
        let import = table.import(import);
        let path = table.path(import);
        let Some(member) = import.member else {
            // `import a.b` binds `a`, `import a.b as c` the module `b`.
            let path = if import.is_plain { &path[..1] } else { path };
            let module = self.module_at(0, path).map(Resolution::Module);
            let package = path.last().map(|&last| Resolution::Package(last));
            return module.or(package).unwrap_or(Resolution::Unknown);
        };
        let module = self.module_at(import.level.into(), path);
        let found = module.and_then(|module| self.member(module, member, followed));
        // The package may have no file of its own.
        let found = found.or_else(|| {
            let package = self.package_at(import.level.into(), path)?;
            self.submodule(package, member)
        });
        // A file may lack what it is said to have, as one that was not read to its end does.
        found
            .or_else(|| self.called(member))
            .unwrap_or(Resolution::Unknown)
    }

    fn called(&mut self, class: Name) -> Option<Resolution> {
        self.lower(Completeness::Unknown);
        self.declared(class, true).map(Resolution::Class)
    }

    /// The module around of a path in an import of the buffer, which begins with so many dots.
    pub(super) fn module_at(&self, level: usize, path: &[Name]) -> Option<u32> {
        let Sources { project, names, .. } = self.sources;
        let part = |at: usize| names.in_project(path[at]);
        match (level, path.len()) {
            (_, 2..) => project.module(part(path.len() - 1)?, Some(part(path.len() - 2)?)),
            (0, 0) => None,
            (0, 1) => project.module(part(0)?, None),
            (level, 0) => project.package(level),
            (level, _) => project.module(part(0)?, Some(project.package_name(level)?)),
        }
    }

    /// The last part of what a path in an import of the buffer names, be it a module or a package.
    pub(super) fn package_at(&self, level: usize, path: &[Name]) -> Option<Name> {
        let Sources { project, names, .. } = self.sources;
        match path.last() {
            Some(&last) => Some(last),
            None => Some(names.in_buffer(project.package_name(level)?)),
        }
    }

    fn submodule(&self, package: Name, name: Name) -> Option<Resolution> {
        let Sources { project, names, .. } = self.sources;
        let package = names.in_project(package)?;
        let module = project.module(names.in_project(name)?, Some(package));
        module.map(Resolution::Module)
    }

    /// What a name after the dot of something means.
    fn attribute(
        &mut self,
        of: Resolution,
        name: Name,
        before: u32,
        followed: usize,
    ) -> Option<Resolution> {
        match of {
            Resolution::Module(module) => self.member(module, name, followed),
            Resolution::Class(class) => self.class_attribute(class, name, before, followed, 0),
            Resolution::Package(package) => {
                let module = self.submodule(package, name);
                Some(module.unwrap_or(Resolution::Package(name)))
            }
            Resolution::Function(_) | Resolution::Unknown => None,
        }
    }

    /// What a module has under a name: what it declares, a module in it, or what it takes from others.
    fn member(&mut self, module: u32, name: Name, followed: usize) -> Option<Resolution> {
        let Sources { project, names, .. } = self.sources;
        let name = names.in_project(name)?;
        let symbols = project.of_module(module, name);
        let table = project.symbols(module);
        let origin = Origin::Module(module);
        let kinds = symbols.iter().filter_map(|&symbol| {
            let location = Location { origin, symbol };
            Some((location, table?.symbol(symbol).kind))
        });
        let mut values = Vec::new();
        let mut imports = Vec::new();
        let mut declared: Option<Resolution> = None;
        for (location, kind) in kinds {
            match kind {
                SymbolKind::Class(_) => return Some(Resolution::Class(location)),
                SymbolKind::Function(_) => {
                    declared = declared.or(Some(Resolution::Function(location)));
                }
                SymbolKind::Import(import) => imports.push(import),
                SymbolKind::Variable(value) => values.push((location, value)),
                SymbolKind::Parameter(_) | SymbolKind::Attribute(..) => {}
            }
        }
        let own = project.modules().get(module as usize)?.names.name;
        let inside = |own: Name| project.module(name, Some(own)).map(Resolution::Module);
        let declared = declared.or_else(|| inside(own.some()?));
        // What it takes from others takes longer to find.
        if declared.is_some() || followed == MAX_INDIRECTIONS || !self.may_scan() {
            return declared;
        }
        for (location, value) in values {
            let found = self.object(location, value, followed);
            if found.is_some() {
                return found;
            }
        }
        let table = table?;
        for import in imports {
            let found = self.reexported(module, table.import(import), None, followed);
            if found.is_some() {
                return found;
            }
        }
        let stars = table.imports().iter().filter(|import| import.is_star);
        stars.into_iter().find_map(|star| {
            let name = self.sources.names.in_buffer(name);
            self.reexported(module, star, Some(name), followed)
        })
    }

    /// What a module has from another one by an import: its member, the module itself, or one of all that it has.
    fn reexported(
        &mut self,
        module: u32,
        import: &Import,
        name: Option<Name>,
        followed: usize,
    ) -> Option<Resolution> {
        let names = self.sources.names;
        if import.is_plain {
            // `import a.b` binds `a`.
            let first = *self.sources.project.symbols(module)?.path(import).first()?;
            let module = self.sources.project.module(first, None);
            return module.map(Resolution::Module);
        }
        match name.or(import.member.map(|member| names.in_buffer(member))) {
            None => self.imported_module(module, import).map(Resolution::Module),
            Some(member) => {
                let other = self.imported_module(module, import);
                let found = other.and_then(|other| self.member(other, member, followed + 1));
                // `from . import module`
                found.or_else(|| {
                    let table = self.sources.project.symbols(module)?;
                    let is_module = import.member.is_some() && table.path(import).is_empty();
                    let module = is_module.then(|| self.beside(module, member))?;
                    module.map(Resolution::Module)
                })
            }
        }
    }

    /// The module that another one imports, or imports from.
    pub(super) fn imported_module(&mut self, module: u32, import: &Import) -> Option<u32> {
        let project = self.sources.project;
        let path = project.symbols(module)?.path(import);
        match *path {
            [.., package, name] => match project.module(name, Some(package)) {
                None => self.doubtful(name),
                found => found,
            },
            [name] if import.level == 0 => {
                let top = || project.module(name, None);
                match project.beside(module, name).or_else(top) {
                    None => self.doubtful(name),
                    found => found,
                }
            }
            [name] => match project.beside(module, name) {
                None => self.doubtful(name),
                found => found,
            },
            // A package itself: its own, or the one that it is in.
            [] => {
                let names = project.modules()[module as usize].names;
                if names.is_package && import.level == 1 {
                    return Some(module);
                }
                let package = project.called(names.package.some()?);
                package.filter(|&found| found != module)
            }
        }
    }

    fn beside(&self, module: u32, name: Name) -> Option<u32> {
        let Sources { project, names, .. } = self.sources;
        project.beside(module, names.in_project(name)?)
    }

    /// A module by the last part of its name alone.
    fn doubtful(&mut self, name: Name) -> Option<u32> {
        let found = self.sources.project.called(name)?;
        self.lower(Completeness::Unknown);
        Some(found)
    }

    /// What an attribute of a class's objects is: a method, a class in it, or what is assigned to it; its own, or of its bases.
    fn class_attribute(
        &mut self,
        class: Location,
        name: Name,
        before: u32,
        followed: usize,
        depth: usize,
    ) -> Option<Resolution> {
        if depth == MAX_INDIRECTIONS || !self.may_scan() {
            return None;
        }
        let (table, declared) = self.class(class)?;
        let own = match class.origin {
            Origin::Buffer => name,
            _ => self.sources.names.in_project(name).unwrap_or(Name::NONE),
        };
        for symbol in table.declared_in(declared.scope) {
            let Symbol {
                name: other,
                at,
                kind,
                ..
            } = *table.symbol(symbol);
            if other != own || class.origin == Origin::Buffer && at >= before {
                continue;
            }
            let location = Location {
                origin: class.origin,
                symbol,
            };
            let found = match kind {
                SymbolKind::Function(_) => Some(Resolution::Function(location)),
                SymbolKind::Class(_) => Some(Resolution::Class(location)),
                SymbolKind::Attribute(value, _) | SymbolKind::Variable(value) => {
                    self.object(location, value, followed)
                }
                SymbolKind::Parameter(_) | SymbolKind::Import(_) => None,
            };
            if found.is_some() {
                return found;
            }
        }
        let bases = table.bases(declared).iter();
        bases.into_iter().find_map(|&base| {
            let base = self.base(class, base)?;
            self.class_attribute(base, name, before, followed, depth + 1)
        })
    }

    /// The class that another one names as its base.
    pub(super) fn base(&mut self, class: Location, base: Expression) -> Option<Location> {
        let names = self.names_of(class.origin, base, true)?;
        if class.origin == Origin::Buffer {
            let Symbol { at, scope, .. } = *self.symbol(class)?;
            return match self.dotted_at(&names, at, scope, 0)? {
                Resolution::Class(base) => Some(base),
                _ => self.declared(*names.last()?, true),
            };
        }
        self.class_named(class.origin, &names)
    }

    /// The class that a dotted name means in a file.
    fn class_named(&mut self, origin: Origin, names: &[Name]) -> Option<Location> {
        if let Some(Resolution::Class(class)) = self.dotted_in(origin, names, 0) {
            return Some(class);
        }
        self.lower(Completeness::Unknown);
        self.declared(*names.last()?, true)
    }

    /// What a dotted name means at the top of a file.
    fn dotted_in(&mut self, origin: Origin, names: &[Name], followed: usize) -> Option<Resolution> {
        let end = self.sources.buffer.len() as u32;
        let Origin::Module(module) = origin else {
            return self.dotted_at(names, end, ScopeId::MODULE, followed);
        };
        let (&first, rest) = names.split_first()?;
        let first = self.member(module, first, followed)?;
        self.attributes(first, rest, end, followed)
    }

    /// What a symbol's value is: an object of a class.
    fn object(&mut self, of: Location, value: Expression, followed: usize) -> Option<Resolution> {
        if followed == MAX_INDIRECTIONS || value.is_unknown() {
            return None;
        }
        let names = self.names_of(of.origin, value, false)?;
        let found = if of.origin == Origin::Buffer {
            let Symbol { at, scope, .. } = *self.symbol(of)?;
            self.dotted_at(&names, at, scope, followed + 1)?
        } else {
            self.dotted_in(of.origin, &names, followed + 1)?
        };
        match found {
            Resolution::Function(function) => self.returned(function, followed + 1),
            class @ Resolution::Class(_) => Some(class),
            _ => None,
        }
    }

    /// The class whose object a function returns: by its annotation, or as all its results are made by one call.
    fn returned(&mut self, function: Location, followed: usize) -> Option<Resolution> {
        let table = self.table(function.origin)?;
        let declared = table.function(function.symbol)?;
        if declared.returns.is_unknown() {
            return self.object(function, table.result(declared), followed);
        }
        let names = self.names_of(function.origin, declared.returns, true)?;
        let class = self.class_named(function.origin, &names);
        class.map(Resolution::Class)
    }

    /// The dotted name that an expression is, or begins with if it need not be `whole`, in the buffer's numbering: `a.B`, the
    /// same of `Optional[a.B]`.
    fn names_of(
        &self,
        origin: Origin,
        expression: Expression,
        is_whole: bool,
    ) -> Option<Vec<Name>> {
        let names = self.sources.names;
        let mut tokens = self.table(origin)?.expression(expression);
        let role = |at: usize| tokens.get(at).map(|&name| names.role(name));
        if expression.kind == ExpressionKind::Stated
            && !is_whole
            && role(0) == Some(Role::Optional)
            && role(1) == Some(Role::Opening)
        {
            tokens = &tokens[2..];
        }
        let role = |at: usize| tokens.get(at).map(|&name| names.role(name));
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            if !role(at)?.is_name() {
                return None;
            }
            found.push(names.in_buffer(tokens[at]));
            if role(at + 1) != Some(Role::Dot) {
                break;
            }
            at += 2;
        }
        (!is_whole || at + 1 == tokens.len()).then_some(found)
    }
}

/// Whether what is bound in a scope can be named in another one. What a class binds cannot be from its functions; what has no
/// known scope can.
fn is_visible(table: &Symbols, bound: ScopeId, from: ScopeId) -> bool {
    if !table.is_exact() || bound == from {
        return true;
    }
    let is_class = table
        .scope(bound)
        .is_some_and(|scope| scope.kind == ScopeKind::Class);
    !is_class && table.around(from).any(|scope| scope == bound)
}
