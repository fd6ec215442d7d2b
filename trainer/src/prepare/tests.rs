//! Small corpora of every kind, prepared and opened again; and what cannot be prepared.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use clap::Parser;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::data::{Dataset, Split};

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    args: Args,
}

/// A folder to work in.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs `prepare`; words that are names here are taken as paths.
    fn prepare(&self, line: &str) -> Result<String> {
        let words = line.split(' ').enumerate().map(|(i, word)| {
            let is_path =
                self.path(word).exists() || line.split(' ').nth(i.wrapping_sub(1)) == Some("--out");
            if is_path {
                self.path(word).into_os_string()
            } else {
                word.into()
            }
        });
        let parsed = CommandLine::try_parse_from(std::iter::once("prepare".into()).chain(words));
        super::prepare(&parsed?.args, &Interrupt::default())
    }

    /// The message with which it fails, and that nothing is left of it.
    fn fails(&self, line: &str) -> String {
        let names = |folder: &Path| {
            let names = folder
                .read_dir()
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let before = names(self.0.path());
        let error = self.prepare(line).expect_err(line);
        assert_eq!(names(self.0.path()), before, "left behind by {line}");
        format!("{error:#}")
    }

    /// Paths and tokens of a split, and its part of the report.
    fn split(&self, out: &str, split: Split) -> Vec<(String, String)> {
        let dataset = Dataset::open(&self.path(out)).unwrap();
        let paths = fs::read_to_string(self.path(out).join(split.paths())).unwrap();
        let paths = paths
            .lines()
            .map(|line| serde_json::from_str::<String>(line).unwrap());
        let shards = dataset.files(split);
        let files = (0..shards.len()).map(|i| {
            let tokens = shards
                .file(i)
                .iter()
                .map(|&id| dataset.vocabulary().token(id.into()).unwrap());
            tokens.collect::<Vec<_>>().join(" ")
        });
        let files: Vec<_> = paths.zip(files).collect();
        assert_eq!(files.len(), shards.len(), "a path for each file");
        files
    }

    fn report(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(out).join(REPORT)).unwrap()).unwrap()
    }
}

/// A row: path, package, tokens; None is null.
type Row<'a> = (
    Option<&'a str>,
    Option<&'a str>,
    Option<Vec<Option<&'a [u8]>>>,
);

fn row<'a>(path: &'a str, package: &'a str, tokens: &'a str) -> Row<'a> {
    let tokens = tokens
        .split(' ')
        .map(|token| Some(token.as_bytes()))
        .collect();
    (Some(path), Some(package), Some(tokens))
}

