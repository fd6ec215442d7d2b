//! What a name stands for: a class, a function or a module, by how it was bound and what is declared.

use std::cell::Cell;
use std::ops::Range;

use super::sources::{Side, Spot, Texts};
use crate::context::{BufferTokens, CandidateSpace, Syntax, TokenId};

/// Tokens of a statement that are looked at.
pub(crate) const STATEMENT: usize = 400;
/// Tokens that are looked at for one declaration.
pub(crate) const REACH: usize = 6000;
/// How often a name is followed to where a module, or a variable, has it from.
pub(crate) const FOLLOWED: usize = 4;
/// What may be looked at to answer one question, in places of names; a class or a file counts as so many.
const STEPS: usize = 2048;
const SCAN: usize = 64;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A class or one of its objects: where its keyword stands.
    Class(Spot),
    /// A function: where its keyword stands.
    Function(Spot),
    /// A module: the number of its file around.
    Module(usize),
    /// A package that has no file around: its name.
    Package(u32),
    /// It is bound to something of which nothing is known.
    Unknown,
}

/// A statement of the document that imports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    /// Where `from` stands, if it does.
    pub(crate) from: Option<usize>,
    /// Where `import` stands.
    pub(crate) import: usize,
}

/// What a module takes from another one: `from .module import member as bound`, `import a.module as bound`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// The last part of the other's name; none in `from . import`.
    pub(crate) module: Option<u32>,
    /// The part before it, if it is named.
    pub(crate) package: Option<u32>,
    /// None if it is the module itself.
    pub(crate) member: Option<u32>,
    /// Everything that the other has, in place of one member.
    pub(crate) is_all: bool,
    pub(crate) bound: u32,
    /// From the package that the module is in.
    pub(crate) is_own: bool,
}

/// Finds out what names mean.
pub(crate) struct Names<'a> {
    pub(crate) texts: Texts<'a>,
    pub(crate) syntax: &'a Syntax,
    /// Something was taken for what it is by its name alone, or may be something else by now.
    pub(crate) doubts: Cell<bool>,
    /// How much more may be looked at.
    steps: Cell<usize>,
}

impl<'a> Names<'a> {
    /// Of a document, and of what stands around it.
    pub(crate) fn new(document: &'a BufferTokens, syntax: &'a Syntax) -> Self {
        Self {
            texts: Texts {
                space: CandidateSpace::new(syntax.vocabulary_size(), document),
                eol: syntax.eol,
            },
            syntax,
            doubts: Cell::new(false),
            steps: Cell::new(STEPS),
        }
    }

    /// Whether so much more may be looked at; if not, what is known is doubtful.
    fn may_look(&self, steps: usize) -> bool {
        let left = self.steps.get().saturating_sub(steps);
        self.steps.set(left);
        self.doubts.set(self.doubts.get() || left == 0);
        left > 0
    }

    /// The same for one more class or file.
    pub(crate) fn may_scan(&self) -> bool {
        self.may_look(SCAN)
    }

    /// Whether a token is a name that is not a keyword.
    pub(crate) fn is_name(&self, token: u32) -> bool {
        // Behind the vocabulary only names stand where this is asked, or a literal that no one offers.
        let is_outside = self.texts.is_out_of_vocabulary(token) && token != u32::MAX;
        is_outside || self.syntax.is_name(TokenId::new(token))
    }

    /// Whether a statement begins at a position of the document.
    pub(crate) fn begins(&self, at: usize) -> bool {
        let syntax = self.syntax;
        [syntax.eol, syntax.start, syntax.colon].contains(&self.before(at))
    }

    /// How many dots a token of a path is.
    pub(crate) fn dots(&self, token: u32) -> usize {
        match token {
            token if token == self.syntax.dot => 1,
            token if token == self.syntax.dots => 3,
            _ => 0,
        }
    }

    /// Whether a name begins with an underscore.
    pub(crate) fn is_private(&self, name: u32) -> bool {
        self.syntax.is_private(TokenId::new(name)) || self.texts.is_private(name)
    }

    /// The document's token before a position; the end of a line before the first.
    fn before(&self, at: usize) -> u32 {
        at.checked_sub(1)
            .map_or(self.syntax.eol, |before| self.texts.here(before))
    }

