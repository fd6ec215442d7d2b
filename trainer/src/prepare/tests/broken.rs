//! Rows and files that cannot be used.

use std::fs::{self, File};
use std::sync::Arc;

use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::Place;
use super::rows::{Row, row, write_parquet};
use crate::data::Split;

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn broken_rows_and_files_are_named_counted_and_skipped() {
    let place = Place::new();
    let token = |bytes: &'static [u8]| Some(vec![Some(&b"<s>"[..]), Some(bytes), Some(b"</s>")]);
    write_parquet(
        &place.path("a.parquet"),
        &[
            row("good.py", "p", "<s> good </s>"),
            (Some("null-list.py"), None, None),
            (Some("empty-list.py"), None, Some(vec![])),
            (
                Some("null-token.py"),
                None,
                Some(vec![Some(b"<s>"), None, Some(b"</s>")]),
            ),
            (None, None, token(b"x")),
            (Some("latin.py"), None, token(b"caf\xe9")),
            (
                Some("halves.py"),
                None,
                Some(vec![
                    Some(b"<s>"),
                    Some(b"\xc3"),
                    Some(b"\xa9"),
                    Some(b"</s>"),
                ]),
            ),
            (Some("space.py"), None, token(b"two words")),
            (Some("void.py"), None, token(b"")),
            (Some("reserved.py"), None, token(b"<PAD>")),
            row("unframed.py", "p", "import os"),
            row("also-good.py", "p", "<s> also </s>"),
        ],
    );
    place.write("b.txt", b"<s> caf\xe9 </s>\n\n<s> fine </s>\n<s>\n");
    place.write("tree/binary.py", b"x\0y");
    place.write("tree/folder.py/inner.py", "inner");
    std::os::unix::fs::symlink(place.path("nowhere"), place.path("tree/dangling.py")).unwrap();
    std::os::unix::fs::symlink("..", place.path("tree/folder.py/up")).unwrap();
    place
        .prepare("a.parquet b.txt tree --validation 0 --out out")
        .unwrap();
    let paths: Vec<_> = place
        .split("out", Split::Train)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        paths,
        ["good.py", "also-good.py", "b.txt:3", "folder.py/inner.py"]
    );
    let skipped = place.report("out")["skipped"].clone();
    let mut skipped: Vec<_> = skipped
        .as_object()
        .unwrap()
        .iter()
        .map(|(why, group)| {
            let example = group["examples"][0].as_str().unwrap();
            let example = example.replace(place.folder.path().to_str().unwrap(), "");
            format!("{} {why}: {example}", group["files"])
        })
        .collect();
    skipped.sort();
    assert_eq!(
        skipped,
        [
            "1 a link to a folder that was read already: folder.py/up",
            "1 a row with a null token: null-token.py",
            "1 a row without a path: /a.parquet row 5",
            "1 cannot be read: dangling.py: No such file or directory (os error 2)",
            "1 holds a reserved token: reserved.py: <PAD>",
            "1 not Python source: binary.py: it contains NUL bytes",
            "2 a token is empty or holds white space: space.py: \"two words\"",
            "3 not UTF-8: latin.py: invalid utf-8 sequence of 1 bytes from index 6",
            "4 not from <s> to </s>: null-list.py: it starts with \"\"",
        ]
    );
}

#[test]
fn foreign_and_truncated_parquet_files_are_reported() {
    let place = Place::new();
    let rows: Vec<String> = (0..40)
        .map(|i| format!("<s> n{i} {} </s>", "word ".repeat(200).trim_end()))
        .collect();
    let rows: Vec<Row> = rows.iter().map(|line| row("a.py", "p", line)).collect();
    write_parquet(&place.path("whole.parquet"), &rows);
    let whole = fs::read(place.path("whole.parquet")).unwrap();
    let fails = |bytes: &[u8]| {
        place.write("broken.parquet", bytes);
        let error = place.fails("broken.parquet --out out");
        assert!(
            error.contains("broken.parquet: not a complete Parquet file; download it again"),
            "{error}"
        );
    };
    fails(b"");
    fails(b"PAR1");
    fails(&[0; 4000]);
    for end in (5..whole.len()).step_by(397) {
        fails(&whole[..end]);
    }
    for (schema, cause) in [
        ("optional binary path (UTF8);", "it has no column `code`"),
        (
            "optional binary path (UTF8); optional binary code (UTF8);",
            "column `code` does not contain lists of strings",
        ),
        (
            "optional int32 path; optional binary code (UTF8);",
            "column `path` does not contain strings",
        ),
    ] {
        let schema = parse_message_type(&format!("message schema {{ {schema} }}")).unwrap();
        let file = File::create(place.path("foreign.parquet")).unwrap();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
        writer.close().unwrap();
        let error = place.fails("foreign.parquet --out out");
        assert!(
            error.contains("foreign.parquet: not a Parquet file of tokenised code"),
            "{error}"
        );
        assert!(error.contains(cause), "{error}");
    }
    // A flipped bit may go unnoticed or make the file or a row invalid; it must never cause a panic.
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        place.write("broken.parquet", bytes);
        if let Err(error) = place.prepare("broken.parquet --validation 0 --out flipped --force") {
            assert!(format!("{error:#}").contains("broken.parquet"), "{error:#}");
        }
    }
}
