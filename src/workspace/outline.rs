//! What a file declares that others import, in the few tokens that are read of it.

use std::collections::HashSet;

use crate::python::{self, EOL, Kind, Token};

/// Lines of one kind, in the order in which they are to stand: what is assigned outside functions comes before these, and classes
/// behind them, so that what belongs to a class can be told without indentation.
#[derive(Default)]
struct Block {
    assigned: Vec<String>,
    rest: Vec<String>,
    classes: Vec<String>,
}

impl Block {
    fn keep(&mut self, words: &[&str]) {
        self.rest.extend(words.iter().map(|&word| word.to_owned()));
        self.rest.push(EOL.to_owned());
    }

    fn end(&mut self, outline: &mut Vec<String>) {
        outline.append(&mut self.assigned);
        outline.append(&mut self.rest);
        outline.append(&mut self.classes);
    }
}

/// The outline of a file, as py150 spells its tokens: `<s>`, names that are assigned at its top, heads of
/// functions and classes, these with what is assigned in them and behind `self.`, and what is imported from packages
/// that are its own, as `from . module import`, or under another name. What stands in functions is left out, but that all of one's
/// results are made by calling the same class: that is its annotation then.
pub fn outline(text: &str, is_own: impl Fn(&str) -> bool) -> Vec<String> {
    let mut reader = Reader {
        is_own,
        top: Block::default(),
        class: Block::default(),
        class_column: None,
        inner_column: None,
        function: None,
        attributes: HashSet::new(),
    };
    for line in lines(text, &python::lex(text)) {
        let spelled: Vec<String> = line
            .iter()
            .map(|&token| python::spelling(text, token))
            .collect();
        let mut words: Vec<&str> = spelled.iter().map(|word| &**word).collect();
        words.retain(|&word| word != "async");
        reader.read(column(text, line[0]), &words);
    }
    reader.finish()
}

/// Reads logical lines one by one.
struct Reader<F> {
    is_own: F,
    /// The file's own, then a class's.
    top: Block,
    class: Block,
    /// How far the heads stand to the right of what is being read: of a class, and of one in it, which is nobody's to ask for.
    class_column: Option<usize>,
    inner_column: Option<usize>,
    function: Option<Function>,
    /// Names behind `self.` that stand in the class's outline.
    attributes: HashSet<String>,
}

/// A function whose body is being read.
struct Function {
    column: usize,
    /// Where its result would be named, if it is not.
    result: Option<usize>,
    /// What its results are made by calling, if there are any.
    made_by: Option<String>,
    /// Of a function in it.
    inner_column: Option<usize>,
}

impl<F: Fn(&str) -> bool> Reader<F> {
    fn read(&mut self, column: usize, words: &[&str]) {
        let is_behind = |function: &Function| column <= function.column;
        if self.function.as_ref().is_some_and(is_behind) {
            self.end_function();
        }
        self.inner_column = self.inner_column.filter(|&inner| column > inner);
        if self.class_column.is_some_and(|class| column <= class) {
            self.class.end(&mut self.top.classes);
            self.class_column = None;
        }
        if self.inner_column.is_some() {
            return;
        }
        match &mut self.function {
            Some(function) => function.read(column, words),
            None => self.declare(column, words),
        }
        if self.class_column.is_some() {
            for attribute in words.windows(3).filter(|words| words[..2] == ["self", "."]) {
                // Most are named again and again.
                if self.attributes.insert(attribute[2].to_owned()) {
                    self.class.keep(attribute);
                }
            }
        }
    }

    /// A line outside functions.
    fn declare(&mut self, column: usize, words: &[&str]) {
        let block = if self.class_column.is_some() {
            &mut self.class
        } else {
            &mut self.top
        };
        match *words {
            ["class", ..] if self.class_column.is_some() => self.inner_column = Some(column),
            ["class", ..] => {
                let head = words.iter().chain(&[EOL]);
                self.top.classes.extend(head.map(|&word| word.to_owned()));
                self.class_column = Some(column);
                self.attributes.clear();
            }
            ["def", ..] => {
                let head = head(words);
                block.keep(&words[..head]);
                let is_open = words[head - 1] == ":" && !words[..head].contains(&"->");
                let mut function = Function {
                    column,
                    result: is_open.then(|| block.rest.len() - 2),
                    made_by: None,
                    inner_column: None,
                };
                function.read(column, &words[head..]);
                self.function = Some(function);
            }
            ["@", "staticmethod"] | ["import", .., "as", _] => block.keep(words),
            // Of another package's names only that there are some.
            ["from", first, .., last]
                if first.starts_with('.') || (self.is_own)(first) || last == "*" =>
            {
                let import = words.iter().position(|&word| word == "import");
                if let Some(import) = import {
                    // Of the module's name the last two parts, with the dot between them.
                    let path = &words[1..import];
                    let is_named = |part: &&&str| python::is_name(part) || ***part == *".";
                    let parts = path.iter().rev().take(3).take_while(is_named).count();
                    let parts = path[path.len() - parts..].iter().copied();
                    let parts: Vec<&str> = parts.skip_while(|&part| part == ".").collect();
                    let kept = [&["from", "."], &*parts, &words[import..]].concat();
                    block.keep(&kept);
                }
            }
            // What is added so nobody can list: as if all were taken from a module that has no file.
            ["globals", "(", ")", ..] => block.keep(&["from", ".", "globals", "import", "*"]),
            [name, "=" | ":", ..] if python::is_name(name) => {
                block.assigned.extend([name, "=", EOL].map(str::to_owned));
            }
            _ => {}
        }
    }

