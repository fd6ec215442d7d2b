//! The names that fit a place by what was declared: members of a class or a module behind a dot, what a module has behind
//! `from module import`, and the parameters of a function in its call.
//!
//! Tokens know no indentation, and a buffer is seldom whole: a class ends where the next one begins, its members are the
//! functions whose first parameter is `self` or `cls`, what is assigned before the first of them, and whatever stands
//! behind `self.`. That finds nearly all, and on broken code too.

mod resolve;
mod sources;
#[cfg(test)]
mod tests;

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::context::{BufferTokens, Syntax};
use resolve::{FOLLOWED, Meaning, Names, REACH, STATEMENT, Statement};
use sources::{Side, Spot};

/// Classes that are looked at together: one, its bases and theirs.
const CLASSES: usize = 8;
/// What a name that begins with an underscore counts where somebody else's are asked for; in a module what is assigned, as
/// constants are, and modules in it.
const PRIVATE: f32 = 0.05;
const ASSIGNED: f32 = 0.3;
const MODULE: f32 = 0.3;
/// What counts that every member of an enumeration has: it is frequent anywhere, and mostly its members are asked for.
const OF_ENUM: f32 = 0.03;
/// What a name counts that a module imports from its own package; in a package's own file it is meant for others.
const TAKEN: f32 = 0.1;

/// What members have, at least, of all that names have: where all are known, as they are of what is installed; and where most are, of a
/// class that is read without its indentation, or a module that takes over others from machine code. Chosen, docs/answers.md.
const OF_OUTLINES: f32 = 0.97;
const OF_MOST: f32 = 0.6;

/// How a place tells what may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind `self.` or `cls.`.
    Own,
    /// Behind the dot of a class or one of its objects.
    Class,
    /// Behind the dot of a module.
    Module,
    /// What a module has is imported.
    Import,
    /// In the brackets of a call.
    Call,
}

/// How many kinds of places there are, and what they are called among the features.
pub(crate) const PLACES: usize = 5;
pub(crate) const PLACE_NAMES: [&str; PLACES] = [
    "own member",
    "member of a class",
    "member of a module",
    "imported name",
    "argument",
];

/// What may stand at a place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// Candidates, ascending, and their shares.
    pub(crate) shares: Vec<(usize, f32)>,
    /// One at the kind of place, if it is any of these.
    pub(crate) place: [f32; PLACES],
    /// What they have together, at least, of all that names have: where they are known, others hardly stand.
    pub(crate) least: f32,
}

impl Members {
    /// Whether a candidate is one.
    pub(crate) fn contain(&self, candidate: usize) -> bool {
        let found = self
            .shares
            .binary_search_by_key(&candidate, |&(member, _)| member);
        found.is_ok()
    }
}

/// Names, and how often each was met.
#[derive(Default)]
struct Met {
    counts: FxHashMap<u32, f32>,
    /// There are names that were not met: not all that tells was found or read.
    lacks: bool,
    /// Some of it was read without its indentation, from tokens.
    is_loose: bool,
    /// A module has taken over everything from one that has no file, as of machine code.
    is_partial: bool,
}

impl Met {
    fn meet(&mut self, name: u32) {
        *self.counts.entry(name).or_default() += 1.0;
    }

    /// The same of what is there or is not, however often it is spoken of.
    fn meet_once(&mut self, name: u32, counts: f32) {
        let entry = self.counts.entry(name).or_default();
        *entry = entry.max(counts);
    }
}

/// The names that fit behind the last token of `document`; none where nothing was declared that would tell.
pub(crate) fn members(document: &BufferTokens, syntax: &Syntax) -> Members {
    let search = Search {
        names: Names::new(document, syntax),
    };
    let mut met = Met::default();
    let place = search.last(&mut met);
    met.counts.retain(|&name, _| search.names.is_name(name));
    let mut members = Members::default();
    let Some(place) = place.filter(|_| !met.counts.is_empty()) else {
        return members;
    };
    if ![Place::Own, Place::Call].contains(&place) {
        for (&name, count) in &mut met.counts {
            if search.names.is_private(name) {
                *count *= PRIVATE;
            }
            if name == syntax.init {
                *count *= PRIVATE; // it is called by another name
            }
            *count *= frequency(name, syntax.vocabulary_size());
        }
    }
    members.place[place as usize] = 1.0;
    members.least = match place {
        _ if met.lacks || search.names.doubts.get() => 0.0,
        _ if !met.is_loose && !met.is_partial => OF_OUTLINES,
        Place::Class => OF_MOST,
        _ if !met.is_loose => OF_MOST,
        _ => 0.0,
    };
    let total: f32 = met.counts.values().sum();
    let shares = met.counts.into_iter();
    members.shares = shares
        .map(|(name, count)| (name as usize, count / total))
        .collect();
    members
        .shares
        .sort_unstable_by_key(|&(candidate, _)| candidate);
    members
}