    /// The names of `a.b.c` that ends before a position of the document, and where it begins; none if it begins with
    /// something else than a name, as `f().a` does.
    pub(crate) fn chain(&self, end: usize) -> Option<(usize, Vec<u32>)> {
        let mut names = Vec::new();
        let mut at = end.checked_sub(1)?;
        loop {
            let name = self.texts.here(at);
            if !self.is_name(name) {
                return None;
            }
            names.push(name);
            if self.before(at) != self.syntax.dot {
                break;
            }
            at = at.checked_sub(2)?;
        }
        names.reverse();
        Some((at, names))
    }

    /// The names of `a.b.c` that begins at a position of the document, and where it ends.
    fn chain_from(&self, mut at: usize) -> (Vec<u32>, usize) {
        let mut names = vec![self.texts.here(at)];
        while self.texts.here(at + 1) == self.syntax.dot {
            at += 2;
            names.push(self.texts.here(at));
        }
        (names, at + 1)
    }

    /// What the names of a chain mean, as far as it is known at a position of the document.
    pub(crate) fn of_chain(&self, names: &[u32], at: usize, followed: usize) -> Option<Meaning> {
        let (first, rest) = names.split_first()?;
        let mut meaning = if self.syntax.own.contains(first) {
            Meaning::Class(self.enclosing_class(at)?)
        } else {
            self.bound(*first, at, followed)?
        };
        for name in rest {
            meaning = self.attribute(meaning, *name, at, followed)?;
        }
        Some(meaning)
    }

    /// The class that a position of the document is in: where its keyword stands.
    fn enclosing_class(&self, at: usize) -> Option<Spot> {
        let Self { texts, syntax, .. } = self;
        let mut back = (at.saturating_sub(REACH)..at).rev();
        let begins = |at: usize| [syntax.eol, syntax.start].contains(&self.before(at));
        let found = back.find(|&at| texts.here(at) == syntax.class && begins(at));
        found.map(Spot::here)
    }

    /// What a name of the document means before a position: by the last place that binds it, else by what is declared
    /// anywhere.
    fn bound(&self, name: u32, before: usize, followed: usize) -> Option<Meaning> {
        let Self { texts, syntax, .. } = self;
        for place in texts.places(name).filter(|&place| place < before) {
            if !self.may_look(1) {
                return None;
            }
            let (previous, next) = (self.before(place), texts.here(place + 1));
            let meaning = if previous == syntax.dot {
                None
            } else if previous == syntax.class {
                Some(Meaning::Class(Spot::here(place - 1)))
            } else if previous == syntax.def {
                Some(Meaning::Function(Spot::here(place - 1)))
            } else if previous == syntax.alias {
                self.aliased(place, followed)
            } else if next == syntax.equals || next == syntax.colon {
                self.assigned(place, followed)
            } else {
                let lists = [syntax.import, syntax.comma, syntax.opening[0], syntax.eol];
                let statement = lists.contains(&previous).then(|| self.importing(place));
                let statement = statement.flatten().filter(|found| found.import < place);
                statement.map(|statement| self.imported(statement, &[name], followed))
            };
            if meaning.is_some() {
                return meaning;
            }
            let is_bound = [syntax.equals, syntax.colon].contains(&next)
                || [syntax.alias, syntax.each].contains(&previous);
            if previous != syntax.dot && (is_bound || self.is_parameter(place)) {
                self.doubts.set(true); // what it was before may be gone
            }
        }
        // Nothing says where it is from.
        self.doubts.set(true);
        let declared = |keyword| texts.declared(keyword, name);
        let class = declared(syntax.class).map(Meaning::Class);
        class.or_else(|| declared(syntax.def).map(Meaning::Function))
    }

    /// Whether a name stands among the parameters of a function.
    fn is_parameter(&self, place: usize) -> bool {
        let Self { texts, syntax, .. } = self;
        let lists = [syntax.comma, syntax.opening[0], syntax.star, syntax.eol];
        let ends = [syntax.comma, syntax.closing[0]];
        if !lists.contains(&self.before(place)) || !ends.contains(&texts.here(place + 1)) {
            return false;
        }
        let back = (place.saturating_sub(STATEMENT)..place).rev();
        let mut line = back.take_while(|&at| texts.here(at) != syntax.eol || self.is_inner_end(at));
        line.any(|at| texts.here(at) == syntax.def)
    }