    fn end_function(&mut self) {
        let block = if self.class_column.is_some() {
            &mut self.class
        } else {
            &mut self.top
        };
        let Some(function) = self.function.take() else {
            return;
        };
        if let (Some(at), Some(class)) = (function.result, function.made_by) {
            block.rest.splice(at..at, ["->".to_owned(), class]);
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.end_function();
        self.class.end(&mut self.top.classes);
        let mut outline = vec![python::START.to_owned()];
        self.top.end(&mut outline);
        outline
    }
}

impl Function {
    /// A line of the body.
    fn read(&mut self, column: usize, words: &[&str]) {
        self.inner_column = self.inner_column.filter(|&inner| column > inner);
        if self.inner_column.is_some() {
            return;
        }
        if let ["def" | "class", ..] = *words {
            self.inner_column = Some(column);
            return;
        }
        // It need not begin the line: `if x: return A()`.
        for (at, &word) in words.iter().enumerate() {
            match words[at..] {
                _ if word == "yield" => self.result = None,
                ["return"] | ["return", "None" | ";", ..] => {}
                ["return", class, "(", ..]
                    if is_class(class)
                        && is_one_call(&words[at + 2..])
                        && self.made_by.as_ref().is_none_or(|before| before == class) =>
                {
                    self.made_by = Some(class.to_owned());
                }
                ["return", ..] => self.result = None,
                _ => {}
            }
        }
    }
}

/// How many words the head of a function has, its colon included; all, if there is none.
fn head(words: &[&str]) -> usize {
    let mut depth = 0;
    let colon = words.iter().position(|word| {
        depth += i32::from(["(", "[", "{"].contains(word));
        depth -= i32::from([")", "]", "}"].contains(word));
        depth == 0 && *word == ":"
    });
    colon.map_or(words.len(), |colon| colon + 1)
}

/// As classes are written, whoever follows PEP 8.
fn is_class(name: &str) -> bool {
    name.trim_start_matches('_').starts_with(char::is_uppercase)
}

/// Whether the bracket that opens is closed by the last token.
fn is_one_call(words: &[&str]) -> bool {
    let mut depth = 0;
    let closes = words.iter().position(|word| {
        depth += i32::from(["(", "[", "{"].contains(word));
        depth -= i32::from([")", "]", "}"].contains(word));
        depth == 0
    });
    closes.is_some_and(|at| at + 1 == words.len())
}

/// How far a token stands behind the beginning of its line, in bytes.
fn column(text: &str, token: Token) -> usize {
    let before = &text[..token.start as usize];
    before.len() - before.rfind('\n').map_or(0, |end| end + 1)
}

/// Logical lines, without their ends.
fn lines<'a>(text: &str, tokens: &'a [Token]) -> impl Iterator<Item = &'a [Token]> {
    let mut depth = 0_usize;
    let ends = move |token: &Token| {
        match token.text(text) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.kind == Kind::Eol
    };
    let lines = tokens.split(ends);
    lines.filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn check(text: &str) -> String {
        outline(text, |package| package == "pkg")
            .join(" ")
            .replace(" <EOL> ", "\n")
    }

    #[test]
    fn what_is_declared_stays() {
        let text = "import os\nfrom .a import (b,\n    c as d)\nfrom pkg.x import y\nfrom other import z\nfrom ...up import w\n\n\ndef f(a, *,\n      b=1):\n    local = 1\n    def inner(): return 1\n    if b: return None\n    return Local(local)\n\nX = f(1)\nclass A(Base):\n    def m(self):\n        self.x = self.y\n        self.x += 1\n    kind: int = 3\n    @staticmethod\n    async def s(): pass\n    class Inner:\n        z = 1\n        def inner(self): self.z2\nif X:\n    def late(): pass\n";
        assert_snapshot!(check(text), @r"
        <s> X =
        from . a import ( b ,
        c as d )
        from . pkg . x import y
        from . up import w
        def f ( a , * ,
        b = <NUM_LIT:1> ) -> Local :
        def late ( ) :
        class A ( Base ) :
        kind =
        def m ( self ) :
        self . x
        self . y
        @ staticmethod
        def s ( ) : <EOL>
        ");
        assert_snapshot!(check(""), @"<s>");
        assert_snapshot!(check(")\n  class\n'''"), @"<s> class <EOL>");
    }

    #[test]
    fn a_result_is_told_where_all_are_of_one_class() {
        for (body, result) in [
            ("return A(f(1), [2])", "-> A "),
            (
                "if x:\n  return A()\n return\n def g(): return 1\n return A(2)",
                "-> A ",
            ),
            ("if x: return A()\n return B()", ""),
            ("if x: return A()\n x = 1; return A()", "-> A "),
            ("x = yield\n return A()", ""),
            ("return A(1).b(2)", ""),
            ("if x: pass\n return A()\n return B()", ""),
            ("return A(1)\n yield 2", ""),
            ("return a(1)", ""),
            ("return None", ""),
        ] {
            let head = check(&format!("def f():\n {body}\n"));
            assert_eq!(head, format!("<s> def f ( ) {result}: <EOL>"), "{body}");
        }
        let head = check("def f() -> C:\n return A()");
        assert_eq!(head, "<s> def f ( ) -> C : <EOL>");
        assert_eq!(
            check("def f(x: A = {}): return A()"),
            "<s> def f ( x : A = { } ) -> A : <EOL>"
        );
    }
}
