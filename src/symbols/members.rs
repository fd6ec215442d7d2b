//! Names that fit at a position according to declarations: attributes of a class or a module, names that `from module
//! import` can import, and the parameters of a called function.

use rustc_hash::FxHashMap;

use super::imports::{Expects, ImportStatement, ImportedName};
use super::name::Name;
use super::project::Origin;
use super::resolve::{
    Completeness, Location, MAX_INDIRECTIONS, MAX_STATEMENT, Resolution, Resolver, Sources,
};
use super::table::{ParameterKind, ScopeId, SymbolId, SymbolKind, SymbolTable};
use super::token::TokenKind;

/// Maximum number of classes examined together: a class, its bases and theirs.
const MAX_CLASSES: usize = 8;
/// Weight of a name that starts with an underscore (unless the receiver is `self`), of a module variable (usually a
/// constant), and of a submodule.
const PRIVATE: f32 = 0.05;
const ASSIGNED: f32 = 0.3;
const MODULE: f32 = 0.3;
/// Weight of `name` and `value`, which every enum member has: usually the members themselves are wanted.
const OF_ENUM: f32 = 0.03;
/// Weight of a name that a module imports from its own package for its own use. Imports in a package's own file are meant
/// for others and keep full weight.
const IMPORTED: f32 = 0.1;

/// Minimum share of members in the probability of all names, if all members are known or most are. Chosen: docs/answers.md.
const OF_COMPLETE: f32 = 0.97;
const OF_MOST: f32 = 0.6;

/// The kind of position that determines which names fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// `self.`, `cls.`
    OwnAttribute,
    /// After the dot of a class or an instance.
    Attribute,
    /// After the dot of a module.
    ModuleAttribute,
    /// `from module import`
    ImportedName,
    /// Inside the brackets of a call.
    Argument,
}

impl Site {
    /// Number of kinds.
    pub const COUNT: usize = 5;
    /// Their names among the gate's features.
    pub const NAMES: [&str; Self::COUNT] = [
        "own member",
        "member of a class",
        "member of a module",
        "imported name",
        "argument",
    ];
}

/// The names that fit at a position.
#[derive(Clone, Debug, Default)]
pub struct MemberSet {
    /// `None` if no declaration fits.
    pub site: Option<Site>,
    /// Names in the buffer's or the project's numbering, with weights that sum to 1.
    pub shares: Vec<(Name, f32)>,
    /// Minimum share of these names in the probability of all names: where members are known, other names are rare.
    pub min_mass: f32,
}

/// Names and their weighted counts.
struct Counts {
    names: FxHashMap<Name, f32>,
    completeness: Completeness,
}

impl Counts {
    fn new() -> Self {
        Self {
            names: FxHashMap::default(),
            completeness: Completeness::Complete,
        }
    }

    fn add(&mut self, name: Name, count: f32) {
        *self.names.entry(name).or_default() += count;
    }

    /// Raises a name's count to at least `count`, however often the name occurs.
    fn add_at_least(&mut self, name: Name, count: f32) {
        let entry = self.names.entry(name).or_default();
        *entry = entry.max(count);
    }

    fn lower(&mut self, completeness: Completeness) {
        self.completeness = self.completeness.min(completeness);
    }
}

/// The names that fit at the end of a buffer.
pub fn members(sources: Sources<'_>) -> MemberSet {
    let mut collector = Collector {
        resolver: Resolver::new(sources),
        counts: Counts::new(),
    };
    let site = collector.at_end();
    let Collector { resolver, counts } = collector;
    let completeness = counts.completeness.min(resolver.completeness);
    let mut names = counts.names;
    names.retain(|&name, _| sources.names.token_kind(name).is_name());
    let Some(site) = site.filter(|_| !names.is_empty()) else {
        return MemberSet::default();
    };
    if ![Site::OwnAttribute, Site::Argument].contains(&site) {
        for (&name, count) in &mut names {
            // A constructor is called by the name of its class.
            let is_init = sources.names.token_kind(name) == TokenKind::Init;
            for _ in 0..usize::from(sources.names.is_private(name)) + usize::from(is_init) {
                *count *= PRIVATE;
            }
            *count *= frequency(sources.names.rank(name));
        }
    }
    let total: f32 = names.values().sum();
    let shares = names.into_iter().map(|(name, count)| (name, count / total));
    MemberSet {
        site: Some(site),
        shares: shares.collect(),
        min_mass: min_mass(site, completeness),
    }
}

