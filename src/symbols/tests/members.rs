//! Members found at a position, with a vocabulary that contains little more than the syntax.

use std::sync::Arc;

use insta::assert_snapshot;

use crate::context::{BufferNames, BufferTokens, CandidateSpace, ImportableModules, Syntax};
use crate::python;
use crate::symbols::{Names, Numbering, members};
use crate::tokenizer::{TokenId, Vocabulary};
use crate::workspace::{self, Imports, WorkspaceIndex};

const OF_COMPLETE: f32 = 0.97;
const OF_MOST: f32 = 0.6;

const KNOWN: &str = "<s> <EOL> class def self cls __init__ staticmethod from import as for yield ( ) [ ] , . ... : = @ * -> object Enum await name value __getattr__ return None if while { } ; lambda with globals ** async";

/// The names found at the end of `text`, in a project of `files`.
fn check(files: &[(&str, &str)], text: &str) -> String {
    check_above("", files, text)
}

/// The same with text after the cursor.
fn check_above(below: &str, files: &[(&str, &str)], text: &str) -> String {
    found(below, files, &[], false, text).0
}

/// The same in a buffer with known indentation.
fn check_indented(below: &str, files: &[(&str, &str)], text: &str) -> String {
    let case = Case {
        below,
        files,
        installed: &[],
        is_read: true,
        is_indented: true,
    };
    at_end(&case, text).0
}

/// The same with installed modules (by dotted name) and, on request, with project files read from text. Also returns the
/// minimum share of members.
fn found(
    below: &str,
    files: &[(&str, &str)],
    installed: &[(&str, &str)],
    is_read: bool,
    text: &str,
) -> (String, f32) {
    let case = Case {
        below,
        files,
        installed,
        is_read,
        is_indented: false,
    };
    at_end(&case, text)
}

struct Case<'a> {
    below: &'a str,
    files: &'a [(&'a str, &'a str)],
    installed: &'a [(&'a str, &'a str)],
    /// Project files are read from text, not from tokens without indentation.
    is_read: bool,
    /// The buffer has known indentation.
    is_indented: bool,
}

#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn at_end(case: &Case<'_>, text: &str) -> (String, f32) {
    let known = KNOWN.split(' ').map(|token| (token.to_owned(), 1));
    let vocabulary = Vocabulary::from_counts(known, 100);
    let tokens = |text: &str| {
        let mut tokens = vec![(python::START.to_owned(), None)];
        for token in python::IncrementalLexer::default()
            .context(text, text.len())
            .tokens
        {
            tokens.push((python::spelling(text, *token), python::column(text, *token)));
        }
        tokens
    };
    let mut project = WorkspaceIndex::new(&vocabulary);
    for (path, text) in case.files {
        if case.is_read {
            project.read(&vocabulary, path, text);
        } else {
            let tokens = tokens(text);
            let tokens = tokens
                .iter()
                .map(|(token, _)| (vocabulary.id(token), &**token));
            project.insert(path, tokens);
        }
    }
    let library = |name: &str| format!("/lib/{}.py", name.replace('.', "/"));
    for (name, text) in case.installed {
        project.read_library(&vocabulary, &library(name), text, name);
    }
    let libraries: Vec<String> = case
        .installed
        .iter()
        .map(|(name, _)| library(name))
        .collect();
    let buffer = tokens(text);
    let imports = Imports::of(buffer.iter().map(|(token, _)| &**token));
    let own = "w/main.py";
    let importable = ImportableModules {
        own: project.top_modules(),
        ..ImportableModules::default()
    };
    let suffix = if case.is_indented {
        let whole = format!("{text}\n{}", case.below);
        project.suffix(&vocabulary, &whole, text.len() + 1)
    } else {
        let tokens = tokens(case.below);
        let tokens = tokens
            .iter()
            .map(|(token, _)| (vocabulary.id(token), &**token));
        project.insert("below.py", tokens);
        let suffix = project.indexed_suffix("below.py", 0);
        project.remove("below.py");
        suffix
    };
    let imported = if case.is_read {
        project.imported(own, &imports)
    } else {
        Vec::new()
    };
    let around = workspace::ContextSelection {
        suffix,
        near: project.nearest(own, &imports),
        submodules: imported
            .iter()
            .flat_map(|path| project.modules_in(path))
            .collect(),
        imported,
        libraries: libraries.iter().map(|path| &**path).collect(),
        importable,
    };
    let surroundings = project.surroundings(own, &around);
    let mut document = BufferTokens::new();
    document.set_project(Arc::new(surroundings));
    for (token, column) in &buffer {
        let column = column.filter(|_| case.is_indented);
        let id = vocabulary.id(token);
        document.push(id, token, python::is_name(token), column);
    }
    let syntax = Syntax::new(&vocabulary);
    let space = CandidateSpace::new(vocabulary.len(), &document);
    let names = BufferNames {
        space,
        syntax: &syntax,
    };
    let found = members(names.resolver_inputs());
    let name = |name| match names.in_buffer(name).numbering() {
        Numbering::Vocabulary(id) => vocabulary.token(TokenId::new(id)).unwrap(),
        _ => space.spelling(names.candidate(name)).unwrap(),
    };
    // Most probable first; names with equal rounded percentages are sorted alphabetically.
    let mut met: Vec<(i64, &str)> = found
        .shares
        .iter()
        .map(|&(member, share)| (-(100.0 * share.ln()).round() as i64, name(member)))
        .collect();
    met.sort_unstable();
    let mut shown = String::new();
    let mut before = None;
    for (share, name) in met {
        match before.replace(share) {
            None => {}
            Some(before) if before == share => shown.push(' '),
            Some(_) => shown.push_str(" > "),
        }
        shown.push_str(name);
    }
    (shown, found.min_mass)
}

