//! Which files are held out, and which tokens the vocabulary is built from.

use std::fs;

use minicopilot::tokenizer::TokenId;

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

#[test]
fn given_packages_can_be_held_out() {
    let place = Place::new();
    for (source, package) in [("src", "pa"), ("src", "pb"), ("src", "pc"), ("other", "pt")] {
        for n in 0..3 {
            let path = format!("{source}/{package}/{n}.py");
            place.write(&path, format!("{package}{n} = {n}"));
        }
    }
    let prepare = |out: &str, names: &str| {
        let line = format!("src --test other --out {out} --hold-out {names}");
        place.prepare(&line).unwrap();
        place.report(out)
    };
    let report = prepare("one", "pb pc");
    assert_eq!(report["held_out_packages"], serde_json::json!(["pb", "pc"]));
    assert_eq!(report["settings"]["split_by"], "package");
    assert_eq!(place.split("one", Split::Validation).len(), 6);
    let permuted = prepare("two", "pc pb pb");
    assert_eq!(report["fingerprint"], permuted["fingerprint"]);
    for (names, cause) in [
        (
            "pb x",
            "--hold-out x: the sources, apart from those of --test, contain no such package",
        ),
        ("pt", "--hold-out pt: the sources"),
        ("pa pb pc", "nothing would be left to train on"),
    ] {
        let error = place.fails(&format!("src --test other --out three --hold-out {names}"));
        assert!(error.contains(cause), "{names}: {error}");
    }
}

#[test]
fn pieces_cover_every_token() {
    let place = Place::new();
    place.write("a.txt", lines("line", 50));
    place
        .prepare("a.txt --pieces bpe --vocabulary-size 400 --out out")
        .unwrap();
    let report = place.report("out");
    let training = &report["splits"]["train"];
    assert_eq!(training["unknown"], 0);
    assert!(
        training["pieces"].as_u64() > training["tokens"].as_u64(),
        "{training}"
    );
    let dataset = Dataset::open(&place.path("out")).unwrap();
    let shards = dataset.files(Split::Validation);
    let pieces = shards.file(0).iter().map(|&id| TokenId::new(id.into()));
    let text: String = pieces
        .filter_map(|id| dataset.vocabulary().token(id))
        .collect();
    let paths = dataset.paths(Split::Validation).unwrap();
    assert!(
        !text.is_empty() && text.starts_with("<s> ") && text.ends_with("</s> "),
        "{paths:?}: {text}"
    );
    let error = place.fails("a.txt --pieces bpe --vocabulary-size 349 --out other");
    assert!(
        error.contains("349 is too small for --pieces, which needs 350"),
        "{error}"
    );
}
