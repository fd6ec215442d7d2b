//! Sources of every kind.

use std::fs;

use super::rows::{Row, row, write_parquet};
use super::{Place, lines};
use crate::data::Split;

#[test]
fn sources_of_every_kind_become_one_corpus() {
    let place = Place::new();
    write_parquet(
        &place.path("a.parquet"),
        &[
            row("p/one.py", "P", "<s> import os </s>"),
            row("p/two.py", "P", "<s> os . name </s>"),
            row("q/three.py", "Q", "<s> pass </s>"),
        ],
    );
    place.write(
        "b.txt",
        "<s> import os </s>\r\n<s> x = <NUM_LIT:1> <EOL> pass </s>",
    );
    place.write("tree/pkg/b.py", "x = 1\npass # the same tokens\n");
    place.write("tree/pkg/a.py", "def f():\n    return 'ö'\n");
    place.write("tree/a.py", "f(2.5)\n\n\n");
    place.write("tree/pkg.py", "\u{feff}yield\n");
    place.write("tree/.venv/hidden.py", "hidden\n");
    place.write("tree/notes.txt", "no python\n");
    place.write("lone.py", "import lone\n");
    let summary = place
        .prepare("a.parquet b.txt tree lone.py --validation 0 --out out")
        .unwrap();

    let expected = [
        ("p/one.py", "<s> import os </s>"),
        ("p/two.py", "<s> os . name </s>"),
        ("q/three.py", "<s> pass </s>"),
        ("b.txt:2", "<s> x = <NUM_LIT:1> <EOL> pass </s>"),
        ("a.py", "<s> f ( <NUM_LIT> ) </s>"),
        ("pkg/a.py", "<s> def f ( ) : <EOL> return '<STR_LIT>' </s>"),
        ("pkg.py", "<s> yield </s>"),
        ("lone.py", "<s> import lone </s>"),
    ];
    let expected = expected.map(|(path, tokens)| (path.to_owned(), tokens.to_owned()));
    assert_eq!(place.split("out", Split::Train), expected);
    let report = place.report("out");
    assert_eq!(
        report["skipped"],
        serde_json::json!({"the same tokens as an earlier file": {"files": 2, "examples": ["b.txt:1", "pkg/b.py"]}})
    );
    let classes = &report["splits"]["train"]["classes"];
    let expected = serde_json::json!({"name": 7, "keyword": 7, "number": 2, "string": 1, "operator": 7, "eol": 2, "special": 16});
    assert_eq!(*classes, expected);
    assert!(
        summary.contains("2 (the same tokens as an earlier file, such as b.txt:1)"),
        "{summary}"
    );
}

#[test]
fn the_output_does_not_depend_on_the_number_of_threads() {
    let place = Place::new();
    let rows = lines("row", 300);
    let rows: Vec<_> = rows
        .lines()
        .enumerate()
        .map(|(i, line)| (format!("p{}/{i}.py", i % 9), line))
        .collect();
    let rows: Vec<Row> = rows
        .iter()
        .map(|(path, line)| (Some(&path[..]), None, row(path, "", line).2))
        .collect();
    write_parquet(&place.path("a.parquet"), &rows);
    place.write("b.txt", lines("line", 3000));
    (0..600).for_each(|i| {
        place.write(
            &format!("tree/{}/f{i}.py", i % 5),
            format!("f{i}({})", "a, ".repeat(i)),
        );
    });
    let bytes = |out: &str| {
        let files = place
            .path(out)
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files
            .map(|path| {
                (
                    path.file_name().unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                )
            })
            .collect();
        files.sort();
        assert_eq!(files.len(), 11);
        files
    };
    for split in ["file", "package"] {
        for threads in [1, 2, 9] {
            let out = format!("{split}{threads}");
            place
                .prepare(&format!(
                    "a.parquet b.txt tree --split-by {split} --threads {threads} --out {out}"
                ))
                .unwrap();
        }
        assert!(bytes(&format!("{split}1")) == bytes(&format!("{split}2")));
        assert!(bytes(&format!("{split}1")) == bytes(&format!("{split}9")));
    }
    assert_ne!(
        place.report("file1")["fingerprint"],
        place.report("package1")["fingerprint"]
    );
}