const CLASS: &str = "class Base:\n    def of_base(self): pass\nclass A(Base):\n    kind: int = 1\n    B = 2\n    def __init__(self, first, *rest, name=None):\n        self.x = self.x + first\n        local = 1\n    @staticmethod\n    def still(): pass\n";

#[test]
fn a_class_has_what_is_declared_in_it_and_in_its_bases() {
    assert_snapshot!(check(&[], &format!("{CLASS}A.")), @"x > B kind of_base still > __init__");
    assert_snapshot!(check(&[], &format!("{CLASS}    def more(self):\n        self.")), @"x > B __init__ kind more of_base still");
    assert_snapshot!(check(&[], &format!("{CLASS}def f(a: A):\n    a.")), @"x > B kind of_base still > __init__");
    assert_snapshot!(check(&[("p/models.py", CLASS)], "from p.models import A\na = A(1)\nb = a.c\na."), @"x > B kind of_base still > __init__");
    assert_snapshot!(check(&[("p/models.py", CLASS)], "import p.models\na = p.models.A(1)\na."), @"x > B kind of_base still > __init__");
    assert_snapshot!(check(&[("p/models.py", CLASS)], "from p.models import Base as X\na: X\na."), @"of_base");
    assert_snapshot!(check(&[("p/models.py", CLASS)], "from p.models import Base\nclass C(Base):\n    def f(self): self."), @"f of_base");
    assert_snapshot!(check(&[], &format!("{CLASS}b.")), @"");
    assert_snapshot!(check(&[], "class A(A, B, A, m.A):\n    x = 1\nclass B(A): pass\nA."), @"x");
}

#[test]
fn a_module_has_what_it_defines() {
    let module = "LIMIT = 1\nimport os\ndef run(self_, x):\n    y = 1\nclass Runner:\n    def go(self): pass\nasync def wait(): pass\n";
    for text in [
        "import p.work as w\nfrom p.work import ",
        "from p import work\nwork.",
        "from p import work as w\nw.",
        "import p.work as w\nw.",
    ] {
        assert_eq!(
            check(&[("p/work.py", module)], text),
            "Runner run wait > LIMIT",
            "{text}"
        );
    }
    assert_snapshot!(check(&[("w/work.py", module)], "from .work import (run,\n    "), @"Runner wait > LIMIT");
    assert_snapshot!(check(&[("p/work.py", module)], "from .work import "), @"");
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
        assert_eq!(check(&files, text), "Go last run > X q work", "{text}");
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
        assert_eq!(check(&beside, text), "near", "{text}");
    }
}

