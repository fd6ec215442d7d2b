//! Texts and their tokens; `tests/python/compare_lexer.py` compares many more files with `CPython`.

use insta::assert_snapshot;

use super::super::spelling::LONGEST_LITERAL;
use super::super::{EOL, IncrementalLexer, Kind, insertable, is_keyword, lex, surface_kind};
use super::tokens;

#[test]
fn line_ends() {
    assert_snapshot!(tokens("\n\nx = 1  # comment\n\n# comment\n\ny\n\n"), @"x = <NUM_LIT:1> <EOL> y");
    assert_snapshot!(tokens("f(\n    a,  # comment\n\n    b)\n"), @"f ( <EOL> a , <EOL> b )");
    assert_snapshot!(tokens("a = \\\n  b\r\nc\x0c\n\td"), @"a = b <EOL> c <EOL> d");
    assert_snapshot!(tokens("a\rb\n# c\rd\ne # f\rg\n"), @"a b <EOL> e g");
    assert_snapshot!(tokens(""), @"");
    assert_snapshot!(tokens("# only\n"), @"");
}

#[test]
fn spans() {
    let spans = |text| {
        lex(text)
            .iter()
            .map(|token| (token.kind, token.start, token.end))
            .collect::<Vec<_>>()
    };
    let expected = [
        (Kind::Keyword, 0, 2),
        (Kind::Name, 3, 6),
        (Kind::Operator, 6, 7),
        (Kind::Eol, 9, 11),
        (Kind::Name, 11, 12),
    ];
    assert_eq!(spans("if né: #\r\nx\r\n"), expected);
}

#[test]
fn words_and_operators() {
    assert_snapshot!(tokens("match x: case _; type été=变量"), @"match x : case _ ; type été = 变量");
    assert_snapshot!(tokens("a<>b!=c->d:=e...f..g.h@=i**=j//=k>>=l"), @"a < > b != c -> d := e ... f . . g . h @= i **= j //= k >>= l");
    assert_snapshot!(tokens("x = $a ? b! \\ `c` \0“d”"), @"x = $ a ? b ! ` c ` “ d ”");
}

#[test]
fn numbers() {
    assert_snapshot!(tokens("1if 0xfor 1..real 100 1_0 1. 012 .5j"), @"<NUM_LIT:1> if <NUM_LIT> or <NUM_LIT:1.> . real <NUM_LIT:100> <NUM_LIT> <NUM_LIT:1.> <NUM_LIT:0> <NUM_LIT:12> <NUM_LIT>");
    assert_snapshot!(tokens("1e5 1e+x 1_ 0b12 0xg 1__0 09.5"), @"<NUM_LIT> <NUM_LIT:1> e + x <NUM_LIT:1> _ <NUM_LIT> <NUM_LIT:2> <NUM_LIT:0> xg <NUM_LIT:1> __0 <NUM_LIT>");
}

