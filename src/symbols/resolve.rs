//! Name resolution: what a dotted name refers to at a position of the buffer.
//!
//! A name resolves to its last visible binding, or else to a nearby declaration of that name. The rest of the dotted name is
//! followed through modules, re-exports, attributes and return types. The work is limited by a [`Budget`], and each answer
//! carries its [`Completeness`].

use super::buffer::BufferSymbols;
use super::name::Name;
use super::project::{Origin, ProjectSymbols};
use super::table::{
    Class, Expression, ExpressionKind, Import, ScopeId, ScopeKind, Symbol, SymbolId, SymbolKind,
    SymbolTable,
};
use super::token::TokenKind;

/// Maximum number of re-exports and variables followed for one name.
pub(super) const MAX_INDIRECTIONS: usize = 4;
/// Maximum number of tokens examined in the unfinished statement.
pub(super) const MAX_STATEMENT: usize = 2000;
/// Maximum number of bindings examined per query. A class or a module counts as several.
const BUDGET: usize = 2048;
const SCAN: usize = 64;

/// Inputs of name resolution.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
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
    fn rank(&self, name: Name) -> usize;
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
    /// A class or an instance of it.
    Class(Location),
    Function(Location),
    /// A known module, by index.
    Module(u32),
    /// A package without a file of its own, by name.
    Package(Name),
    /// The name is bound, but its value is unknown.
    Unknown,
}

/// Work remaining for a query.
#[derive(Clone, Copy, Debug)]
struct Budget(usize);

impl Budget {
    fn spend(&mut self, steps: usize) -> bool {
        self.0 = self.0.saturating_sub(steps);
        self.0 > 0
    }
}