/// What a name's frequency anywhere is worth: the vocabulary is in its order, and outside it are the rarest.
fn frequency(name: u32, vocabulary_size: usize) -> f32 {
    let rank = match name as usize {
        id if id < vocabulary_size => id,
        _ => 2 * vocabulary_size,
    };
    ((rank + 50) as f32).powf(-0.5)
}

/// Whether `document` ends with a dot that only a name can follow, as it cannot in `from .`.
pub(crate) fn is_attribute(document: &BufferTokens, syntax: &Syntax) -> bool {
    let Some(dot) = document.len().checked_sub(1) else {
        return false;
    };
    let names = Names::new(document, syntax);
    let before = |at: usize| at.checked_sub(1).map(|before| names.texts.here(before));
    let path = [syntax.dot, syntax.dots, syntax.from].map(Some);
    names.texts.here(dot) == syntax.dot && !path.contains(&before(dot))
}

/// Whether the name of a module that is imported begins behind the last token of `document`: `import a`, `from a`.
pub(crate) fn begins_module(document: &BufferTokens, syntax: &Syntax) -> bool {
    let Some(last) = document.len().checked_sub(1) else {
        return false;
    };
    let names = Names::new(document, syntax);
    let token = names.texts.here(last);
    if token == syntax.from {
        return names.begins(last);
    }
    let statement = || names.importing(last);
    [syntax.import, syntax.comma].contains(&token)
        && statement().is_some_and(|statement| statement.from.is_none())
}

struct Search<'a> {
    names: Names<'a>,
}

