//! The names that fit a place by what was declared: members of a class or a module behind a dot, what a module has behind
//! `from module import`, and the parameters of a function in its call.
//!
//! Tokens know no indentation, and a buffer is seldom whole: a class ends where the next one begins, its members are the
//! functions whose first parameter is `self` or `cls`, what is assigned before the first of them, and whatever stands
//! behind `self.`. That finds nearly all, and on broken code too.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::document::Document;
use super::surroundings::Surroundings;
use super::syntax::Syntax;

/// Tokens that are looked at for one declaration.
const REACH: usize = 6000;
/// Earlier places of a name that are asked what it is.
const LOOKED_AT: usize = 64;
/// Classes that are looked at together: one, its bases and theirs.
const CLASSES: usize = 8;
/// Tokens of a call that are looked at.
const CALL: usize = 400;

/// Tokens by position: a document's or its surroundings', each with numbers of their own.
trait Text {
    fn len(&self) -> usize;
    fn at(&self, position: usize) -> u32;
    /// Whether it is the document.
    fn is_here(&self) -> bool;
    /// Where a keyword stands that declares a name: the nearest place.
    fn declared(&self, keyword: u32, name: u32) -> Option<usize>;
    /// A token as a candidate.
    fn candidate(&self, token: u32) -> usize;
}

/// A document, in its candidates' numbers.
struct Here<'a> {
    document: &'a Document,
    vocabulary_size: usize,
}

/// What is around it, in its own.
struct Around<'a> {
    document: &'a Document,
    surroundings: &'a Surroundings,
    vocabulary_size: usize,
}

impl Text for Here<'_> {
    fn is_here(&self) -> bool {
        true
    }

    fn len(&self) -> usize {
        self.document.len()
    }

    fn at(&self, position: usize) -> u32 {
        self.document.token(position, self.vocabulary_size)
    }

    fn declared(&self, keyword: u32, name: u32) -> Option<usize> {
        let mut before = self.places(name).filter_map(|place| place.checked_sub(1));
        before.find(|&before| self.at(before) == keyword)
    }

    fn candidate(&self, token: u32) -> usize {
        token as usize
    }
}

impl Here<'_> {
    /// The latest places of a name.
    fn places(&self, name: u32) -> impl Iterator<Item = usize> {
        let word = match (name as usize).checked_sub(self.vocabulary_size) {
            Some(word) => Some(word),
            None => self.document.word(name),
        };
        let places = word.map(|word| self.document.places(word).take(LOOKED_AT));
        places.into_iter().flatten()
    }
}

impl Around<'_> {
    /// The number here of a token of the document.
    fn token(&self, token: u32) -> Option<u32> {
        self.document.around(token, self.vocabulary_size)
    }
}

impl Text for Around<'_> {
    fn is_here(&self) -> bool {
        false
    }

    fn len(&self) -> usize {
        self.surroundings.len()
    }

    fn at(&self, position: usize) -> u32 {
        self.surroundings.tokens()[position]
    }

    fn declared(&self, keyword: u32, name: u32) -> Option<usize> {
        self.surroundings.declared(keyword, name)
    }

    fn candidate(&self, token: u32) -> usize {
        self.document.candidate_of(token, self.vocabulary_size)
    }
}

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

/// How many kinds of places there are.
pub(super) const PLACES: usize = 5;

/// What may stand at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    /// Candidates, ascending, and their shares.
    pub(super) shares: Vec<(usize, f32)>,
    /// One at the kind of place, if it is any of these.
    pub(super) place: [f32; PLACES],
}

/// Classes that have been looked at: whether they are here, and where.
type Seen = Vec<(bool, usize)>;
/// Names and how often each was met.
type Met = FxHashMap<usize, f32>;

/// The names that fit behind the last token of `document`; none where nothing was declared that would tell.
pub(super) fn members(document: &Document, vocabulary_size: usize, syntax: &Syntax) -> Members {
    let search = Search {
        here: Here {
            document,
            vocabulary_size,
        },
        around: document.surroundings().map(|surroundings| Around {
            document,
            surroundings,
            vocabulary_size,
        }),
        syntax,
    };
    let mut met = Met::default();
    let place = search.last(&mut met);
    met.retain(|&candidate, _| search.is_name(candidate as u32));
    let total: f32 = met.values().sum();
    let mut members = Members::default();
    if let Some(place) = place.filter(|_| total > 0.0) {
        members.place[place as usize] = 1.0;
        members.shares = met
            .into_iter()
            .map(|(name, count)| (name, count / total))
            .collect();
        members
            .shares
            .sort_unstable_by_key(|&(candidate, _)| candidate);
    }
    members
}