/// Writes rows as pyarrow does: zstd, three levels of lists, here one row group for each two rows.
fn write_parquet(path: &Path, rows: &[Row]) {
    let schema = "message schema {
        optional int32 id; optional binary path (UTF8); optional binary package (UTF8);
        optional group code (LIST) { repeated group list { optional binary element (UTF8); } } }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(zstd).build());
    let mut writer =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    for rows in rows.chunks(2) {
        let mut group = writer.next_row_group().unwrap();
        let texts = |texts: Vec<Option<&str>>| {
            let values = texts
                .iter()
                .flatten()
                .map(|&text| ByteArray::from(text))
                .collect::<Vec<_>>();
            (
                values,
                texts
                    .iter()
                    .map(|text| i16::from(text.is_some()))
                    .collect::<Vec<_>>(),
                None,
            )
        };
        let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
        for (_, _, code) in rows {
            let code = code.as_deref();
            let levels = match code {
                None => vec![0],
                Some([]) => vec![1],
                Some(tokens) => tokens
                    .iter()
                    .map(|token| if token.is_some() { 3 } else { 2 })
                    .collect(),
            };
            repetition.extend((0..levels.len()).map(|i| i16::from(i > 0)));
            definition.extend(levels);
            values.extend(
                code.unwrap_or_default()
                    .iter()
                    .flatten()
                    .map(|&token| ByteArray::from(token.to_vec())),
            );
        }
        let mut columns = vec![
            texts(rows.iter().map(|row| row.0).collect()),
            texts(rows.iter().map(|row| row.1).collect()),
            (values, definition, Some(repetition)),
        ]
        .into_iter();
        while let Some(mut column) = group.next_column().unwrap() {
            match column.untyped() {
                ColumnWriter::Int32ColumnWriter(ids) => {
                    let values: Vec<i32> = (0..rows.len() as i32).collect();
                    ids.write_batch(&values, Some(&vec![1; rows.len()]), None)
                        .unwrap();
                }
                ColumnWriter::ByteArrayColumnWriter(texts) => {
                    let (values, definition, repetition) = columns.next().unwrap();
                    texts
                        .write_batch(&values, Some(&definition), repetition.as_deref())
                        .unwrap();
                }
                _ => unreachable!("the schema has no other types"),
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn lines(name: &str, n: usize) -> String {
    (0..n)
        .map(|i| format!("<s> {name} {i} {} </s>\n", "x ".repeat(i % 7)))
        .collect::<String>()
        .replace("  ", " ")
}

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
fn same_input_same_bytes_whatever_the_threads() {
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
        assert_eq!(files.len(), 8);
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

#[test]
fn a_fifth_of_the_files_is_held_out_and_the_seed_says_which() {
    let place = Place::new();
    place.write("a.txt", lines("line", 50));
    let held_out = |options: &str| {
        place
            .prepare(&format!("a.txt {options} --out out --force"))
            .unwrap();
        let files = place.split("out", Split::Validation);
        assert_eq!(place.split("out", Split::Train).len() + files.len(), 50);
        files.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    let usual = held_out("");
    assert_eq!(usual.len(), 10);
    assert_eq!(held_out("--seed 42"), usual);
    assert_ne!(held_out("--seed 43"), usual);
    assert_eq!(held_out("--validation 0.5").len(), 25);
    assert_eq!(held_out("--validation 0").len(), 0);
}

#[test]
fn packages_are_held_out_whole_and_the_vocabulary_is_the_trainings() {
    let place = Place::new();
    let rows: Vec<(String, String)> = (0..200)
        .map(|i| {
            (
                format!("p{}/f{i}.py", i % 20),
                format!("<s> of{} n{i} </s>", i % 20),
            )
        })
        .collect();
    let rows: Vec<Row> = rows
        .iter()
        .map(|(path, line)| (Some(&path[..]), None, row(path, "", line).2))
        .collect();
    write_parquet(&place.path("a.parquet"), &rows);
    place
        .prepare("a.parquet --split-by package --out out")
        .unwrap();
    let packages = |split| {
        let files = place.split("out", split);
        let mut packages: Vec<_> = files
            .iter()
            .map(|(path, _)| path.split('/').next().unwrap().to_owned())
            .collect();
        packages.sort();
        packages.dedup();
        (packages, files.len())
    };
    let (validation, held_out) = packages(Split::Validation);
    let (training, rest) = packages(Split::Train);
    assert_eq!((held_out, rest), (40, 160));
    assert!(validation.iter().all(|package| !training.contains(package)));
    assert_eq!(
        place.report("out")["held_out_packages"],
        serde_json::json!(validation)
    );
    let dataset = Dataset::open(&place.path("out")).unwrap();
    for (packages, is_known) in [(training, true), (validation, false)] {
        assert!(
            packages
                .iter()
                .all(|p| dataset.vocabulary().get(&p.replace('p', "of")).is_some() == is_known)
        );
    }
    // Tokens of held-out packages: their own two of four in each file.
    assert_eq!(place.report("out")["splits"]["validation"]["oov_rate"], 0.5);

    place.write("one.txt", lines("line", 50));
    let error = place.fails("one.txt --split-by package --out other");
    assert!(
        error.contains("no package is small enough") && error.contains("--split-by file"),
        "{error}"
    );
}

#[test]
fn a_test_split_now_or_later_is_the_same() {
    let place = Place::new();
    place.write("a.txt", lines("line", 40));
    place.write(
        "t.txt",
        "<s> line 3 new </s>\n<s> line 0 </s>\n<s> line 3 new </s>\n",
    );
    place
        .prepare("a.txt --validation 0 --vocabulary-size 12 --test t.txt --out now")
        .unwrap();
    place
        .prepare("--test t.txt --vocabulary now --out later")
        .unwrap();
    let expected = [
        ("t.txt:1", "<s> line 3 <UNK> </s>"),
        ("t.txt:2", "<s> line 0 </s>"),
    ];
    let expected = expected.map(|(path, tokens)| (path.to_owned(), tokens.to_owned()));
    assert_eq!(place.split("now", Split::Test), expected);
    for name in [
        Split::Test.shard(),
        Split::Test.paths(),
        TOKENIZER.to_owned(),
    ] {
        assert!(
            fs::read(place.path("now").join(&name)).unwrap()
                == fs::read(place.path("later").join(&name)).unwrap()
        );
    }
    assert_eq!(place.report("now")["test_files_also_in_training"], 1);
    assert!(
        Dataset::open(&place.path("later"))
            .unwrap()
            .files(Split::Train)
            .is_empty()
    );
}

#[test]
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
            format!(
                "{} {why}: {}",
                group["files"],
                group["examples"][0].as_str().unwrap()
            )
        })
        .collect();
    skipped.sort();
    assert_eq!(
        skipped,
        [
            "1 a link to a folder that was read already: folder.py/up",
            "1 a row with a null token: null-token.py",
            "1 a row without a path: row 5",
            "1 cannot be read: dangling.py: No such file or directory (os error 2)",
            "1 holds a reserved token: reserved.py: <PAD>",
            "1 not Python source: binary.py: it holds NUL bytes",
            "2 a token is empty or holds white space: space.py: \"two words\"",
            "3 not UTF-8: latin.py: invalid utf-8 sequence of 1 bytes from index 6",
            "5 not from <s> to </s>: null-list.py: it begins \"\"",
        ]
    );
}

#[test]
fn a_parquet_that_is_not_ours_or_not_whole_is_named() {
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
            error.contains("broken.parquet: not a whole Parquet file; get it again"),
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
            "column `code` is not of lists of strings",
        ),
        (
            "optional int32 path; optional binary code (UTF8);",
            "column `path` is not of strings",
        ),
    ] {
        let schema = parse_message_type(&format!("message schema {{ {schema} }}")).unwrap();
        let file = File::create(place.path("foreign.parquet")).unwrap();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
        writer.close().unwrap();
        let error = place.fails("foreign.parquet --out out");
        assert!(
            error.contains("foreign.parquet: a Parquet file of something else"),
            "{error}"
        );
        assert!(error.contains(cause), "{error}");
    }
    // A flipped bit may go unnoticed, or break the file or a row of it; it never brings the program down.
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        place.write("broken.parquet", bytes);
        if let Err(error) = place.prepare("broken.parquet --validation 0 --out flipped --force") {
            assert!(format!("{error:#}").contains("broken.parquet"), "{error:#}");
        }
    }
}