/// Minimum share of members in the probability of all names, at a site and with a completeness. It is 0 where own attributes or
/// arbitrary values can appear, since the declarations are not exhaustive there, and at sites of a module read without
/// indentation, whose names include locals of functions.
fn min_mass(site: Site, completeness: Completeness) -> f32 {
    match (site, completeness) {
        (Site::OwnAttribute | Site::Argument, _) | (_, Completeness::Unknown) => 0.0,
        (_, Completeness::Complete) => OF_COMPLETE,
        (Site::Attribute, _) | (_, Completeness::Partial) => OF_MOST,
        _ => 0.0,
    }
}

/// Weight of a name from its frequency rank in the training corpus.
fn frequency(rank: usize) -> f32 {
    ((rank + 50) as f32).powf(-0.5)
}

/// Whether the buffer ends with a dot that only a name can follow. The dot of `from .` does not count.
pub fn is_attribute(sources: Sources<'_>) -> bool {
    let mut last = sources.buffer.tokens().iter().rev().map(|token| token.kind);
    let is_path = |kind| matches!(kind, TokenKind::Dot | TokenKind::Ellipsis | TokenKind::From);
    last.next() == Some(TokenKind::Dot) && !last.next().is_some_and(is_path)
}

/// Whether a module name starts at the end of the buffer: `import a`, `from a`.
pub fn begins_module(sources: Sources<'_>) -> bool {
    import_at_end(sources).is_some_and(|statement| statement.expects == Expects::Module)
}

/// The unfinished import statement at the end of the buffer.
fn import_at_end(sources: Sources<'_>) -> Option<ImportStatement> {
    let buffer = sources.buffer;
    let tokens = &buffer.tokens()[buffer.statement()];
    ImportStatement::parse(tokens.iter().map(|token| token.kind))
}

/// Collects the names that fit at the end of the buffer.
struct Collector<'a> {
    resolver: Resolver<'a>,
    counts: Counts,
}