impl Search<'_> {
    /// The document's token at a position.
    fn here(&self, at: usize) -> u32 {
        self.names.texts.here(at)
    }

    /// What may stand behind the last token.
    fn last(&self, met: &mut Met) -> Option<Place> {
        let (syntax, len) = (self.names.syntax, self.names.texts.len(Side::Here));
        let mut last = len.checked_sub(1)?;
        if self.names.is_inner_end(last) {
            last -= 1;
        }
        let token = self.here(last);
        if token == syntax.dot {
            return Some(self.behind_dot(last, met));
        }
        if ![syntax.import, syntax.comma, syntax.opening[0]].contains(&token) {
            return None;
        }
        let statement = self.names.importing(last);
        if let Some(statement) = statement.filter(|statement| statement.from.is_some()) {
            self.of_import(statement, last, met);
            return Some(Place::Import);
        }
        self.of_call(last, met);
        Some(Place::Call)
    }

    /// What may stand behind a dot.
    fn behind_dot(&self, dot: usize, met: &mut Met) -> Place {
        let Names { texts, syntax, .. } = &self.names;
        let is_path = |at: usize| {
            let (token, next) = (self.here(at), self.here(at + 1));
            let is_name = next == syntax.dot && self.names.is_name(token);
            is_name || self.names.dots(token) > 0
        };
        let first = (0..=dot).rev().take_while(|&at| is_path(at)).last();
        let first = first.unwrap_or(dot);
        let before = first.checked_sub(1).map(|before| self.here(before));
        let is_plain = || {
            let statement = self.names.importing(first);
            statement.is_some_and(|statement| statement.from.is_none())
        };
        let is_from = before == Some(syntax.from) && self.names.begins(first - 1);
        if is_from || before == Some(syntax.import) || is_plain() {
            // The name of a module, which ends with those of the modules in it.
            let is_named = dot > first && self.names.is_name(self.here(dot - 1));
            let path = first..dot + usize::from(!is_named);
            self.of_package(self.names.package_at(path.clone()), met);
            // All of them are known where the package's own file is.
            let file = self.names.module_at(path);
            met.lacks = !file.is_some_and(|file| texts.is_outline(file));
            return Place::Module;
        }
        let Some((first, names)) = self.names.chain(dot) else {
            return Place::Class;
        };
        let is_own = names.len() == 1 && syntax.own.contains(&names[0]);
        match self.names.of_chain(&names, first, 0) {
            Some(Meaning::Class(class)) => {
                let is_written = self.of_class(class, &mut Vec::new(), met);
                // It goes on below.
                if is_own && let (Some(has_function), Some(around)) = (is_written, texts.around) {
                    let below = Spot::around(0)..Spot::around(around.below());
                    self.of_body(below, has_function, met);
                }
                if is_own { Place::Own } else { Place::Class }
            }
            Some(Meaning::Module(file)) => {
                self.of_module(file, &mut Vec::new(), met);
                Place::Module
            }
            Some(Meaning::Package(package)) => {
                self.of_package(Some(package), met);
                Place::Module
            }
            _ if is_own => Place::Own,
            _ => Place::Class,
        }
    }

    /// Members of the class whose keyword stands at a place, and of its bases. If it has not ended with the text, whether it
    /// has a function by then.
    fn of_class(&self, class: Spot, seen: &mut Vec<Spot>, met: &mut Met) -> Option<bool> {
        let Names { texts, syntax, .. } = &self.names;
        if seen.contains(&class) {
            return None;
        }
        if seen.len() == CLASSES {
            met.lacks = true;
            return None;
        }
        seen.push(class);
        let mut ahead = 2;
        let mut is_argument = false;
        let before = |ahead: usize| texts.at(class.plus(ahead - 1));
        let is_inner = |ahead: usize| [syntax.comma, syntax.opening[0]].contains(&before(ahead));
        while ahead < STATEMENT && (texts.at(class.plus(ahead)) != syntax.eol || is_inner(ahead)) {
            let (token, next) = (texts.at(class.plus(ahead)), texts.at(class.plus(ahead + 1)));
            let ends = [syntax.comma, syntax.closing[0]].contains(&next);
            let is_none = [syntax.comma, syntax.closing[0]].contains(&token);
            let is_enum = ends && syntax.enums.contains(&token);
            let known = syntax.of_enum.iter().filter(|_| is_enum);
            known.for_each(|&name| met.meet_once(name, OF_ENUM));
            let is_known = is_enum || syntax.memberless.contains(&token);
            if ends && !is_none && !is_argument && !is_known {
                let base = self.names.is_name(token).then(|| self.base(class, token));
                match base.flatten() {
                    Some(base) => _ = self.of_class(base, seen, met),
                    None => met.lacks = true,
                }
            }
            // `metaclass=M`
            is_argument = token == syntax.equals || is_argument && token != syntax.comma;
            ahead += 1;
        }
        let file = texts.file_of(class);
        met.is_loose |= !file.is_some_and(|file| texts.is_outline(file));
        let end = texts.len(class.side);
        self.of_body(class.plus(ahead)..Spot { at: end, ..class }, false, met)
    }

    /// The class that another one names as its base.
    fn base(&self, class: Spot, name: u32) -> Option<Spot> {
        let Names { texts, syntax, .. } = &self.names;
        if class.side == Side::Here {
            return match self.names.of_chain(&[name], class.at, 0)? {
                Meaning::Class(base) => Some(base),
                _ => texts.declared(syntax.class, name),
            };
        }
        self.names.class_named(name, texts.file_of(class))
    }

    /// Members of a class whose body goes on in `range`. If it has not ended there, whether it has a function by then.
    fn of_body(&self, range: Range<Spot>, mut has_function: bool, met: &mut Met) -> Option<bool> {
        let Names { texts, syntax, .. } = &self.names;
        let (mut is_begun, mut is_static) = (true, false);
        let (start, end) = (range.start, range.end.at);
        let reached = start.at + REACH;
        for at in start.at..end.saturating_sub(2).min(reached) {
            let spot = Spot { at, ..start };
            let [token, next, third] = [0, 1, 2].map(|k| texts.at(spot.plus(k)));
            if is_begun && token == syntax.class || token == syntax.start {
                return None;
            }
            if syntax.own.contains(&token) && next == syntax.dot {
                met.meet(third);
            } else if token == syntax.def && third == syntax.opening[0] {
                met.lacks |= syntax.dynamic.contains(&next);
                let first = texts.at(spot.plus(3));
                if syntax.own.contains(&first) || is_static {
                    met.meet(next);
                }
                (has_function, is_static) = (true, false);
            } else if is_begun && !has_function && [syntax.equals, syntax.colon].contains(&next) {
                met.meet(token);
            } else if token == syntax.at && next == syntax.staticmethod {
                is_static = true;
            }
            is_begun = token == syntax.eol;
        }
        met.lacks |= end > reached;
        (end <= reached).then_some(has_function)
    }

    /// The modules in a package.
    fn of_package(&self, package: Option<u32>, met: &mut Met) {
        let texts = &self.names.texts;
        let modules = package.map_or_else(Vec::new, |package| texts.modules(package));
        for module in modules {
            met.meet_once(module, 1.0);
        }
        met.lacks = true;
    }

    /// What the module of an import has that is not imported yet.
    fn of_import(&self, statement: Statement, last: usize, met: &mut Met) {
        if let Some(file) = self.names.module_of(statement) {
            self.of_module(file, &mut Vec::new(), met);
        } else {
            // A folder may be a package without a file of its own.
            self.of_package(self.names.package_of(statement), met);
        }
        for at in statement.import + 1..last {
            met.counts.remove(&self.here(at));
        }
    }

    /// What a module defines, what it takes over from others of its package, and the modules in it if it is a package.
    fn of_module(&self, file: usize, seen: &mut Vec<usize>, met: &mut Met) {
        if seen.contains(&file) {
            return;
        }
        if seen.len() > FOLLOWED && !self.names.may_scan() {
            met.lacks = true;
            return;
        }
        seen.push(file);
        let Names { texts, syntax, .. } = &self.names;
        let (name, range) = texts.file(file);
        for module in texts.modules(name) {
            met.meet_once(module, MODULE);
        }
        let is_outline = texts.is_outline(file);
        met.is_loose |= !is_outline;
        met.lacks |= range.is_empty() || range.len() > REACH;
        let at_or_end = |at: usize| {
            if at < range.end {
                texts.at(Spot::around(at))
            } else {
                syntax.eol
            }
        };
        let (mut is_begun, mut has_function, mut has_class) = (true, false, false);
        for at in range.start + 1..range.end.min(range.start + REACH) {
            let [token, next, third, fourth] = [at, at + 1, at + 2, at + 3].map(at_or_end);
            if is_begun && token == syntax.class {
                (has_function, has_class) = (true, true);
                met.meet_once(next, 1.0);
            } else if token == syntax.def && third == syntax.opening[0] {
                has_function = true;
                met.lacks |= syntax.dynamic.contains(&next) && !has_class;
                // In an outline the classes stand last; elsewhere the first parameter has to tell.
                let is_method = if is_outline {
                    has_class
                } else {
                    syntax.own.contains(&fourth)
                };
                if !is_method {
                    met.meet_once(next, 1.0);
                }
            } else if is_begun && !has_function && next == syntax.equals {
                met.meet_once(token, ASSIGNED);
            }
            is_begun = token == syntax.eol;
        }
        self.names.each_taken(file, &mut |taken| {
            if !taken.is_all {
                // `import posixpath as path` is meant to be had from here, `import sys` is not.
                if taken.is_own || taken.member.is_none() {
                    let is_use = taken.is_own && !texts.is_package(file);
                    met.meet_once(taken.bound, if is_use { TAKEN } else { 1.0 });
                }
                return;
            }
            let other = self.names.other(file, taken);
            match other {
                Some(other) => {
                    let mut all = Met::default();
                    self.of_module(other, seen, &mut all);
                    all.counts.retain(|&name, _| !self.names.is_private(name));
                    for (name, counts) in all.counts {
                        met.meet_once(name, counts);
                    }
                    met.lacks |= all.lacks;
                    met.is_loose |= all.is_loose;
                    met.is_partial |= all.is_partial;
                }
                None => met.is_partial = true,
            }
        });
    }

    /// The parameters of the function that is being called, but those that are given already.
    fn of_call(&self, last: usize, met: &mut Met) {
        let syntax = self.names.syntax;
        let mut depth = 0;
        let mut given = Vec::new();
        for at in (last.saturating_sub(STATEMENT)..=last).rev() {
            let token = self.here(at);
            if syntax.closing.contains(&token) {
                depth += 1;
            } else if syntax.opening.contains(&token) && depth > 0 {
                depth -= 1;
            } else if token == syntax.opening[0] {
                self.parameters(at, met);
                break;
            } else if syntax.opening.contains(&token)
                || token == syntax.eol && depth == 0 && !self.names.is_inner_end(at)
            {
                return;
            } else if depth == 0 && token == syntax.equals && at > 0 {
                given.push(self.here(at - 1));
            }
        }
        met.lacks = true; // any value may stand there
        given.iter().for_each(|name| {
            met.counts.remove(name);
        });
    }

    /// The parameters of what is called by the bracket at a position: a function, or a class's constructor.
    fn parameters(&self, bracket: usize, met: &mut Met) {
        let Names { texts, syntax, .. } = &self.names;
        let Some(name) = bracket.checked_sub(1) else {
            return;
        };
        let before = name.checked_sub(1).map(|before| self.here(before));
        if before == Some(syntax.def) || before == Some(syntax.class) {
            return;
        }
        let chain = self.names.chain(bracket);
        let meaning = chain.and_then(|(first, names)| self.names.of_chain(&names, first, 0));
        let called = self.here(name);
        let meaning = meaning.or_else(|| {
            // Whatever it belongs to, somebody may have declared it.
            let function = texts.declared(syntax.def, called);
            let class = || texts.declared(syntax.class, called);
            function
                .map(Meaning::Function)
                .or_else(|| class().map(Meaning::Class))
        });
        let function = match meaning {
            Some(Meaning::Function(function)) => Some(function),
            Some(Meaning::Class(class)) => self.constructor(class),
            _ => None,
        };
        if let Some(function) = function {
            self.parameters_of(function, met);
        }
    }

    /// The constructor of a class, or of the first of its bases that has one.
    fn constructor(&self, class: Spot) -> Option<Spot> {
        let Names { texts, syntax, .. } = &self.names;
        let mut class = class;
        for _ in 0..CLASSES {
            let body = (2..REACH).map(|ahead| class.plus(ahead));
            let mut body = body.take_while(|&spot| {
                let before = Spot {
                    at: spot.at - 1,
                    ..spot
                };
                let begins = texts.at(spot) == syntax.class && texts.at(before) == syntax.eol;
                spot.at < texts.len(spot.side) && !begins && texts.at(spot) != syntax.start
            });
            let is_it = |&spot: &Spot| {
                texts.at(spot) == syntax.def && texts.at(spot.plus(1)) == syntax.init
            };
            if let Some(constructor) = body.find(is_it) {
                return Some(constructor);
            }
            let [bracket, base, end] = [2, 3, 4].map(|ahead| texts.at(class.plus(ahead)));
            let is_one =
                bracket == syntax.opening[0] && [syntax.comma, syntax.closing[0]].contains(&end);
            class = is_one.then(|| self.base(class, base))??;
        }
        None
    }

    fn parameters_of(&self, function: Spot, met: &mut Met) {
        let Names { texts, syntax, .. } = &self.names;
        let (mut depth, mut ahead) = (1, 3);
        let mut is_first = true;
        while depth > 0 && ahead < STATEMENT {
            let (token, next) = (
                texts.at(function.plus(ahead)),
                texts.at(function.plus(ahead + 1)),
            );
            if syntax.opening.contains(&token) {
                depth += 1;
            } else if syntax.closing.contains(&token) {
                depth -= 1;
            }
            let ends = [syntax.comma, syntax.equals, syntax.colon, syntax.closing[0]];
            if depth == 1 && is_first && ends.contains(&next) && !syntax.own.contains(&token) {
                met.meet(token);
            }
            let is_inner_end = is_first && token == syntax.eol;
            is_first = depth == 1 && (token == syntax.comma || is_inner_end);
            ahead += 1;
        }
    }
}