#[test]
fn what_stands_below_belongs_to_it() {
    let below = "        self.y = 1\n    def late(self): pass\nclass B:\n    def other(self): pass\ndef g(p, q): pass\n";
    for (text, expected) in [
        ("class A:\n    def f(self):\n        self.", "f late y"),
        ("class A:\n    x = 1\na = A.", "x"),
        ("b = B()\nb.", "other"),
        ("g(", "p q"),
    ] {
        assert_eq!(check_above(below, &[], text), expected, "{text}");
    }
}

#[test]
fn a_call_has_the_parameters_that_are_not_given() {
    assert_snapshot!(check(&[], &format!("{CLASS}a = A(")), @"first name");
    assert_snapshot!(check(&[], &format!("{CLASS}a = A(f(first=2), first=[1, 2],\n    ")), @"name");
    assert_snapshot!(check(&[("m.py", "def run(\n    x,\n    y: int = f(1, z), *,\n    name,\n): pass\n")], "run(1,"), @"name x y");
    assert_snapshot!(check(&[], "def f(x, "), @"");
    let run = [("m.py", "def run(x): pass\ny = 1\n")];
    assert_snapshot!(check(&run, "from m import run\nrun("), @"x");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn a_name_means_what_it_was_bound_to_last() {
    let files = [
        (
            "socket.py",
            "class socket:\n    def send(self): pass\ndef create(a) -> socket: pass\n",
        ),
        (
            "p/__init__.py",
            "from .core import *\nimport p.core as heart\nfrom . import more as other\n",
        ),
        (
            "p/core.py",
            "_own = 1\nclass Core:\n    def beat(self, rate): pass\n",
        ),
        (
            "p/more.py",
            "from .core import Core as Kern\ndef grow(by): pass\n",
        ),
    ];
    for (text, expected) in [
        ("import socket\nsocket.", "create socket"),
        ("import socket as s\ns.", "create socket"),
        ("from socket import socket\nsocket.", "send"),
        ("import socket\ns = socket.create(1)\ns.", "send"),
        ("import socket\nwith socket.socket() as s:\n    s.", "send"),
        (
            "import socket\nfrom x import socket\nsocket.send = 1\nsocket.",
            "send",
        ),
        ("import p\np.", "Core heart other > core more"),
        ("import p\np.heart.", "Core > _own"),
        ("import p\np.other.", "grow > Kern"),
        ("import p\nc = p.other.Kern()\nc.", "beat"),
        ("import p\np.Core.", "beat"),
        ("import p\np.Core.beat.", ""),
        ("import p\np.other.grow(", "by"),
        ("from p.more import grow\ngrow(", "by"),
        ("import p.", "core more"),
        ("import x, p.", "core more"),
        ("from p.", "core more"),
        ("from p import core\ndef f(c: core.Core):\n    c.", "beat"),
        (
            "class A:\n    def f(self):\n        self.c = Core()\n        self.c.",
            "beat",
        ),
        (
            "class A:\n    def f(self, x): pass\n    def g(self):\n        self.f(",
            "x",
        ),
        (
            "from socket import socket as S\n\nsocket = S(\"x\")\nsocket.",
            "send",
        ),
        (
            "from w.socket import socket\n\nsocket = socket(\"x\")\nsocket.",
            "send",
        ),
        ("import socket\ns = socket.create(1)[0]\ns.", ""),
        (
            "from socket import socket\ns = socket(\"x\").send()\ns.",
            "",
        ),
        ("f().", ""),
        ("x = x.y()\nx = x.y()\nx.", ""),
    ] {
        assert_eq!(check(&files, text), expected, "{text}");
    }
}

#[test]
fn what_is_installed_is_known_whole() {
    let installed = [
        (
            "os",
            "import posixpath as path\nclass DirEntry:\n    def stat(self): pass\ndef fork(cls): pass\n",
        ),
        ("posixpath", "def join(a): pass\n"),
        (
            "lib.core",
            "class Base: pass\nclass C(Base):\n    def m(self): pass\nclass D(Other):\n    def m(self): pass\n",
        ),
        ("lib.more", "from .core import *\n"),
        ("lib.part", "from _c import *\nX = 1\n"),
    ];
    for (text, expected, least) in [
        ("import os\nos.", "DirEntry fork path", OF_COMPLETE),
        ("import os\nos.path.", "join", OF_COMPLETE),
        ("from os import ", "DirEntry fork path", OF_COMPLETE),
        (
            "from os import DirEntry\nd: DirEntry\nd.",
            "stat",
            OF_COMPLETE,
        ),
        (
            "from os import DirEntry\ndef f():\n    d = DirEntry()\ndef g(d):\n    d.",
            "stat",
            0.0,
        ),
        (
            "from os import DirEntry\nd = DirEntry()\nfor d in x:\n    d.",
            "stat",
            0.0,
        ),
        ("import lib.core as c\nx = c.C()\nx.", "m", OF_COMPLETE),
        ("import lib.core as c\nx = c.D()\nx.", "m", 0.0),
        ("import lib.more as c\nc.", "Base C D", OF_COMPLETE),
        ("import lib.part as c\nc.", "X", OF_MOST),
        ("class A:\n    def f(self): pass\na = A()\na.", "f", OF_MOST),
        (
            "class A(Unknown):\n    def f(self): pass\na = A()\na.",
            "f",
            0.0,
        ),
    ] {
        let found = found("", &[], &installed, false, text);
        assert_eq!(found, (expected.to_owned(), least), "{text}");
    }
}

#[test]
fn imported_files_of_the_project_are_known_whole() {
    let files = [
        ("w/p/__init__.py", "from .store import Store\n"),
        (
            "w/p/store.py",
            "from enum import Enum\nfrom p.base import Base\ndef at(): pass\nclass Kind(Enum):\n    A = 1\n    def f(self): pass\nclass Store(Base):\n    def find(self):\n        self.at = 1\nlast = 1\n",
        ),
        ("w/p/base.py", "class Base:\n    def close(self): pass\n"),
        ("w/p/other.py", "class Other:\n    def close(self): pass\n"),
        (
            "w/beside.py",
            "def run(x): pass\ny = 1\nclass Loose:\n    at = 1\n    def __getattr__(self, name): pass\n",
        ),
        ("w/q/base.py", "class Base:\n    def wrong(self): pass\n"),
        ("w/p/sub/part.py", ""),
        ("w/tools/json.py", "wrong = 1\n"),
    ];
    for (text, expected, least) in [
        ("from beside import ", "Loose run > y", OF_COMPLETE),
        (
            "import p.store as s\ns.",
            "Kind Store at > last > Base",
            OF_COMPLETE,
        ),
        (
            "from p import ",
            "Store > base other store sub",
            OF_COMPLETE,
        ),
        ("from p.", "base other store sub", OF_COMPLETE),
        (
            "from p import Store\ns = Store()\ns.",
            "at close find",
            OF_COMPLETE,
        ),
        (
            "from p.store import Kind\nKind.",
            "A f > name > value",
            OF_COMPLETE,
        ),
        (
            "from p.store import Kind\nk: Kind\nk.",
            "A f > name > value",
            OF_COMPLETE,
        ),
        // A module of the same name elsewhere may or may not be the imported one.
        ("import json\njson.", "wrong", 0.0),
        (
            "from beside import Loose\nx = Loose()\nx.",
            "at > __getattr__",
            0.0,
        ),
        // It is not imported, so it is not certain.
        ("o = Other()\no.", "close", 0.0),
    ] {
        let found = found("", &files, &[], true, text);
        assert_eq!(found, (expected.to_owned(), least), "{text}");
    }
}

#[test]
fn looking_ends() {
    let rebound = format!("x = y.z()\n{}x.", "x = x.drop(1)\n".repeat(1000));
    assert_eq!(check(&[], &rebound), "");
    // Modules that re-export everything from each other.
    let names: Vec<String> = (0..16).map(|k| format!("p/m{k}.py")).collect();
    let imports: String = (0..16).map(|k| format!("from .m{k} import *\n")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &*imports)).collect();
    assert_eq!(check(&files, "import p.m0 as m\nm."), "");
    assert_eq!(check(&files, "import p.m0 as m\nm.x."), "");
}