struct Search<'a> {
    here: Here<'a>,
    around: Option<Around<'a>>,
    syntax: &'a Syntax,
}

impl Search<'_> {
    fn last(&self, met: &mut Met) -> Option<Place> {
        let (syntax, len) = (self.syntax, self.here.len());
        let mut last = len.checked_sub(1)?;
        if self.is_inner_end(last) {
            last -= 1;
        }
        let token = self.here.at(last);
        if token == syntax.dot && last > 0 {
            Some(self.behind_dot(self.here.at(last - 1), last - 1, met))
        } else if token == syntax.import || token == syntax.comma || token == syntax.opening[0] {
            if let Some(module) = self.imported_from(last) {
                self.of_module(module, met);
                return Some(Place::Import);
            }
            self.of_call(last, met);
            Some(Place::Call)
        } else {
            None
        }
    }

    /// Whether a line ends here inside brackets, as far as the token before it tells.
    fn is_inner_end(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.here.at(before));
        let goes_on =
            before.is_some_and(|b| b == self.syntax.comma || self.syntax.opening.contains(&b));
        goes_on && self.here.at(at) == self.syntax.eol
    }

    /// Members of what a name stands for.
    fn behind_dot(&self, name: u32, at: usize, met: &mut Met) -> Place {
        let syntax = self.syntax;
        if at > 0 && self.here.at(at - 1) == syntax.dot {
            return Place::Class; // an attribute's attribute: nothing tells
        }
        if name == syntax.from {
            self.of_module(syntax.dot, met);
            return Place::Module;
        }
        if name == syntax.dot {
            return Place::Module; // `from ..`: nothing tells what that is
        }
        if syntax.own.contains(&name) {
            if let Some(class) = enclosing_class(&self.here, syntax, at) {
                let is_written = self.of_class_at(&self.here, class, &mut Seen::new(), met);
                // It goes on below.
                if let (Some(has_function), Some(around)) = (is_written, &self.around) {
                    let below = 0..around.surroundings.below();
                    self.of_body(around, below, has_function, met);
                }
            }
            return Place::Own;
        }
        let name = self.meant_by(name);
        if self.of_class(name, &mut Seen::new(), met) {
            return Place::Class;
        }
        for place in self.here.places(name).filter(|&place| place < at) {
            if place > 0 && self.here.at(place - 1) == syntax.dot || place + 2 >= at {
                continue;
            }
            let next = self.here.at(place + 1);
            // `m.A` is `A`.
            let mut class = place + 2;
            while class + 2 < at && self.here.at(class + 1) == syntax.dot {
                class += 2;
            }
            let is_made = next == syntax.equals && self.here.at(class + 1) == syntax.opening[0];
            let class = self.meant_by(self.here.at(class));
            if (is_made || next == syntax.colon) && self.of_class(class, &mut Seen::new(), met) {
                return Place::Class;
            }
        }
        self.of_module(name, met);
        Place::Module
    }

    /// The name that another one was given in its place: `a` by `import a as b`.
    fn meant_by(&self, name: u32) -> u32 {
        let syntax = self.syntax;
        let mut places = self.here.places(name).filter(|&place| place > 1);
        let given = places.find(|&place| self.here.at(place - 1) == syntax.alias);
        let meant = given.map(|place| self.here.at(place - 2));
        meant.filter(|&meant| self.is_name(meant)).unwrap_or(name)
    }

    /// Whether a token of the document is a name that is not a keyword.
    fn is_name(&self, token: u32) -> bool {
        // Behind the vocabulary only names stand before `=`, `:` and `as`, or a literal that no one offers.
        token as usize >= self.here.vocabulary_size || self.syntax.is_name(token)
    }

    /// Members of a class of this name, here or around; whether there is one.
    fn of_class(&self, name: u32, seen: &mut Seen, met: &mut Met) -> bool {
        let syntax = self.syntax;
        if let Some(class) = self.here.declared(syntax.class, name) {
            self.of_class_at(&self.here, class, seen, met);
            return true;
        }
        if let Some(around) = &self.around
            && let Some(token) = around.token(name)
            && let Some(class) = around.declared(syntax.class, token)
        {
            self.of_class_at(around, class, seen, met);
            return true;
        }
        false
    }

    /// Members of the class whose keyword stands at `class`, and of its bases. If it has not ended with the text, whether it
    /// has a function by then.
    fn of_class_at(
        &self,
        text: &impl Text,
        class: usize,
        seen: &mut Seen,
        met: &mut Met,
    ) -> Option<bool> {
        let syntax = self.syntax;
        if seen.len() == CLASSES || seen.contains(&(text.is_here(), class)) {
            return None;
        }
        seen.push((text.is_here(), class));
        let mut at = class + 2;
        while at < text.len() && text.at(at) != syntax.eol && at < class + CALL {
            let token = text.at(at);
            let ends =
                at + 1 < text.len() && [syntax.comma, syntax.closing[0]].contains(&text.at(at + 1));
            if ends && token != syntax.closing[0] {
                // A base's own number, as one of here.
                let candidate = text.candidate(token);
                if candidate < self.here.vocabulary_size + self.here.document.words().len() {
                    self.of_class(candidate as u32, seen, met);
                } else if let Some(around) = &self.around
                    && let Some(base) = around.declared(syntax.class, token)
                {
                    self.of_class_at(around, base, seen, met);
                }
            }
            at += 1;
        }
        self.of_body(text, at..text.len(), false, met)
    }

    /// Members of a class whose body goes on in `range`. If it has not ended there, whether it has a function by then.
    fn of_body(
        &self,
        text: &impl Text,
        range: Range<usize>,
        mut has_function: bool,
        met: &mut Met,
    ) -> Option<bool> {
        let syntax = self.syntax;
        let mut meet = |token: u32| *met.entry(text.candidate(token)).or_default() += 1.0;
        let (mut is_begun, mut is_static) = (true, false);
        let reached = range.start + REACH;
        for at in range.start..range.end.saturating_sub(2).min(reached) {
            let [token, next, third] = [text.at(at), text.at(at + 1), text.at(at + 2)];
            if is_begun && token == syntax.class || token == syntax.start {
                return None;
            }
            if syntax.own.contains(&token) && next == syntax.dot {
                meet(third);
            } else if token == syntax.def && third == syntax.opening[0] {
                let first = if at + 3 < range.end {
                    text.at(at + 3)
                } else {
                    token
                };
                if syntax.own.contains(&first) || is_static {
                    meet(next);
                }
                (has_function, is_static) = (true, false);
            } else if is_begun && !has_function && [syntax.equals, syntax.colon].contains(&next) {
                meet(token);
            } else if token == syntax.at && next == syntax.staticmethod {
                is_static = true;
            }
            is_begun = token == syntax.eol;
        }
        (range.end <= reached).then_some(has_function)
    }

    /// The last part of the module whose names are being imported, if the last token stands in such a statement.
    fn imported_from(&self, last: usize) -> Option<u32> {
        let syntax = self.syntax;
        let back = (last.saturating_sub(CALL)..=last).rev();
        let mut import = None;
        for at in back {
            let token = self.here.at(at);
            if token == syntax.import {
                import = Some(at);
            } else if token == syntax.from {
                let module = import?.checked_sub(1).filter(|&module| module > at)?;
                let name = self.here.at(module);
                // `from .. import`: nothing tells what that is.
                return Some(name).filter(|&name| name != syntax.dot || module == at + 1);
            } else if token == syntax.def
                || token == syntax.class
                || token == syntax.eol && (import.is_some() || !self.is_inner_end(at))
            {
                return None;
            }
        }
        None
    }

    /// What a file around has whose module is called so, and the modules in it if it is a package; `.` is the document's own.
    fn of_module(&self, name: u32, met: &mut Met) {
        let Some(around) = &self.around else {
            return;
        };
        let package = if name == self.syntax.dot {
            None
        } else {
            let Some(token) = around.token(name) else {
                return;
            };
            Some(token)
        };
        let mut meet = |token: u32| *met.entry(around.candidate(token)).or_default() += 1.0;
        let modules = around.surroundings.modules(package);
        modules.for_each(&mut meet);
        let file = package.and_then(|token| around.surroundings.file(token));
        if let Some(file) = file {
            self.of_file(around, file, &mut meet);
        }
    }

    /// What a module defines, and what it takes over from others of its package.
    fn of_file(&self, around: &Around<'_>, file: &Range<usize>, meet: &mut impl FnMut(u32)) {
        let syntax = self.syntax;
        let at_or_end = |at: usize| {
            if at < file.end {
                around.at(at)
            } else {
                syntax.eol
            }
        };
        let (mut is_begun, mut has_function) = (true, false);
        let (mut is_relative, mut takes_over) = (false, false);
        for at in file.start + 1..file.end.min(file.start + REACH) {
            let [token, next, third, fourth] = [at, at + 1, at + 2, at + 3].map(at_or_end);
            let ends = token == syntax.eol;
            if is_begun && token == syntax.class {
                has_function = true;
                meet(next);
            } else if token == syntax.def && third == syntax.opening[0] {
                has_function = true;
                if !syntax.own.contains(&fourth) {
                    meet(next);
                }
            } else if is_begun && !has_function && next == syntax.equals {
                meet(token);
            } else if is_begun && token == syntax.from {
                is_relative = next == syntax.dot;
            } else if token == syntax.import {
                takes_over = is_relative;
            } else if takes_over && [syntax.comma, syntax.closing[0], syntax.eol].contains(&next) {
                meet(token);
            }
            if ends && ![syntax.comma, syntax.opening[0]].contains(&around.at(at - 1)) {
                (is_relative, takes_over) = (false, false);
            }
            is_begun = ends;
        }
    }

    /// The parameters of the function that is being called, but those that are given already.
    fn of_call(&self, last: usize, met: &mut Met) {
        let syntax = self.syntax;
        let mut depth = 0;
        let mut given = Vec::new();
        for at in (last.saturating_sub(CALL)..=last).rev() {
            let token = self.here.at(at);
            if syntax.closing.contains(&token) {
                depth += 1;
            } else if syntax.opening.contains(&token) && depth > 0 {
                depth -= 1;
            } else if token == syntax.opening[0] {
                let Some(name) = at.checked_sub(1) else {
                    return;
                };
                let before = name.checked_sub(1).map(|before| self.here.at(before));
                if before != Some(syntax.def) && before != Some(syntax.class) {
                    self.parameters(self.meant_by(self.here.at(name)), met);
                }
                break;
            } else if syntax.opening.contains(&token)
                || token == syntax.eol && depth == 0 && !self.is_inner_end(at)
            {
                return;
            } else if depth == 0 && token == syntax.equals && at > 0 {
                given.push(self.here.at(at - 1) as usize);
            }
        }
        given.iter().for_each(|name| {
            met.remove(name);
        });
    }

    /// The parameters of a function or a class's constructor, here or around.
    fn parameters(&self, name: u32, met: &mut Met) {
        if self.parameters_in(&self.here, name, met) {
            return;
        }
        if let Some(around) = &self.around
            && let Some(token) = around.token(name)
        {
            self.parameters_in(around, token, met);
        }
    }

    fn parameters_in(&self, text: &impl Text, name: u32, met: &mut Met) -> bool {
        let syntax = self.syntax;
        let function = text.declared(syntax.def, name).or_else(|| {
            let class = text.declared(syntax.class, name)?;
            let until = text.len().saturating_sub(1).min(class + REACH);
            (class + 2..until)
                .take_while(|&at| text.at(at) != syntax.class || text.at(at - 1) != syntax.eol)
                .find(|&at| text.at(at) == syntax.def && text.at(at + 1) == syntax.init)
        });
        let Some(function) = function else {
            return false;
        };
        let (mut depth, mut at) = (1, function + 3);
        let mut is_first = true;
        while at + 1 < text.len() && depth > 0 && at < function + CALL {
            let token = text.at(at);
            if syntax.opening.contains(&token) {
                depth += 1;
            } else if syntax.closing.contains(&token) {
                depth -= 1;
            }
            let next = text.at(at + 1);
            let ends = [syntax.comma, syntax.equals, syntax.colon, syntax.closing[0]];
            if depth == 1 && is_first && ends.contains(&next) && !syntax.own.contains(&token) {
                *met.entry(text.candidate(token)).or_default() += 1.0;
            }
            let is_inner_end = is_first && token == syntax.eol;
            is_first = depth == 1 && (token == syntax.comma || is_inner_end);
            at += 1;
        }
        true
    }
}

