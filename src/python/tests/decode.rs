//! Bytes and their decoded text.

use std::borrow::Cow;

use super::super::decode;

#[test]
fn utf_8_is_not_copied() {
    assert!(matches!(
        decode("x = 'é'".as_bytes()),
        Cow::Borrowed("x = 'é'")
    ));
    assert!(matches!(decode(b"\xef\xbb\xbfx"), Cow::Borrowed("x")));
}

#[test]
fn declared_encodings() {
    assert_eq!(
        decode(b"# -*- coding: latin-1 -*-\n\xe9\x85"),
        "# -*- coding: latin-1 -*-\né\u{85}"
    );
    assert_eq!(
        decode(b"#!python\n# vim: fileencoding=CP1252\n\x8c"),
        "#!python\n# vim: fileencoding=CP1252\nŒ"
    );
    assert_eq!(
        decode(b"# coding=koi8_r\n\xd0\xd2\xc9"),
        "# coding=koi8_r\nпри"
    );
    assert_eq!(
        decode(b"# coding: iso-latin-1-unix\n\x85"),
        "# coding: iso-latin-1-unix\n\u{85}"
    );
    assert_eq!(decode(b"# coding: latin-9\n\xa4"), "# coding: latin-9\n€");
    assert_eq!(
        decode(b"# coding: sjis\n'\x83\x5c'"),
        "# coding: sjis\n'ソ'"
    );
}

#[test]
fn only_the_first_two_lines_declare() {
    assert_eq!(
        decode(b"x\n# coding: latin-1\n\xe9"),
        "x\n# coding: latin-1\n\u{fffd}"
    );
    assert_eq!(
        decode(b"\n\n# coding: latin-1\n\xe9"),
        "\n\n# coding: latin-1\n\u{fffd}"
    );
    assert_eq!(
        decode(b"\xef\xbb\xbf# coding: latin-1\n\xc3\xa9"),
        "# coding: latin-1\né"
    );
}

#[test]
fn undecodable_bytes_are_replaced() {
    assert_eq!(decode(b"x = '\xff' + y"), "x = '\u{fffd}' + y");
    assert_eq!(
        decode(b"# coding: no-such\n\xff\n"),
        "# coding: no-such\n\u{fffd}\n"
    );
    assert_eq!(decode(b"# coding: utf-16\nx\n"), "# coding: utf-16\nx\n");
    assert_eq!(decode(b"\xff\xfex\0"), "x");
}