#[test]
fn a_place_is_what_it_looks_like() {
    let class = "class A(\n    B,\n):\n    def f(self):\n        ";
    let base = ("w/b.py", "class B:\n    def of_base(self): pass\n");
    for (text, expected) in [
        ("yield from self.", "f of_base"),
        ("d[1] = A()\nclass E(G[T]):\n    y = 1\nE.", "y"),
        ("from ...up import x\n        x.", ""),
    ] {
        assert_eq!(
            check(&[base], &format!("from b import B\n{class}{text}")),
            expected,
            "{text}"
        );
    }
}

#[test]
fn indentation_decides_what_belongs_to_a_class() {
    let class = "class A(B):\n    x = 1\n    def f(self, a): self.y = a\n    z: int\n    class Inner:\n        def deep(self): self.inner = 1\n    def late(no): pass\nLIMIT = 1\ndef g(q):\n    local = 1\n    def h(self): self.other = 1\n";
    let base = [(
        "w/b.py",
        "class B:\n    def of_base(self): pass\ndef make():\n    b = B()\n    return B()\n",
    )];
    for (text, expected) in [
        ("a = A()\na.", "Inner f late of_base x y z"),
        ("A.Inner.", "deep inner"),
        ("b = make()\nb.", "of_base"),
        (
            "class C:\n    def m(self):\n        def n(): pass\n        self.",
            "m",
        ),
        ("def h(self):\n    self.", ""),
        ("if local:\n    local.", ""),
    ] {
        let text = format!("from b import B, make\n{class}{text}");
        assert_eq!(check_indented("", &base, &text), expected, "{text}");
    }
}

