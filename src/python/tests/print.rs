//! Printed lines in Black's style; most are unchanged by a round trip.

use insta::assert_snapshot;

use super::super::{lex, print};
use super::{spellings, tokens};

/// Lines in Black's style that cover every construct. Their literals are frequent ones, so nothing is lost.
pub(super) const LINES: [&str; 52] = [
    "import os.path as p, sys",
    "from . import a, b",
    "from .a.b import (c, d as e)",
    "from ... import x",
    "from ...a import *",
    "x = y = -1",
    "x: int = 1",
    "x += ~y",
    "a, *b = c",
    "(a,) = b",
    "x = a if b else -c",
    "x = not a and b or c is not None",
    "x = a + b * -c - (d @ e) // f % g",
    "x = y**2 + z.w**-1",
    "x = f(y) ** 2 + z ** f(y)",
    "x = 1.0.real",
    "x = 1 .real",
    "x = y if z else lambda: 0",
    "x = lambda a, *b, c=1, **d: a + c",
    "x = [lambda x: x for x in y if x]",
    "x = {a: b, **c}",
    "x = {*a, 'name'}",
    "x = {k: v for k, v in y.items()}",
    "x = [-1, [2], (3, 4), {5}]",
    "x = (yield y)",
    "x = await f(*a, b=-1, **c)",
    "x[1:2, ::3, :-1, ...] = y[...]",
    "x[a + 1 :] = y[: b.c] + z[f(a) : b : c]",
    "x[a][b](c)(d)[e].f()[g]",
    "x[lambda y: y] = z",
    "print(x, end=' ', file=y)",
    "print('name' 'value' % x)",
    "def f(a, /, b: int = 1, *, c=None, **d) -> list[int]:",
    "def f(*a): return -a[0]",
    "def f(): ...",
    "async def f[T](x: T = 1): yield from x",
    "class A(B, metaclass=C): pass",
    "class A:",
    "@a.b(c)",
    "if (n := f(x)) > 1:",
    "if x: y; z",
    "elif not (x or y):",
    "for i, (j, k) in enumerate(x):",
    "while True:",
    "with a as b, f(c) as d:",
    "except (A, B) as e:",
    "raise A('x') from e",
    "assert x == y, '='",
    "del x[0], y.z",
    "return x, -y, *z",
    "global x",
    "match x:",
];

#[test]
fn spaced_as_black() {
    for line in LINES {
        let spellings = spellings(line, &lex(line));
        assert_eq!(
            print(&spellings.iter().map(String::as_str).collect::<Vec<_>>()),
            line
        );
    }
}

fn check(line: &str) -> String {
    print(&line.split(' ').collect::<Vec<_>>())
}

#[test]
fn literals_and_specials() {
    assert_snapshot!(check("<s> x = <NUM_LIT> + \"<STR_LIT>\" <UNK> <EOL> y = f'<STR_LIT>' </s>"), @r#"
    x = 0 + ""
    y = f''
    "#);
    assert_snapshot!(check("x = '<STR_LIT:U+0020>' . join ( '<STR_LIT:U+002C>' )"), @"x = ' '.join(',')");
    assert_snapshot!(check(""), @"");
}

/// Tokens are separated if they would lex differently without a space.
#[test]
fn nothing_merges() {
    for line in [
        "x . . . y",
        "* * x",
        "<NUM_LIT:1> . x",
        "- > x",
        "x ( . ) . . . . y",
        "r '<STR_LIT:x>'",
        "( * ) * * x",
    ] {
        assert_eq!(tokens(&check(line)), line);
    }
}