impl Collector<'_> {
    fn kind(&self, at: usize) -> TokenKind {
        self.resolver.sources.buffer.token(at).kind
    }

    fn name(&self, at: usize) -> Name {
        self.resolver.sources.buffer.token(at).name
    }

    fn in_buffer(&self, name: Name) -> Name {
        self.resolver.sources.names.in_buffer(name)
    }

    fn at_end(&mut self) -> Option<Site> {
        if let Some(statement) = import_at_end(self.resolver.sources) {
            return self.of_import(&statement);
        }
        let buffer = self.resolver.sources.buffer;
        let mut end = buffer.len();
        if buffer.is_in_brackets() && end > 0 && self.kind(end - 1) == TokenKind::Eol {
            end -= 1;
        }
        match self.kind(end.checked_sub(1)?) {
            TokenKind::Dot => Some(self.after_dot(end - 1)),
            TokenKind::Comma | TokenKind::OpeningParenthesis => {
                self.of_call(end);
                Some(Site::Argument)
            }
            _ => None,
        }
    }

    /// Adds the names that can continue an import statement.
    fn of_import(&mut self, statement: &ImportStatement) -> Option<Site> {
        let start = self.resolver.sources.buffer.statement().start;
        let path = |path: &[usize]| -> Vec<Name> {
            path.iter().map(|&at| self.name(start + at)).collect()
        };
        match statement.expects {
            Expects::Submodule => {
                let module = match statement.names.last() {
                    Some(ImportedName { path: module, .. }) if !statement.is_from => path(module),
                    _ => path(&statement.module),
                };
                let package = self.resolver.package_at(statement.level, &module);
                self.of_package(package);
                // All members are known if the package has its own file.
                let file = self.resolver.module_at(statement.level, &module);
                let modules = self.resolver.sources.project.modules();
                self.counts.completeness = match file {
                    Some(file) if modules[file as usize].names.is_certain => Completeness::Complete,
                    _ => Completeness::Unknown,
                };
                Some(Site::ModuleAttribute)
            }
            Expects::Member => {
                let module = path(&statement.module);
                if let Some(file) = self.resolver.module_at(statement.level, &module) {
                    self.of_module(file, &mut Vec::new());
                } else {
                    // A folder can be a package without a file of its own.
                    let package = self.resolver.package_at(statement.level, &module);
                    self.of_package(package);
                }
                for ImportedName { path, alias } in &statement.names {
                    for &at in path.iter().chain(alias) {
                        let name = self.name(start + at);
                        self.counts.names.remove(&name);
                    }
                }
                Some(Site::ImportedName)
            }
            Expects::Module | Expects::Other => None,
        }
    }

    /// The dotted name that ends before a position of the buffer. `None` if it starts with something other than a name, as
    /// in `f().a`.
    fn dotted_before(&self, end: usize) -> Option<Vec<Name>> {
        let mut names = Vec::new();
        let mut at = end.checked_sub(1)?;
        loop {
            if !self.kind(at).is_name() {
                return None;
            }
            names.push(self.name(at));
            if at == 0 || self.kind(at - 1) != TokenKind::Dot {
                break;
            }
            at = at.checked_sub(2)?;
        }
        names.reverse();
        Some(names)
    }

    fn after_dot(&mut self, dot: usize) -> Site {
        let Some(names) = self.dotted_before(dot) else {
            return Site::Attribute;
        };
        let is_own = names.len() == 1
            && self.resolver.sources.names.token_kind(names[0]) == TokenKind::SelfOrCls;
        match self.resolver.resolve_dotted(&names) {
            Some(Resolution::Class(class)) => {
                self.of_class(class, &mut Vec::new());
                if is_own {
                    self.of_own_class(class);
                }
                if is_own {
                    Site::OwnAttribute
                } else {
                    Site::Attribute
                }
            }
            Some(Resolution::Module(module)) => {
                self.of_module(module, &mut Vec::new());
                Site::ModuleAttribute
            }
            Some(Resolution::Package(package)) => {
                self.of_package(Some(package));
                Site::ModuleAttribute
            }
            _ if is_own => Site::OwnAttribute,
            _ => Site::Attribute,
        }
    }

    /// Adds the members of the class being written that the unfinished statement or the text after the cursor declares.
    fn of_own_class(&mut self, class: Location) {
        let Sources {
            buffer, project, ..
        } = self.resolver.sources;
        let first = buffer.len().saturating_sub(MAX_STATEMENT);
        let tokens = &buffer.tokens()[buffer.statement().start.max(first)..];
        for triple in tokens.windows(3) {
            if triple[0].kind == TokenKind::SelfOrCls && triple[1].kind == TokenKind::Dot {
                self.counts.add(triple[2].name, 1.0);
            }
        }
        let (table, suffix) = (buffer.table(), project.suffix());
        let column = table
            .class(class.symbol)
            .and_then(|class| table.scope(class.scope))
            .map(|scope| scope.column);
        let Some(scope) = column.and_then(|column| project.continued_class(column)) else {
            return;
        };
        // Without indentation, an assignment after the first function is not a member.
        let takes_variables = table.is_exact() || !buffer.has_function();
        self.of_body(Origin::Suffix, suffix, scope, takes_variables);
    }

    /// Adds the members of a class and of its bases.
    fn of_class(&mut self, class: Location, seen: &mut Vec<Location>) {
        if seen.contains(&class) {
            return;
        }
        let Some((table, declared)) = self.resolver.class(class) else {
            return;
        };
        if seen.len() == MAX_CLASSES {
            self.counts.lower(Completeness::Unknown);
            return;
        }
        seen.push(class);
        for &base in table.bases(declared) {
            let tokens = table.expression(base);
            let last = tokens
                .last()
                .map(|&name| self.resolver.sources.names.token_kind(name));
            match last {
                Some(TokenKind::Enum) => {
                    for name in self.resolver.sources.names.enum_attributes() {
                        self.counts.add_at_least(name, OF_ENUM);
                    }
                }
                Some(TokenKind::Memberless) => {}
                _ => match self.resolver.base_class(class, base) {
                    Some(base) => self.of_class(base, seen),
                    None => self.counts.lower(Completeness::Unknown),
                },
            }
        }
        if !self.is_certain(class.origin) || !table.is_exact() {
            self.counts.lower(Completeness::Approximate);
        }
        self.of_body(class.origin, table, declared.scope, true);
    }

    /// Whether a name imported from a file certainly refers to that file's declaration.
    fn is_certain(&self, origin: Origin) -> bool {
        let modules = self.resolver.sources.project.modules();
        match origin {
            Origin::Buffer | Origin::Suffix => false,
            Origin::Module(module) => modules[module as usize].names.is_certain,
        }
    }

    /// Adds the members declared in a class body.
    fn of_body(
        &mut self,
        origin: Origin,
        table: &SymbolTable,
        scope: ScopeId,
        takes_variables: bool,
    ) {
        for id in table.declared_in(scope) {
            let symbol = table.symbol(id);
            let name = match origin {
                Origin::Buffer => symbol.name,
                _ => self.in_buffer(symbol.name),
            };
            match symbol.kind {
                SymbolKind::Function(_) => {
                    if self.resolver.sources.names.token_kind(name) == TokenKind::GetAttr {
                        self.counts.lower(Completeness::Unknown);
                    }
                    self.counts.add(name, 1.0);
                }
                SymbolKind::Class(_) => self.counts.add(name, 1.0),
                SymbolKind::Variable(_) if takes_variables => self.counts.add(name, 1.0),
                SymbolKind::Attribute(_, count) => self.counts.add(name, count.into()),
                SymbolKind::Variable(_) | SymbolKind::Import(_) | SymbolKind::Parameter(_) => {}
            }
        }
    }

    /// Adds the modules of a package.
    fn of_package(&mut self, package: Option<Name>) {
        let Sources { project, names, .. } = self.resolver.sources;
        if let Some(package) = package.and_then(|package| names.in_project(package)) {
            for module in project.modules_in(package) {
                self.counts.add_at_least(names.in_buffer(module), 1.0);
            }
        }
        self.counts.lower(Completeness::Unknown);
    }

    /// Adds a module's definitions, the names it re-exports from its package, and its submodules if it is a package.
    fn of_module(&mut self, module: u32, seen: &mut Vec<u32>) {
        if seen.contains(&module) {
            return;
        }
        if seen.len() > MAX_INDIRECTIONS && !self.resolver.may_scan() {
            self.counts.lower(Completeness::Unknown);
            return;
        }
        seen.push(module);
        let Sources { project, names, .. } = self.resolver.sources;
        let own = &project.modules()[module as usize];
        for inside in project.modules_in(own.names.name) {
            self.counts.add_at_least(names.in_buffer(inside), MODULE);
        }
        let Some(table) = &own.symbols else {
            self.counts.lower(Completeness::Unknown);
            return;
        };
        if !own.names.is_certain || !table.is_exact() {
            self.counts.lower(Completeness::Unknown);
        }
        if table.has_dynamic_names {
            self.counts.lower(Completeness::Partial);
        }
        for id in table.declared_in(ScopeId::MODULE) {
            let symbol = table.symbol(id);
            let name = names.in_buffer(symbol.name);
            match symbol.kind {
                SymbolKind::Class(_) => self.counts.add_at_least(name, 1.0),
                SymbolKind::Function(_) => {
                    if names.token_kind(name) == TokenKind::GetAttr {
                        self.counts.lower(Completeness::Unknown);
                    }
                    self.counts.add_at_least(name, 1.0);
                }
                SymbolKind::Variable(_) => self.counts.add_at_least(name, ASSIGNED),
                SymbolKind::Import(import) => self.of_reexport(module, table, import, seen),
                SymbolKind::Attribute(..) | SymbolKind::Parameter(_) => {}
            }
        }
    }

    /// Adds the names of an import that other modules may import from here. `import posixpath as path` is meant to be
    /// re-exported; `import sys` is not.
    fn of_reexport(&mut self, module: u32, table: &SymbolTable, import: u32, seen: &mut Vec<u32>) {
        let import = table.import(import);
        if !import.is_star {
            if import.is_own_package || import.member.is_none() && !import.is_plain {
                let modules = self.resolver.sources.project.modules();
                let is_package = modules[module as usize].names.is_package;
                let is_use = import.is_own_package && !is_package;
                let name = self.in_buffer(import.bound);
                self.counts
                    .add_at_least(name, if is_use { IMPORTED } else { 1.0 });
            }
            return;
        }
        let Some(other) = self.resolver.imported_module(module, import) else {
            self.counts.lower(Completeness::Partial);
            return;
        };
        let before = std::mem::replace(&mut self.counts, Counts::new());
        self.of_module(other, seen);
        let taken = std::mem::replace(&mut self.counts, before);
        for (name, count) in taken.names {
            if !self.resolver.sources.names.is_private(name) {
                self.counts.add_at_least(name, count);
            }
        }
        self.counts.lower(taken.completeness);
    }

    /// Adds the parameters of the function being called, except those already given.
    fn of_call(&mut self, end: usize) {
        let start = self.resolver.sources.buffer.statement().start;
        let mut depth = 0_usize;
        let mut given = Vec::new();
        for at in (start.max(end.saturating_sub(MAX_STATEMENT))..end).rev() {
            match self.kind(at) {
                TokenKind::ClosingBracket => depth += 1,
                kind if kind.opens_bracket() && depth > 0 => depth -= 1,
                TokenKind::OpeningParenthesis => {
                    self.parameters(at);
                    break;
                }
                TokenKind::OpeningBracket => return,
                TokenKind::Equals if depth == 0 && at > 0 => given.push(self.name(at - 1)),
                _ => {}
            }
        }
        self.counts.lower(Completeness::Unknown); // any value can appear there
        for name in given {
            self.counts.names.remove(&name);
        }
    }

    /// Adds the parameters of the function or constructor called by the bracket at a position.
    fn parameters(&mut self, bracket: usize) {
        let Some(called) = bracket.checked_sub(1) else {
            return;
        };
        let before = called.checked_sub(1).map(|before| self.kind(before));
        if matches!(before, Some(TokenKind::Def | TokenKind::Class)) || !self.kind(called).is_name()
        {
            return;
        }
        let names = self.dotted_before(bracket);
        let found = names.and_then(|names| self.resolver.resolve_dotted(&names));
        let found = found.or_else(|| {
            // Any function or class of that name, whatever its owner.
            let name = self.name(called);
            let function = self.resolver.find_declaration(name, false);
            let class = || {
                self.resolver
                    .find_declaration(name, true)
                    .map(Resolution::Class)
            };
            function.map(Resolution::Function).or_else(class)
        });
        let function = match found {
            Some(Resolution::Function(function)) => Some(function),
            Some(Resolution::Class(class)) => self.constructor(class, MAX_CLASSES),
            _ => None,
        };
        if let Some(function) = function {
            self.parameters_of(function);
        }
    }

    /// The constructor of a class, or of its first base that has one.
    fn constructor(&mut self, class: Location, most: usize) -> Option<Location> {
        let (table, declared) = self.resolver.class(class)?;
        let names = self.resolver.sources.names;
        let is_it = |&symbol: &SymbolId| {
            let symbol = table.symbol(symbol);
            matches!(symbol.kind, SymbolKind::Function(_))
                && names.token_kind(symbol.name) == TokenKind::Init
        };
        if let Some(symbol) = table.declared_in(declared.scope).find(is_it) {
            return Some(Location {
                origin: class.origin,
                symbol,
            });
        }
        let bases = table.bases(declared).iter();
        bases.take(most).enumerate().find_map(|(at, &base)| {
            let base = self.resolver.base_class(class, base)?;
            self.constructor(base, most.checked_sub(at + 1)?)
        })
    }

    fn parameters_of(&mut self, function: Location) {
        let Some(table) = self.resolver.table(function.origin) else {
            return;
        };
        let Some(declared) = table.function(function.symbol) else {
            return;
        };
        for parameter in table.parameters(declared) {
            let name = self.in_buffer(parameter.name);
            let is_starred = matches!(
                parameter.kind,
                ParameterKind::Positionals | ParameterKind::Keywords
            );
            if !is_starred && self.resolver.sources.names.token_kind(name) != TokenKind::SelfOrCls {
                self.counts.add(name, 1.0);
            }
        }
    }
}