    /// What is bound by `as`.
    fn aliased(&self, place: usize, followed: usize) -> Option<Meaning> {
        let Self { texts, syntax, .. } = self;
        let mut end = place - 1;
        if let Some(statement) = self.importing(place) {
            let (_, names) = self.chain(end)?;
            return Some(self.imported(statement, &names, followed));
        }
        // `with a.B(…) as b`, `except a.B as b`.
        if self.before(end) == syntax.closing[0] {
            let mut depth = 0;
            let mut back = (end.saturating_sub(STATEMENT)..end).rev();
            end = back.find(|&at| {
                let token = texts.here(at);
                depth += usize::from(syntax.closing.contains(&token));
                depth -= usize::from(syntax.opening.contains(&token)).min(depth);
                depth == 0
            })?;
        }
        let (_, names) = self.chain(end)?;
        self.object(&names, end, followed)
    }

    /// What a variable is by what it is assigned, `a = b.C(…)`, or by its annotation, `a: b.C`.
    fn assigned(&self, place: usize, followed: usize) -> Option<Meaning> {
        let Self { texts, syntax, .. } = self;
        let is_annotated = texts.here(place + 1) == syntax.colon;
        let lists = [syntax.comma, syntax.opening[0], syntax.dot];
        if is_annotated && !self.begins(place) && !lists.contains(&self.before(place)) {
            return None; // a key, or behind `lambda`
        }
        let mut at = place + 2;
        if is_annotated && texts.here(at) == syntax.optional {
            at += 2;
        } else if texts.here(at) == syntax.wait {
            at += 1;
        }
        let (names, end) = self.chain_from(at);
        let is_whole = is_annotated || self.ends_with_call(end);
        (is_whole && names.iter().all(|&name| self.is_name(name)))
            .then(|| self.object(&names, place, followed))?
    }

    /// Whether a bracket opens at a position of the document, and nothing stands behind what it closes with.
    fn ends_with_call(&self, bracket: usize) -> bool {
        let Self { texts, syntax, .. } = self;
        if texts.here(bracket) != syntax.opening[0] {
            return false;
        }
        let mut depth = 0;
        let close = (bracket..bracket + STATEMENT).find(|&at| {
            let token = texts.here(at);
            depth += usize::from(syntax.opening.contains(&token));
            depth -= usize::from(syntax.closing.contains(&token)).min(depth);
            depth == 0
        });
        let ends = [syntax.eol, syntax.comma, syntax.closing[0]];
        close.is_some_and(|close| ends.contains(&texts.here(close + 1)))
    }

    /// An object that is made by calling what a chain of names means.
    fn object(&self, names: &[u32], at: usize, followed: usize) -> Option<Meaning> {
        if followed == FOLLOWED {
            return None;
        }
        match self.of_chain(names, at, followed + 1)? {
            Meaning::Function(spot) => self.returned(spot),
            class @ Meaning::Class(_) => Some(class),
            _ => None,
        }
    }

    /// The class that a function says it returns.
    fn returned(&self, function: Spot) -> Option<Meaning> {
        let Self { texts, syntax, .. } = self;
        let at = |ahead: usize| texts.at(function.plus(ahead));
        let mut depth = 0;
        // Behind the name come the parameters.
        let arrow = (2..STATEMENT).find(|&ahead| {
            depth += usize::from(syntax.opening.contains(&at(ahead)));
            depth -= usize::from(syntax.closing.contains(&at(ahead))).min(depth);
            depth == 0 && !syntax.closing.contains(&at(ahead))
        });
        let arrow = arrow.filter(|&ahead| at(ahead) == syntax.arrow)?;
        let mut name = arrow + 1;
        while at(name + 1) == syntax.dot {
            name += 2;
        }
        let is_whole = at(name + 1) == syntax.colon;
        let found = || self.class_named(at(name), texts.file_of(function));
        is_whole.then(found)?.map(Meaning::Class)
    }

    /// The class that a name means in a file around.
    pub(crate) fn class_named(&self, name: u32, file: Option<usize>) -> Option<Spot> {
        let found = file.and_then(|file| self.member(file, name, 0));
        if let Some(Meaning::Class(class)) = found {
            return Some(class);
        }
        self.doubts.set(true);
        self.texts.declared(self.syntax.class, name)
    }

    /// The import that a position of the document is in.
    pub(crate) fn importing(&self, at: usize) -> Option<Statement> {
        let syntax = self.syntax;
        let mut import = None;
        for back in (at.saturating_sub(STATEMENT)..=at).rev() {
            let token = self.texts.here(back);
            if token == syntax.import {
                import = Some(back);
                if self.begins(back) {
                    return Some(Statement {
                        from: None,
                        import: back,
                    });
                }
            } else if token == syntax.from {
                return import.map(|import| Statement {
                    from: Some(back),
                    import,
                });
            } else if [syntax.def, syntax.class, syntax.start].contains(&token)
                || token == syntax.eol && (import.is_some() || !self.is_inner_end(back))
            {
                return None;
            }
        }
        None
    }

