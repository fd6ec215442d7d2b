//! Contexts of cursors (`$0`): the tokens, then the typed prefix in `‹›`, then the place if it is not code.

use insta::assert_snapshot;

use super::super::{CursorIn, IncrementalLexer};
use super::spellings;

fn check(fixture: &str) -> String {
    let cursor = fixture.find("$0").expect("a cursor");
    let text = fixture.replacen("$0", "", 1);
    let mut reader = IncrementalLexer::default();
    let context = reader.context(&text, cursor);
    let tokens = spellings(&text, context.tokens).join(" ");
    let place = match context.place {
        CursorIn::Code => "",
        CursorIn::String => " in a string",
        CursorIn::Comment => " in a comment",
    };
    assert_eq!(context.prefix.end, cursor);
    format!("{tokens} ‹{}›{place}", &text[context.prefix])
}

#[test]
fn words() {
    assert_snapshot!(check("import o$0s"), @"import ‹o›");
    assert_snapshot!(check("import $0os"), @"import ‹›");
    assert_snapshot!(check("$0"), @" ‹›");
    assert_snapshot!(check("x.if$0"), @"x . ‹if›");
    assert_snapshot!(check("x = été$0"), @"x = ‹été›");
    assert_snapshot!(check("x = 1if$0"), @"x = <NUM_LIT:1> ‹if›");
    assert_snapshot!(check("f$0'x'"), @" ‹f›");
    assert_snapshot!(check("self.$0"), @"self . ‹›");
    assert_snapshot!(check("x ->$0"), @"x -> ‹›");
}

#[test]
fn a_trailing_end_of_line_is_kept() {
    assert_snapshot!(check("x = y\n$0"), @"x = y <EOL> ‹›");
    assert_snapshot!(check("x = y\n\n# c\n    z$0"), @"x = y <EOL> ‹z›");
    assert_snapshot!(check("\n\n  $0x"), @" ‹›");
    assert_snapshot!(check("x = \\\n  $0"), @"x = ‹›");
}

#[test]
fn open_numbers() {
    assert_snapshot!(check("x = 1$0"), @"x = ‹1›");
    assert_snapshot!(check("x = 0x$0"), @"x = ‹0x›");
    assert_snapshot!(check("x = 01_$0"), @"x = ‹01_›");
    assert_snapshot!(check("x = 1e-$0"), @"x = ‹1e-›");
    assert_snapshot!(check("x = 1.$0"), @"x = ‹1.›");
    assert_snapshot!(check("x = 1j$0"), @"x = <NUM_LIT> ‹›");
    assert_snapshot!(check("x = 1 $0"), @"x = <NUM_LIT:1> ‹›");
    assert_snapshot!(check("x = y-1-$0"), @"x = y - <NUM_LIT:1> - ‹›");
}

#[test]
fn strings_and_comments() {
    assert_snapshot!(check("x = 'ab$0c'"), @"x = '<STR_LIT>' ‹› in a string");
    assert_snapshot!(check("x = 'abc'$0"), @"x = '<STR_LIT:abc>' ‹›");
    assert_snapshot!(check("x = '''\nif $0"), @"x = '''<STR_LIT>''' ‹› in a string");
    assert_snapshot!(check("x = 'open\n$0"), @"x = '<STR_LIT>' <EOL> ‹›");
    assert_snapshot!(check("x = f'{y$0}'"), @"x = f'<STR_LIT>' ‹› in a string");
    assert_snapshot!(check("x  # it$0"), @"x ‹› in a comment");
    assert_snapshot!(check("# it\n$0"), @" ‹›");
    assert_snapshot!(check("x $0# it"), @"x ‹›");
}

#[test]
fn lexing_resumes_behind_a_long_string() {
    let before = format!("'''{}'''\nx = ", "word ".repeat(2000));
    let mut lexer = IncrementalLexer::default();
    lexer.context(&before, before.len());
    assert_eq!(lexer.unread(&before, before.len()), 0);
    let text = before + "y";
    let unread = lexer.unread(&text, text.len());
    assert!(unread < 10, "{unread} bytes");
}

#[test]
fn cursors_are_clamped() {
    for (text, outside, inside) in [("x = é", 5, 4), ("x = ", 99, 4)] {
        let (mut a, mut b) = (IncrementalLexer::default(), IncrementalLexer::default());
        assert_eq!(a.context(text, outside), b.context(text, inside));
    }
}