/// The class that a place is in: where its keyword stands.
fn enclosing_class(text: &impl Text, syntax: &Syntax, at: usize) -> Option<usize> {
    let mut back = (at.saturating_sub(REACH)..at).rev();
    back.find(|&at| {
        text.at(at) == syntax.class
            && (at == 0 || [syntax.eol, syntax.start].contains(&text.at(at - 1)))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use insta::assert_snapshot;

    use super::*;
    use crate::project::{self, Imports, Project};
    use crate::python;
    use crate::vocabulary::Vocabulary;

    const KNOWN: &str =
        "<s> <EOL> class def self cls __init__ staticmethod from import as ( ) [ ] , . : = @ name";

    /// What is met at the end of `text`, in a project of `files`.
    fn check(files: &[(&str, &str)], text: &str) -> String {
        check_above("", files, text)
    }

    /// The same where something stands below it.
    fn check_above(below: &str, files: &[(&str, &str)], text: &str) -> String {
        let known = KNOWN.split(' ').map(|token| (token.to_owned(), 1));
        let vocabulary = Vocabulary::from_counts(known, 100);
        let tokens = |text: &str| {
            let mut tokens = vec![python::START.to_owned()];
            for token in python::Reader::default().context(text, text.len()).tokens {
                let mut surface = String::new();
                python::surface(text, *token, &mut surface);
                tokens.push(surface);
            }
            tokens
        };
        let mut project = Project::new(&vocabulary);
        for (path, text) in files {
            let tokens = tokens(text);
            project.insert(
                path,
                tokens.iter().map(|token| (vocabulary.id(token), &**token)),
            );
        }
        let tokens = tokens(text);
        let imports = Imports::of(tokens.iter().map(|t| &**t));
        let mut document = Document::new();
        let below = project.below(&vocabulary, below, 0);
        let near = project.nearest("w/main.py", &imports);
        let around = project::Around {
            below,
            near,
            ..project::Around::default()
        };
        let surroundings = project.surroundings("w/main.py", &around);
        document.surround(Some(Arc::new(surroundings)));
        for token in &tokens {
            document.push(vocabulary.id(token), token, python::is_name(token));
        }
        let size = vocabulary.len();
        let found = members(&document, size, &Syntax::new(&vocabulary)).shares;
        let least = found.iter().map(|&(_, share)| share).fold(1.0, f32::min);
        let mut met: Vec<String> = found
            .into_iter()
            .map(|(candidate, share)| {
                let words = document.words();
                let name = match candidate.checked_sub(size) {
                    None => vocabulary.token(candidate as u32).unwrap(),
                    Some(word) if word < words.len() => &words[word].text,
                    Some(beyond) => &document.surroundings().unwrap().names()[beyond - words.len()],
                };
                format!("{name} {:.0}", share / least)
            })
            .collect();
        met.sort();
        met.join(", ")
    }

    const CLASS: &str = "class Base:\n    def of_base(self): pass\nclass A(Base):\n    kind: int = 1\n    B = 2\n    def __init__(self, first, *rest, name=None):\n        self.x = self.x + first\n        local = 1\n    @staticmethod\n    def still(): pass\n";

    #[test]
    fn a_class_has_what_is_declared_in_it_and_in_its_bases() {
        assert_snapshot!(check(&[], &format!("{CLASS}A.")), @"B 1, __init__ 1, kind 1, of_base 1, still 1, x 2");
        assert_snapshot!(check(&[], &format!("{CLASS}    def more(self):\n        self.")), @"B 1, __init__ 1, kind 1, more 1, of_base 1, still 1, x 2");
        assert_snapshot!(check(&[], &format!("{CLASS}def f(a: A):\n    a.")), @"B 1, __init__ 1, kind 1, of_base 1, still 1, x 2");
        assert_snapshot!(check(&[("p/models.py", CLASS)], "from p.models import A\na = A(1)\nb = a.c\na."), @"B 1, __init__ 1, kind 1, of_base 1, still 1, x 2");
        assert_snapshot!(check(&[("p/models.py", CLASS)], "import p.models\na = p.models.A(1)\na."), @"B 1, __init__ 1, kind 1, of_base 1, still 1, x 2");
        assert_snapshot!(check(&[("p/models.py", CLASS)], "from p.models import Base as X\na: X\na."), @"of_base 1");
        assert_snapshot!(check(&[("p/models.py", CLASS)], "from p.models import Base\nclass C(Base):\n    def f(self): self."), @"f 1, of_base 1");
        assert_snapshot!(check(&[], &format!("{CLASS}b.")), @"");
        assert_snapshot!(check(&[], "class A(A, B, A, m.A):\n    x = 1\nclass B(A): pass\nA."), @"x 1");
    }

    #[test]
    fn a_module_has_what_it_defines() {
        let module = "LIMIT = 1\nimport os\ndef run(self_, x):\n    y = 1\nclass Runner:\n    def go(self): pass\nasync def wait(): pass\n";
        for text in [
            "import p.work as w\nfrom p.work import ",
            "from .work import (run,\n    ",
            "from p import work\nwork.",
            "from p import work as w\nw.",
            "import p.work as w\nw.",
        ] {
            assert_eq!(
                check(&[("p/work.py", module)], text),
                "LIMIT 1, Runner 1, run 1, wait 1",
                "{text}"
            );
        }
        assert_snapshot!(check(&[("p/work.py", module)], "from p.other import "), @"");
    }

    #[test]
    fn a_package_has_its_modules_and_what_it_takes_over() {
        let package = "from .work import (run,\n    Runner as Go\n)\nfrom os import path\nX = 1\nfrom .more import last\n";
        let files = [
            ("p/__init__.py", package),
            ("p/work.py", ""),
            ("p/q/__init__.py", ""),
            ("q/other.py", ""),
        ];
        for text in ["from p import ", "import p\np."] {
            assert_eq!(
                check(&files, text),
                "Go 1, X 1, last 1, q 1, run 1, work 1",
                "{text}"
            );
        }
        let beside = [
            ("w/near.py", ""),
            ("p/far.py", ""),
            ("w/0001_x.py", ""),
            ("w/my-script.py", ""),
        ];
        for text in ["from .. import ", "from ..", "from ...x import "] {
            assert_eq!(check(&beside, text), "", "{text}");
        }
        for text in ["from . import ", "from ."] {
            assert_eq!(check(&beside, text), "near 1", "{text}");
        }
    }

    #[test]
    fn what_stands_below_belongs_to_it() {
        let below = "        self.y = 1\n    def late(self): pass\nclass B:\n    def other(self): pass\ndef g(p, q): pass\n";
        for (text, expected) in [
            (
                "class A:\n    def f(self):\n        self.",
                "f 1, late 1, y 1",
            ),
            ("class A:\n    x = 1\na = A.", "a 1, x 1"),
            ("b = B()\nb.", "other 1"),
            ("g(", "p 1, q 1"),
        ] {
            assert_eq!(check_above(below, &[], text), expected, "{text}");
        }
    }

    #[test]
    fn a_call_has_the_parameters_that_are_not_given() {
        assert_snapshot!(check(&[], &format!("{CLASS}a = A(")), @"first 1, name 1");
        assert_snapshot!(check(&[], &format!("{CLASS}a = A(f(first=2), first=[1, 2],\n    ")), @"name 1");
        assert_snapshot!(check(&[("m.py", "def run(\n    x,\n    y: int = f(1, z), *,\n    name,\n): pass\n")], "run(1,"), @"name 1, x 1, y 1");
        assert_snapshot!(check(&[], "def f(x, "), @"");
        let run = [("m.py", "def run(x): pass\ny = 1\n")];
        assert_snapshot!(check(&run, "from m import run\nrun("), @"x 1");
    }
}
