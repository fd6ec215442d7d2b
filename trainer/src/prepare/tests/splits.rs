//! Which files are held out, and which tokens the vocabulary is built from.

use std::fs;

use super::rows::{Row, row, write_parquet};
use super::{Place, TOKENIZER, lines};
use crate::data::{Dataset, Split};

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
fn whole_packages_are_held_out_and_the_vocabulary_is_counted_on_training_data() {
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
    // Tokens of the held-out packages: two of four in each file are their own.
    assert_eq!(place.report("out")["splits"]["validation"]["oov_rate"], 0.5);

    place.write("one.txt", lines("line", 50));
    let error = place.fails("one.txt --split-by package --out other");
    assert!(
        error.contains("no package is small enough") && error.contains("--split-by file"),
        "{error}"
    );
}

#[test]
fn a_test_split_can_be_added_later() {
    let place = Place::new();
    place.write("a.txt", lines("line", 40));
    place.write(
        "t.txt",
        "<s> line 1 new </s>\n<s> line 0 </s>\n<s> line 1 new </s>\n",
    );
    place
        .prepare("a.txt --validation 0 --vocabulary-size 12 --test t.txt --out now")
        .unwrap();
    place
        .prepare("--test t.txt --vocabulary now --out later")
        .unwrap();
    let expected = [
        ("t.txt:1", "<s> line 1 <UNK> </s>"),
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