#[test]
fn what_stands_below_belongs_to_the_class_that_is_as_far_right() {
    let below = "        self.y = 1\n    def late(self): pass\n    z = 1\nclass B:\n    def other(self): pass\ndef g(p, q): pass\n";
    for (text, expected) in [
        ("class A:\n    def f(self):\n        self.", "f late y z"),
        (
            "class A:\n    def f(self):\n        class C:\n            def g(self): self.",
            "g",
        ),
        ("b = B()\nb.", "other"),
        ("g(", "p q"),
    ] {
        assert_eq!(check_indented(below, &[], text), expected, "{text}");
    }
}

#[test]
fn the_binding_that_is_visible_comes_first() {
    let classes = "class A:\n    def a(self): pass\nclass B:\n    def b(self): pass\n";
    for (text, expected) in [
        ("x = A()\ndef f():\n    x = B()\ndef g():\n    x.", "a"),
        ("def f():\n    x = B()\ndef g():\n    x.", "b"),
        ("class C:\n    x = B()\n    x.", "b"),
        ("x = A()\nclass C:\n    x = B()\n    def f(self): x.", "a"),
        ("def f(x: A, y=B()): x.", "a"),
        ("with A() as x: x.", "a"),
        ("x = B(\nclass D:\n    def d(self, y: A): y.", "a"),
    ] {
        assert_eq!(
            check_indented("", &[], &format!("{classes}{text}")),
            expected,
            "{text}"
        );
    }
}
