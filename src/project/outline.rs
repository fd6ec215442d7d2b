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
    fn end(&mut self, outline: &mut Vec<String>) {
        outline.append(&mut self.assigned);
        outline.append(&mut self.rest);
        outline.append(&mut self.classes);
    }
}

/// The outline of a file, as py150 spells its tokens: `<s>`, names that are assigned at its top, heads of
/// functions and classes, these with what is assigned in them and behind `self.`, and what is imported from packages
/// that are its own, as `from . module import`, or under another name. What stands in functions is left out.
pub fn outline(text: &str, is_own: impl Fn(&str) -> bool) -> Vec<String> {
    let mut outline = vec![python::START.to_owned()];
    // The file's own, then a class's.
    let (mut top, mut class) = (Block::default(), Block::default());
    let mut class_column = None;
    let (mut function_column, mut inner_column) = (None, None);
    let mut own: HashSet<String> = HashSet::new();
    for line in lines(text, &python::lex(text)) {
        let column = column(text, line[0]);
        function_column = function_column.filter(|&function| column > function);
        inner_column = inner_column.filter(|&inner| column > inner);
        if class_column.is_some_and(|class| column <= class) {
            class.end(&mut top.classes);
            class_column = None;
        }
        if inner_column.is_some() {
            continue;
        }
        let spelled: Vec<String> = line
            .iter()
            .map(|&token| python::spelling(text, token))
            .collect();
        let mut words: Vec<&str> = spelled.iter().map(|word| &**word).collect();
        words.retain(|&word| word != "async");
        let block = if class_column.is_some() {
            &mut class
        } else {
            &mut top
        };
        let mut keep = |words: &[&str]| {
            block.rest.extend(words.iter().map(|&word| word.to_owned()));
            block.rest.push(EOL.to_owned());
        };
        if function_column.is_none() {
            match words[..] {
                // A class in a class is nobody's to ask for.
                ["class", ..] if class_column.is_some() => inner_column = Some(column),
                ["class", ..] => {
                    let head = words.iter().chain(&[EOL]);
                    top.classes.extend(head.map(|&word| word.to_owned()));
                    class_column = Some(column);
                    own.clear();
                }
                ["def", ..] => {
                    keep(&words);
                    function_column = Some(column);
                }
                ["@", "staticmethod"] | ["import", .., "as", _] => keep(&words),
                // Of another package's names only that there are some.
                ["from", first, .., last]
                    if first.starts_with('.') || is_own(first) || last == "*" =>
                {
                    let import = words.iter().position(|&word| word == "import");
                    if let Some(import) = import {
                        // Of the module the last part, if it has a name.
                        let module = words[..import].last().filter(|part| python::is_name(part));
                        let mut kept = vec!["from", "."];
                        kept.extend(module);
                        kept.extend(&words[import..]);
                        keep(&kept);
                    }
                }
                [name, "=" | ":", ..] if python::is_name(name) => {
                    block.assigned.extend([name, "=", EOL].map(str::to_owned));
                }
                _ => {}
            }
        }
        if class_column.is_some() {
            for attribute in words.windows(3).filter(|words| words[..2] == ["self", "."]) {
                // Most are named again and again.
                if own.insert(attribute[2].to_owned()) {
                    let attribute = attribute.iter().chain(&[EOL]);
                    class.rest.extend(attribute.map(|&word| word.to_owned()));
                }
            }
        }
    }
    class.end(&mut top.classes);
    top.end(&mut outline);
    outline
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
        let text = "import os\nfrom .a import (b,\n    c as d)\nfrom pkg.x import y\nfrom other import z\nfrom ...up import w\n\n\ndef f(a, *,\n      b=1):\n    local = 1\n    def inner(): pass\n    return local\n\nX = f(1)\nclass A(Base):\n    def m(self):\n        self.x = self.y\n        self.x += 1\n    kind: int = 3\n    @staticmethod\n    async def s(): pass\n    class Inner:\n        z = 1\n        def inner(self): self.z2\nif X:\n    def late(): pass\n";
        assert_snapshot!(check(text), @r"
        <s> X =
        from . a import ( b ,
        c as d )
        from . x import y
        from . up import w
        def f ( a , * ,
        b = <NUM_LIT:1> ) :
        def late ( ) : pass
        class A ( Base ) :
        kind =
        def m ( self ) :
        self . x
        self . y
        @ staticmethod
        def s ( ) : pass <EOL>
        ");
        assert_snapshot!(check(""), @"<s>");
        assert_snapshot!(check(")\n  class\n'''"), @"<s> class <EOL>");
    }
}