    /// Whether a line ends here inside brackets, as far as the token before it tells.
    pub(crate) fn is_inner_end(&self, at: usize) -> bool {
        let before = self.before(at);
        let goes_on = before == self.syntax.comma || self.syntax.opening.contains(&before);
        at > 0 && goes_on && self.texts.here(at) == self.syntax.eol
    }

    /// What a statement imports as `names`: a member of the module that it names, or a module.
    fn imported(&self, statement: Statement, names: &[u32], followed: usize) -> Meaning {
        let Self { texts, syntax, .. } = self;
        let Some(&last) = names.last() else {
            return Meaning::Unknown;
        };
        let found = if statement.from.is_none() {
            // `import a.b` binds `a`, `import a.b as c` the module `b`.
            let package = names.len().checked_sub(2).map(|at| names[at]);
            let module = texts.module(last, package).map(Meaning::Module);
            module.or(Some(Meaning::Package(last)))
        } else {
            let module = self.module_of(statement);
            let member = module.and_then(|module| self.member(module, last, followed));
            // The package may have no file of its own.
            let package = self.package_of(statement);
            let inside = || texts.module(last, Some(package?)).map(Meaning::Module);
            // A file may lack what it is said to have, as one that was not read to its end does.
            let class = || {
                self.doubts.set(true);
                texts.declared(syntax.class, last).map(Meaning::Class)
            };
            member.or_else(inside).or_else(class)
        };
        found.unwrap_or(Meaning::Unknown)
    }

    /// The file around of the module that is named between `from` and `import`.
    pub(crate) fn module_of(&self, statement: Statement) -> Option<usize> {
        self.module_at(statement.from? + 1..statement.import)
    }

    /// The file around of the module that a path in an import names.
    pub(crate) fn module_at(&self, path: Range<usize>) -> Option<usize> {
        let package = self.package_at(path.clone())?;
        let before = path.clone().rev().nth(2).map(|at| self.texts.here(at));
        let (level, dots) = self.level(&path);
        let names = path.len() - dots;
        // `a`, `.a` and `a.b`; for `.` the package itself.
        match (level, names) {
            (_, 2..) => self.texts.module(package, before),
            (0, _) => self.texts.module(package, None),
            (level, 0) => self.texts.package(level),
            (level, _) => self
                .texts
                .module(package, Some(self.texts.packages(level)?)),
        }
    }

    /// How many dots a path in an import begins with, and how many tokens these are.
    fn level(&self, path: &Range<usize>) -> (usize, usize) {
        let dots = path.clone().map(|at| self.dots(self.texts.here(at)));
        let dots = dots.take_while(|&dots| dots > 0);
        dots.fold((0, 0), |(level, tokens), dots| (level + dots, tokens + 1))
    }

    /// The last part of what is named between `from` and `import`, be it a module or a package.
    pub(crate) fn package_of(&self, statement: Statement) -> Option<u32> {
        self.package_at(statement.from? + 1..statement.import)
    }

    /// The last part of what a path in an import names, be it a module or a package.
    pub(crate) fn package_at(&self, path: Range<usize>) -> Option<u32> {
        let last = self.texts.here(path.end.checked_sub(1)?);
        if self.dots(last) > 0 {
            return self.texts.packages(self.level(&path).0);
        }
        self.is_name(last).then_some(last)
    }

    /// What a name behind the dot of something means.
    fn attribute(&self, of: Meaning, name: u32, at: usize, followed: usize) -> Option<Meaning> {
        match of {
            Meaning::Module(file) => self.member(file, name, followed),
            Meaning::Class(class) => self.of_class(class, name, at, followed),
            Meaning::Package(package) => {
                let module = self.texts.module(name, Some(package)).map(Meaning::Module);
                Some(module.unwrap_or(Meaning::Package(name)))
            }
            _ => None,
        }
    }

