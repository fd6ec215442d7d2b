//! Declarations of a text, with and without its indentation.

use insta::assert_snapshot;

use crate::python;
use crate::symbols::table::{
    Expression, ExpressionKind, Import, Parameter, ParameterKind, ScopeId, SymbolKind,
};
use crate::symbols::{
    NO_COLUMN, Name, NumberedToken, Numbering, ScopeKind, SymbolTable, TokenKind, build,
    build_from_text, build_suffix,
};

/// The symbols of a text, one per line, those of a scope indented below its header.
fn check(text: &str) -> String {
    let (mut symbols, names) = build_from_text(text);
    let pkg = names.iter().position(|name| *name == "pkg");
    let pkg = pkg.map(|number| Name::new(Numbering::Project(number as u32)));
    symbols.mark_own_package(|first| Some(first) == pkg);
    shown(&symbols, &names)
}

/// The same from tokens without indentation.
fn check_tokens(text: &str) -> String {
    let (tokens, names) = tokens(text, false);
    shown(&build(tokens.into_iter()), &names)
}

fn tokens(text: &str, with_columns: bool) -> (Vec<NumberedToken>, Vec<&str>) {
    let mut names: Vec<&str> = Vec::new();
    let tokens = python::lex(text).into_iter().map(|token| {
        let spelling = match token.kind {
            python::Kind::Eol => python::EOL,
            _ => token.text(text),
        };
        let at = names.iter().position(|name| *name == spelling);
        let number = at.unwrap_or_else(|| {
            names.push(spelling);
            names.len() - 1
        });
        let column = python::column(text, token).filter(|_| with_columns);
        NumberedToken {
            name: Name::new(Numbering::Project(number as u32)),
            column: column.unwrap_or(NO_COLUMN),
            kind: TokenKind::of(spelling),
        }
    });
    (tokens.collect(), names)
}

fn shown(symbols: &SymbolTable, names: &[&str]) -> String {
    let mut lines = Vec::new();
    show(symbols, names, ScopeId::MODULE, 0, &mut lines);
    let lost = symbols
        .symbols
        .iter()
        .filter(|s| s.scope == ScopeId::UNKNOWN_FUNCTION);
    assert_eq!(lost.count(), 0);
    lines.join("\n")
}

#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn show(
    symbols: &SymbolTable,
    names: &[&str],
    scope: ScopeId,
    depth: usize,
    lines: &mut Vec<String>,
) {
    let name = |name: Name| match name.numbering() {
        Numbering::Project(number) if name != Name::NONE => names[number as usize],
        _ => "*",
    };
    let value = |expression: Expression| {
        let tokens = symbols
            .expression(expression)
            .iter()
            .map(|&token| name(token));
        let tokens = tokens.collect::<Vec<_>>().join("");
        match expression.kind {
            ExpressionKind::Unknown => String::new(),
            ExpressionKind::Verbatim => format!(": {tokens}"),
            ExpressionKind::CallResult => format!(" = {tokens}()"),
        }
    };
    for id in symbols.declared_in(scope) {
        let symbol = symbols.symbol(id);
        let indentation = "  ".repeat(depth);
        let own = name(symbol.name);
        let (text, inner) = match symbol.kind {
            SymbolKind::Class(_) => {
                let class = symbols.class(id).unwrap();
                let bases = symbols.bases(class).iter();
                let bases = bases.map(|&base| value(base).replacen(": ", "", 1));
                let bases = bases.collect::<Vec<_>>().join(", ");
                let decorators = class.decorators.of(&symbols.expressions);
                let decorators: String = decorators.iter().map(|&d| value(d)).collect();
                let text = format!("class {own}({}){}", bases, decorators.replace(": ", " @"));
                (text, Some(class.scope))
            }
            SymbolKind::Function(_) => {
                let function = symbols.function(id).unwrap();
                let parameters =
                    symbols
                        .parameters(function)
                        .iter()
                        .map(|parameter: &Parameter| {
                            let kind = match parameter.kind {
                                ParameterKind::PositionalOnly => "/",
                                ParameterKind::Ordinary => "",
                                ParameterKind::KeywordOnly => "kw ",
                                ParameterKind::Positionals => "*",
                                ParameterKind::Keywords => "**",
                            };
                            let default = if parameter.has_default { "=" } else { "" };
                            format!(
                                "{kind}{}{}{default}",
                                name(parameter.name),
                                value(parameter.annotation)
                            )
                        });
                let decorators = function.decorators.of(&symbols.expressions);
                let decorators: String = decorators.iter().map(|&d| value(d)).collect();
                let result = value(function.returns) + &value(symbols.return_value(function));
                let parameters = parameters.collect::<Vec<_>>().join(", ");
                let text = format!(
                    "def {own}({parameters}){result}{}",
                    decorators.replace(": ", " @")
                );
                (text, Some(function.scope))
            }
            SymbolKind::Variable(expression) => (format!("{own}{}", value(expression)), None),
            SymbolKind::Parameter(expression) => {
                (format!("parameter {own}{}", value(expression)), None)
            }
            SymbolKind::Attribute(expression, count) => {
                (format!("self.{own}{} x{count}", value(expression)), None)
            }
            SymbolKind::Import(import) => {
                let import: &Import = symbols.import(import);
                let path = symbols.path(import).iter().map(|&part| name(part));
                let path = path.collect::<Vec<_>>().join(".");
                let dots = ".".repeat(import.level.into());
                let member = import
                    .member
                    .map_or(String::new(), |member| format!(":{}", name(member)));
                let is_own = if import.is_own_package { " (own)" } else { "" };
                (format!("{own} <- {dots}{path}{member}{is_own}"), None)
            }
        };
        lines.push(format!("{indentation}{text}"));
        if let Some(inner) = inner.filter(|inner| *inner != ScopeId::UNKNOWN_FUNCTION) {
            show(symbols, names, inner, depth + 1, lines);
        }
    }
}

