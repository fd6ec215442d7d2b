//! Files that `tokenize` accepts or rejects; `tests/python/compare_lexer.py` compares many more with `tokenize` itself.

use proptest::prelude::*;

use super::super::{TokenizeError, decode, validate};

fn flaw(bytes: &[u8]) -> Option<TokenizeError> {
    validate(bytes).err()
}

#[test]
fn what_is_accepted() {
    for source in [
        "",
        "x",
        "if x:\n\ty\n        z\n# c\n   # d\n\x0c\nw\n",
        "if x:\n  if y:\n    z\n  w\n \n",
        "x = (\n 1,\n   2]\n",
        "x = 1 \\\n\ny \\\n   \n",
        "'''\n  x\n''' + 'a\\\nb'\n  # c\n",
        "x\u{a0}= 1\u{b}\r\ny\r = 2\n",
        "\u{feff}# coding: utf-8-unix\né = '\u{301}$'  # ?\n",
        "x = f\"{x[\"a\"]}\"\n",
    ] {
        assert_eq!(flaw(source.as_bytes()), None, "{source:?}");
    }
    let latin_1 = validate(b"# coding: latin-1\n\xe9").unwrap();
    assert_eq!(latin_1, "# coding: latin-1\né");
}

#[test]
fn what_is_refused() {
    for (source, expected) in [
        (&b"'\xff'"[..], TokenizeError::Encoding),
        (b"# coding: ascii\n\xe9", TokenizeError::Encoding),
        (b"# coding: klingon\n", TokenizeError::Encoding),
        (b"# \xe9\n# coding: latin-1\n", TokenizeError::Encoding),
        (b"\xef\xbb\xbf# coding: latin-1\n", TokenizeError::Encoding),
        (b"\xef\xbb\xbf# coding: utf8\n", TokenizeError::Encoding),
        (b"x = $y\n", TokenizeError::Character),
        (b"x ! y\n", TokenizeError::Character),
        (b"x = \\ 1\n", TokenizeError::Character),
        (b"x \\", TokenizeError::Character),
        ("x \u{feff}\n".as_bytes(), TokenizeError::Character),
        ("x → y\n".as_bytes(), TokenizeError::Character),
        ("e\u{301} = 1\n".as_bytes(), TokenizeError::Character),
        (b"\x01\n", TokenizeError::Character),
        (b"x = 'a\n", TokenizeError::String),
        (b"x = 'a\\\n", TokenizeError::String),
        (b"x = rb'''a\n'", TokenizeError::String),
        (b"x = (1,\n", TokenizeError::Bracket),
        (b"x = 1)\n", TokenizeError::Bracket),
        (b"x = 1 \\\n", TokenizeError::Continuation),
        (b"if x:\n    y\n  z\n", TokenizeError::Indentation),
        (b"  if x:\n    y\n \\\n z\n", TokenizeError::Indentation),
    ] {
        let shown = String::from_utf8_lossy(source);
        assert_eq!(flaw(source), Some(expected), "{shown:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_checked(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = validate(&bytes) {
            prop_assert_eq!(text, decode(&bytes));
        }
    }

    #[test]
    fn any_python_is_checked(text in "[ \t\r\n\x0cx1.'\"f{}()\\[\\]#:=\\\\é$\u{301}]{0,40}") {
        if let Ok(checked) = validate(text.as_bytes()) {
            prop_assert_eq!(checked, text.as_str());
        }
    }
}