    /// What a module has under a name.
    pub(crate) fn member(&self, file: usize, name: u32, followed: usize) -> Option<Meaning> {
        let Self { texts, syntax, .. } = self;
        let (module, range) = texts.file(file);
        let declared = |keyword| texts.declared_in(range.clone(), keyword, name);
        if let Some(class) = declared(syntax.class) {
            return Some(Meaning::Class(class));
        }
        if let Some(function) = declared(syntax.def) {
            return Some(Meaning::Function(function));
        }
        if let Some(module) = texts.module(name, Some(module)) {
            return Some(Meaning::Module(module));
        }
        // What it takes from others is looked for token by token.
        if followed == FOLLOWED || !self.may_look(SCAN + range.len() / 8) {
            return None;
        }
        let mut found = None;
        self.each_taken(file, &mut |taken| {
            if found.is_some() || !taken.is_all && taken.bound != name {
                return;
            }
            let module = self.other(file, taken);
            found = match (module, taken.member) {
                (Some(module), _) if taken.is_all => self.member(module, name, followed + 1),
                (Some(module), Some(member)) => self.member(module, member, followed + 1),
                (Some(module), None) => Some(Meaning::Module(module)),
                _ => None,
            };
        });
        found
    }

    /// What an attribute of a class's objects is: a method, or what is assigned to it.
    fn of_class(&self, class: Spot, name: u32, at: usize, followed: usize) -> Option<Meaning> {
        let Self { texts, syntax, .. } = self;
        if !self.may_scan() {
            return None;
        }
        for ahead in 2..REACH {
            let spot = class.plus(ahead);
            let [token, next, third] = [0, 1, 2].map(|k| texts.at(spot.plus(k)));
            let ends = spot.at >= texts.len(spot.side)
                || token == syntax.class && texts.at(class.plus(ahead - 1)) == syntax.eol;
            if ends || token == syntax.start {
                break;
            }
            if token == syntax.def && next == name {
                return Some(Meaning::Function(spot));
            }
            if class.side == Side::Here
                && syntax.own.contains(&token)
                && next == syntax.dot
                && third == name
                && [syntax.equals, syntax.colon].contains(&texts.at(spot.plus(3)))
                && spot.at + 2 < at
                && let Some(meaning) = self.assigned(spot.at + 2, followed)
            {
                return Some(meaning);
            }
        }
        None
    }

    /// The file around of the module that another one takes something from.
    pub(crate) fn other(&self, file: usize, taken: Taken) -> Option<usize> {
        let module = taken.module?;
        let found = match taken.package {
            Some(package) => self.texts.module(module, Some(package)),
            None => self.texts.beside(file, module),
        };
        found.or_else(|| {
            let called = self.texts.called(module)?;
            self.doubts.set(true);
            Some(called)
        })
    }

    /// What a module takes from others, in order.
    pub(crate) fn each_taken(&self, file: usize, see: &mut dyn FnMut(Taken)) {
        let Self { texts, syntax, .. } = self;
        let (own, range) = texts.file(file);
        let token = |at: usize| {
            if at < range.end {
                texts.at(Spot::around(at))
            } else {
                syntax.eol
            }
        };
        let mut at = range.start + 1;
        while at < range.end.min(range.start + REACH) {
            let begins = [syntax.eol, syntax.start].contains(&token(at - 1));
            if !begins || ![syntax.from, syntax.import].contains(&token(at)) {
                at += 1;
                continue;
            }
            let is_from = token(at) == syntax.from;
            let is_own = is_from && [syntax.dot, syntax.dots, own].contains(&token(at + 1));
            let (mut package, mut module) = (None, None);
            at += 1;
            while is_from && ![syntax.import, syntax.eol].contains(&token(at)) {
                if self.dots(token(at)) == 0 {
                    (package, module) = (module, Some(token(at)));
                }
                at += 1;
            }
            if is_from && token(at) == syntax.eol {
                continue; // it is being written
            }
            at += usize::from(is_from);
            // Names and what they are bound to, one after the other.
            let mut last = None;
            loop {
                let here = token(at);
                let before = token(at - 1);
                let goes_on = [syntax.comma, syntax.opening[0]].contains(&before);
                if here == syntax.eol && !goes_on || at >= range.end {
                    break;
                }
                let next = token(at + 1);
                let is_last = [syntax.comma, syntax.closing[0], syntax.eol].contains(&next);
                if next == syntax.alias {
                    last = Some(here);
                } else if here == syntax.star || is_last && self.is_name(here) {
                    let (bound, name) = (here, last.take().unwrap_or(here));
                    if is_from {
                        let (module, member) = match module {
                            Some(module) => (Some(module), Some(name)),
                            None => (Some(name), None), // `from . import module`
                        };
                        see(Taken {
                            package,
                            module,
                            member,
                            is_all: here == syntax.star,
                            bound,
                            is_own,
                        });
                    } else if bound != name {
                        see(Taken {
                            package: None,
                            module: Some(name),
                            member: None,
                            is_all: false,
                            bound,
                            is_own,
                        });
                    }
                }
                at += 1;
            }
        }
    }
}