const MODULE: &str = "import os, a.b, a.c as d\nfrom .a import (b,\n    c as e)\nfrom pkg.x import y\nfrom other import *\n\n\ndef f(a, /, b: B = {'x': 1}, *rest, name: m.N, other=1, **more) -> 'R':\n    local = 1\n    def inner(): return 1\n    import late\n    if b: return None\n    return Local(local)\n\nX = f(1)\nclass A(Base, m.Other[T], metaclass=M):\n    @cached(1)\n    @property\n    def m(self):\n        self.x = await m.Thing(1)\n        self.x += self.y\n        return self\n    kind: int = 3\n    @staticmethod\n    async def s(): return A(1)\n    class Inner(Base):\n        z = 1\n        def inner(self): self.z2 = 1\n    late: List[int]\n@dataclass\nclass B: x, (y, *z) = 1; w = 2\nif X:\n    def late(): pass\nwith open(x) as g, h as i: j = k = l.m()\n";

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn what_is_declared_is_found_in_its_scope() {
    assert_snapshot!(check(MODULE), @r#"
    os <- os
    a <- a.b
    d <- a.c
    b <- .a:b (own)
    e <- .a:c (own)
    y <- pkg.x:y (own)
    * <- other
    def f(/a, b: B=, *rest, kw name: m.N, kw other=, **more): " = Local()
    X = f()
    class A(Base, m.Other[T])
      def m(self) @cached(0) @property
      self.x = m.Thing() x1
      self.y x1
      kind: int
      def s() = A() @staticmethod
      class Inner(Base)
        z
        def inner(self)
        self.z2 x1
      late: List[int]
    class B() @dataclass
      x
      y
      z
      w
    def late()
    g = open()
    i = h()
    j = l.m()
    k = l.m()
    "#);
    assert_snapshot!(check_tokens(MODULE), @r"
    os <- os
    a <- a.b
    d <- a.c
    b <- .a:b (own)
    e <- .a:c (own)
    y <- pkg.x:y
    * <- other
    def f(/a, b: B=, *rest, kw name: m.N, kw other=, **more): 'R'
    def inner()
    late <- late
    class A(Base, m.Other[T])
      def m(self) @cached(1) @property
      self.x = m.Thing() x2
      self.y x1
      def s() @staticmethod
    class Inner(Base)
      z
      def inner(self)
      self.z2 x1
    class B() @dataclass
      x
      y
      z
      w
    def late()
    ");
    assert_eq!(check(""), "");
    assert_eq!(check(")\n  class\n'''"), "");
    let broken = "x = f(\nclass A:\n    def g(self, a:\n    def h(self): pass\ny = 1";
    assert_snapshot!(check(broken), @r"
    x
    class A()
      def g(self, a)
      def h(self)
    y
    ");
}

#[test]
fn a_result_is_known_where_all_are_made_by_one_call() {
    for (body, result) in [
        ("return A(f(1), [2])", " = A()"),
        (
            "if x:\n  return A()\n return\n def g(): return 1\n return A(2)",
            " = A()",
        ),
        ("if x: return A()\n return B()", ""),
        ("if x: return A()\n x = 1; return A()", " = A()"),
        ("x = yield\n return A()", ""),
        ("return A(1).b(2)", ""),
        ("if x: pass\n return A()\n return B()", ""),
        ("return A(1)\n yield 2", ""),
        ("return None", ""),
    ] {
        let shown = check(&format!("def f():\n {body}\n"));
        assert_eq!(shown, format!("def f(){result}"), "{body}");
    }
    assert_eq!(check("def f() -> C:\n return A()"), "def f(): C = A()");
}

#[test]
fn the_rest_of_a_file_goes_on_in_its_scopes() {
    let text = "        self.y = 1\n    def late(self): pass\n    z = 1\nclass B:\n    def other(self): pass\ndef g(p, q): pass\n";
    let scopes = [(ScopeKind::Class, 0), (ScopeKind::Function, 4)];
    let (with, names) = tokens(text, true);
    let symbols = build_suffix(with.into_iter(), &scopes);
    let mut lines = Vec::new();
    show(&symbols, &names, ScopeId(1), 0, &mut lines);
    assert_eq!(lines.join(", "), "self.y x1, def late(self), z");
    assert_eq!(
        shown(&symbols, &names),
        "class B()\n  def other(self)\ndef g(p, q)"
    );
}