#[test]
fn what_stands_in_out_is_safe() {
    let place = Place::new();
    place.write("a.txt", lines("line", 20));
    place.write("precious/thesis.tex", "years");
    assert!(
        place
            .fails("a.txt --out precious --force")
            .contains("not made by `trainer prepare`")
    );
    assert!(
        place
            .fails("a.txt --out a.txt --force")
            .contains("cannot be used as --out")
    );
    fs::create_dir(place.path("out")).unwrap();
    place.prepare("a.txt --out out").unwrap();
    let before = place.report("out");
    assert!(place.fails("a.txt --seed 1 --out out").contains("--force"));
    assert_eq!(place.report("out"), before);
    assert!(
        place
            .fails("missing.txt --out out --force")
            .contains("missing.txt: cannot be read")
    );
    assert_eq!(place.report("out"), before);
    place.prepare("a.txt --seed 1 --out out --force").unwrap();
    assert_ne!(place.report("out"), before);
}

#[test]
fn wrong_use_is_told() {
    let place = Place::new();
    place.write("a.txt", lines("line", 20));
    place.write("b.csv", "1,2");
    place.write("empty/readme", "");
    place.write("none.txt", "");
    place.write("bad.json", "{}");
    for (line, cause) in [
        ("b.csv --out out", "b.csv: not a source"),
        (
            "empty --out out",
            "the sources hold no file that could be read; nothing was skipped",
        ),
        (
            "none.txt --out out",
            "the sources hold no file that could be read",
        ),
        (
            "google/code_x_glue --out out",
            "google/code_x_glue: cannot be read; a source is a file or folder on this machine",
        ),
        (
            "a.txt --vocabulary bad.json --out out",
            "bad.json: cannot be used as --vocabulary",
        ),
        (
            "a.txt --vocabulary nothing --out out",
            "nothing: cannot be read as --vocabulary",
        ),
        (
            "a.txt --vocabulary-size 70000 --out out",
            "70000 is not in 1..=65534",
        ),
        (
            "a.txt --validation 1 --out out",
            "must be a number from 0 to less than 1",
        ),
        (
            "--test a.txt --out out",
            "required arguments were not provided",
        ),
    ] {
        let error = place.fails(line);
        assert!(error.contains(cause), "{line}\n{error}\nis not: {cause}");
    }
}