#[test]
fn strings() {
    assert_snapshot!(tokens(r#"'' "a b" 'name' b"utf-8" Rb'\'' '''x''' """#), @r#"'<STR_LIT>' "<STR_LIT>" '<STR_LIT:name>' b"<STR_LIT:utf-8>" Rb'<STR_LIT>' '''<STR_LIT:x>''' "<STR_LIT>""#);
    assert_snapshot!(tokens("',' ' ' '\t\t' ', ' '''\n''' ur'x' bu''"), @"'<STR_LIT:U+002C>' '<STR_LIT:U+0020>' '<STR_LIT:U+0020>' '<STR_LIT:U+002CU+0020>' '''<STR_LIT:U+0020>''' ur '<STR_LIT:x>' bu '<STR_LIT>'");
    assert_snapshot!(tokens("'a\\\nb' + c\n"), @"'<STR_LIT>' + c");
}

/// An unterminated string ends with its line, or with the text if it is triple-quoted.
#[test]
fn open_strings() {
    assert_snapshot!(tokens("x = 'open\r\ny = \"\"\"open\nz"), @r#"x = '<STR_LIT>' <EOL> y = """<STR_LIT>""""#);
    assert_snapshot!(tokens("x = f'{y\nz"), @"x = f'<STR_LIT>' <EOL> z");
    assert_snapshot!(tokens("x = f'''{'y\n'''\nz"), @"x = f'''<STR_LIT>'''");
}

#[test]
fn f_strings_nest_quotes() {
    assert_snapshot!(tokens(r#"f"{x["a"]}" + f'{', '.join(f'{y['b']}' for y in z)}' + y"#), @r#"f"<STR_LIT>" + f'<STR_LIT>' + y"#);
    assert_snapshot!(tokens(r#"f"{{" f"{x:"  f"}}" f"\{x["a"]}" rf"\N{x["a"]}" f"\N{DASH}" y"#), @r#"f"<STR_LIT>" f"<STR_LIT>" f"<STR_LIT>" f"<STR_LIT>" rf"<STR_LIT>" f"<STR_LIT>" y"#);
    assert_snapshot!(tokens("f'''{\nx # '\n}''' + y"), @"f'''<STR_LIT>''' + y");
}

/// Deep nesting exhausts neither time nor stack.
#[test]
fn hostile_nesting() {
    let units = [
        "f'{",
        "f\"\"\"{",
        "f'{x:{",
        "\nf'''{f'",
        "\\\n",
        "x\r",
        "# c\r",
        "'\\",
        "1e",
        "((",
        "é",
    ];
    for text in units.map(|unit| unit.repeat(200_000)) {
        assert!(lex(&text).len() <= text.len());
        assert!(
            IncrementalLexer::default()
                .context(&text, text.len())
                .tokens
                .len()
                <= text.len()
        );
    }
}

#[test]
fn keywords() {
    let keywords = "False None True and as assert async await break class continue def del elif else except finally for from \
        global if import in is lambda nonlocal not or pass raise return try while with yield";
    assert_eq!(
        keywords
            .split_whitespace()
            .filter(|word| is_keyword(word))
            .count(),
        35
    );
    assert!(
        !["match", "case", "type", "_", "print", "exec", "none", ""]
            .into_iter()
            .any(is_keyword)
    );
}

#[test]
fn meanings_of_spellings() {
    let check = |surface, kind, text: Option<&str>| {
        assert_eq!(
            (surface_kind(surface), insertable(surface).as_deref()),
            (kind, text),
            "{surface}"
        );
    };
    check("name", Kind::Name, Some("name"));
    check("été", Kind::Name, Some("été"));
    check("None", Kind::Keyword, Some("None"));
    check("<", Kind::Operator, Some("<"));
    check("<<=", Kind::Operator, Some("<<="));
    check("->", Kind::Operator, Some("->"));
    check("<NUM_LIT>", Kind::Number, None);
    check("<NUM_LIT:0.5>", Kind::Number, Some("0.5"));
    check("\"<STR_LIT>\"", Kind::String, Some("\"\""));
    check("rb'''<STR_LIT>'''", Kind::String, Some("rb''''''"));
    check("'<STR_LIT:U+002CU+0020>'", Kind::String, Some("', '"));
    check("'<STR_LIT:>>'", Kind::String, Some("'>'"));
    check("<STR_LIT>", Kind::String, None);
    check(EOL, Kind::Eol, None);
    for special in ["<s>", "</s>", "<UNK>", "<PAD>"] {
        assert_eq!(insertable(special), None);
    }
}

/// Every literal of the lists is spelled as itself, so none exceeds the lexer's maximum length.
#[test]
fn frequent_literals() {
    let literals: serde_json::Value =
        serde_json::from_str(include_str!("../literals.json")).unwrap();
    let list = |name: &str| {
        literals[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|literal| literal.as_str().unwrap())
            .collect::<Vec<_>>()
    };
    for literal in list("str") {
        let quote = if literal == "\"" { "'" } else { "\"" };
        let source = insertable(&format!("{quote}<STR_LIT:{literal}>{quote}"))
            .unwrap()
            .into_owned();
        assert_eq!(
            tokens(&source),
            format!("{quote}<STR_LIT:{literal}>{quote}")
        );
    }
    for literal in list("num") {
        assert_eq!(tokens(literal), format!("<NUM_LIT:{literal}>"));
    }
    let longest = list("str")
        .into_iter()
        .chain(list("num"))
        .map(str::len)
        .max();
    assert_eq!(longest, Some(LONGEST_LITERAL));
}