/// Name resolver for one query.
pub struct Resolver<'a> {
    pub(super) sources: Sources<'a>,
    /// Lowest completeness found on the way.
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

    /// Whether the budget allows one more class or module.
    pub(super) fn may_scan(&mut self) -> bool {
        self.spend(SCAN)
    }

    /// The table of an origin, or `None` for a module known only by name.
    pub(super) fn table(&self, origin: Origin) -> Option<&'a SymbolTable> {
        match origin {
            Origin::Buffer => Some(self.sources.buffer.table()),
            Origin::Suffix => Some(self.sources.project.suffix()),
            Origin::Module(module) => self.sources.project.symbols(module),
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
        // The last owner before it.
        let owners = table.classes.iter().rev();
        let owners = owners.filter_map(|class| table.scope(class.scope)?.first.checked_sub(1));
        let mut owners = owners.map(SymbolId);
        owners.find(|&owner| table.symbol(owner).at < at)
    }

    /// Resolves a dotted name of the buffer in a scope, using only bindings before a position.
    fn dotted_at(
        &mut self,
        names: &[Name],
        before: u32,
        scope: ScopeId,
        followed: usize,
    ) -> Option<Resolution> {
        let (&first, rest) = names.split_first()?;
        let first = if self.sources.names.token_kind(first) == TokenKind::SelfOrCls {
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

    /// Resolves a name of the buffer: first its last visible binding, then any other binding, then any declaration.
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
            // The earlier binding may have been replaced.
            self.lower(Completeness::Unknown);
        }
        // The origin is unknown; a declaration of the same name elsewhere is often the right one.
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

    /// Whether a comprehension or a `lambda` of the unfinished statement binds the name.
    fn is_rebound_in_statement(&self, name: Name, before: u32) -> bool {
        let buffer = self.sources.buffer;
        let statement = buffer.statement();
        if (before as usize) < statement.end {
            return false;
        }
        let first = buffer.len().saturating_sub(MAX_STATEMENT);
        let tokens = &buffer.tokens()[statement.start.max(first)..];
        tokens.windows(2).any(|pair| {
            pair[1].name == name
                && matches!(
                    pair[0].kind,
                    TokenKind::For | TokenKind::As | TokenKind::Lambda
                )
        })
    }

    /// Resolves a symbol of the buffer.
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

    /// The class or function `name`, whatever its owner: the last one in the buffer, or else the nearest one outside.
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
        let (origin, symbol) = project.declaration(names.in_project(name)?, is_class)?;
        Some(Location { origin, symbol })
    }

    /// Resolves the name that an import of the buffer binds.
    fn imported(&mut self, import: u32, followed: usize) -> Resolution {
        let table = self.sources.buffer.table();
        let import = table.import(import);
        let path = table.path(import);
        let Some(member) = import.member else {
            // `import a.b` binds `a`; `import a.b as c` binds the module `a.b`.
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
        // A file may lack the imported name, for example if it was not read to the end.
        found
            .or_else(|| self.called(member))
            .unwrap_or(Resolution::Unknown)
    }

    fn called(&mut self, class: Name) -> Option<Resolution> {
        self.lower(Completeness::Unknown);
        self.declared(class, true).map(Resolution::Class)
    }

    /// The known module at a path of an import in the buffer, with `level` leading dots.
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

    /// The last name part of the module or package at a path of an import in the buffer.
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

    /// Resolves a name after the dot of a resolved value.
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

    /// Resolves a member of a module: a declaration, a submodule, or a re-export.
    fn member(&mut self, module: u32, name: Name, followed: usize) -> Option<Resolution> {
        let Sources { project, names, .. } = self.sources;
        let name = names.in_project(name)?;
        let symbols = project.bindings_in(module, name);
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
        // Re-exports take longer to find.
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

    /// Resolves what a module re-exports with an import: a member, the module itself, or a name matched by `*`.
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
                    let module = is_module.then(|| self.sibling_module(module, member))?;
                    module.map(Resolution::Module)
                })
            }
        }
    }

    /// The module that another module imports, or imports from.
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
                match project.sibling_module(module, name).or_else(top) {
                    None => self.doubtful(name),
                    found => found,
                }
            }
            [name] => match project.sibling_module(module, name) {
                None => self.doubtful(name),
                found => found,
            },
            // A package: the module's own, or the one that contains it.
            [] => {
                let names = project.modules()[module as usize].names;
                if names.is_package && import.level == 1 {
                    return Some(module);
                }
                let package = project.module_named(names.package.some()?);
                package.filter(|&found| found != module)
            }
        }
    }

    fn sibling_module(&self, module: u32, name: Name) -> Option<u32> {
        let Sources { project, names, .. } = self.sources;
        project.sibling_module(module, names.in_project(name)?)
    }

    /// Finds a module by the last part of its name alone, which lowers the completeness.
    fn doubtful(&mut self, name: Name) -> Option<u32> {
        let found = self.sources.project.module_named(name)?;
        self.lower(Completeness::Unknown);
        Some(found)
    }

    /// Resolves an attribute of a class's instances: a method, a nested class, or an assigned value; its own or inherited.
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

    /// The class that a base expression of another class names.
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

    /// The class that a dotted name refers to in a file.
    fn class_named(&mut self, origin: Origin, names: &[Name]) -> Option<Location> {
        if let Some(Resolution::Class(class)) = self.dotted_in(origin, names, 0) {
            return Some(class);
        }
        self.lower(Completeness::Unknown);
        self.declared(*names.last()?, true)
    }

    /// Resolves a dotted name at the top level of a file.
    fn dotted_in(&mut self, origin: Origin, names: &[Name], followed: usize) -> Option<Resolution> {
        let end = self.sources.buffer.len() as u32;
        let Origin::Module(module) = origin else {
            return self.dotted_at(names, end, ScopeId::MODULE, followed);
        };
        let (&first, rest) = names.split_first()?;
        let first = self.member(module, first, followed)?;
        self.attributes(first, rest, end, followed)
    }

    /// The class that an expression's value is an instance of.
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

    /// The class of a function's return value: from its annotation, or from the call that produces all its results.
    fn returned(&mut self, function: Location, followed: usize) -> Option<Resolution> {
        let table = self.table(function.origin)?;
        let declared = table.function(function.symbol)?;
        if declared.returns.is_unknown() {
            return self.object(function, table.return_value(declared), followed);
        }
        let names = self.names_of(function.origin, declared.returns, true)?;
        let class = self.class_named(function.origin, &names);
        class.map(Resolution::Class)
    }

    /// The dotted name of an expression, in the buffer's numbering: `a.B`, also for `Optional[a.B]`. Unless `whole` is set,
    /// the expression only needs to start with the name.
    fn names_of(
        &self,
        origin: Origin,
        expression: Expression,
        is_whole: bool,
    ) -> Option<Vec<Name>> {
        let names = self.sources.names;
        let mut tokens = self.table(origin)?.expression(expression);
        let kind = |at: usize| tokens.get(at).map(|&name| names.token_kind(name));
        if expression.kind == ExpressionKind::Verbatim
            && !is_whole
            && kind(0) == Some(TokenKind::Optional)
            && kind(1) == Some(TokenKind::OpeningBracket)
        {
            tokens = &tokens[2..];
        }
        let kind = |at: usize| tokens.get(at).map(|&name| names.token_kind(name));
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            if !kind(at)?.is_name() {
                return None;
            }
            found.push(names.in_buffer(tokens[at]));
            if kind(at + 1) != Some(TokenKind::Dot) {
                break;
            }
            at += 2;
        }
        (!is_whole || at + 1 == tokens.len()).then_some(found)
    }
}

/// Whether code in scope `from` can see a name bound in scope `bound`. Methods do not see names bound in their class body.
/// Names with an unknown scope are visible.
fn is_visible(table: &SymbolTable, bound: ScopeId, from: ScopeId) -> bool {
    if !table.is_exact() || bound == from {
        return true;
    }
    let is_class = table
        .scope(bound)
        .is_some_and(|scope| scope.kind == ScopeKind::Class);
    !is_class && table.enclosing_scopes(from).any(|scope| scope == bound)
}
