//! Data sets from a local hub.

use std::fs;

use minicopilot::files::fingerprint;
use serde_json::json;

use super::Place;
use super::rows::{row, write_parquet};
use crate::data::Split;
use crate::test_server::{Answer, Server};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The bytes of a Parquet file with one row.
fn parquet(path: &str, tokens: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.parquet");
    write_parquet(&file, &[row(path, "P", tokens)]);
    fs::read(file).unwrap()
}

/// A hub with one data set of two parts; the first `busy` responses are 503, and one file's hash is wrong.
fn hub(busy: usize) -> Server {
    let files = [
        (
            "python/train-00000-of-00002.parquet",
            parquet("p/a.py", "<s> a </s>"),
        ),
        (
            "python/train-00001-of-00002.parquet",
            parquet("p/b.py", "<s> b </s>"),
        ),
        (
            "python/test-00000-of-00001.parquet",
            parquet("q/c.py", "<s> c </s>"),
        ),
        ("wrong.parquet", b"PAR1".to_vec()),
    ];
    let siblings = files.iter().map(|(name, bytes)| {
        let hash = if *name == "wrong.parquet" {
            String::new()
        } else {
            fingerprint::of(bytes)
        };
        json!({"rfilename": name, "size": bytes.len(), "lfs": {"sha256": hash}})
    });
    let mut siblings: Vec<_> = siblings.collect();
    siblings.push(json!({"rfilename": "README.md"}));
    siblings.push(json!({"rfilename": "../../evil.parquet"}));
    let listing = json!({"sha": COMMIT, "siblings": siblings, "private": false}).to_string();
    Server::start(move |path, before| {
        if before < busy {
            return Answer {
                headers: "Retry-After: 0",
                ..Answer::status("503 Service Unavailable")
            };
        }
        let root = format!("/datasets/o/n/resolve/{COMMIT}/");
        let file = path.strip_prefix(&root);
        let found = file.and_then(|file| files.iter().find(|(name, _)| *name == file));
        match (path, found) {
            ("/api/datasets/o/n/revision/main?blobs=true", _) => Answer::ok(listing.clone()),
            ("/api/datasets/o/empty/revision/main?blobs=true", _) => {
                Answer::ok(json!({"sha": COMMIT}).to_string())
            }
            ("/api/datasets/o/web/revision/main?blobs=true", _) => Answer::ok("<html>"),
            (_, Some((_, bytes))) => Answer::ok(bytes.clone()),
            _ => Answer::status("401 Unauthorized"),
        }
    })
}

#[test]
fn a_hub_data_set_can_be_a_source() {
    let server = hub(1);
    let place = Place::with_hub(&server.url);
    let line = "hf://o/n/python/train --test hf://o/n/python/test --validation 0 --out";
    place.prepare(&format!("{line} out")).unwrap();
    let file = |path: &str, tokens: &str| (path.to_owned(), tokens.to_owned());
    let train = [file("p/a.py", "<s> a </s>"), file("p/b.py", "<s> b </s>")];
    assert_eq!(place.split("out", Split::Train), train);
    assert_eq!(
        place.split("out", Split::Test),
        [file("q/c.py", "<s> <UNK> </s>")]
    );
    let sources = &place.report("out")["settings"]["sources"];
    let name = format!("hf://o/n@{COMMIT}/python/train-00000-of-00002.parquet");
    assert_eq!(
        sources[0],
        json!({"path": name, "kind": "parquet", "test": false})
    );
    let reference = fs::read_to_string(place.path("hub/datasets--o--n/refs/main")).unwrap();
    assert_eq!(reference, COMMIT);

    // Only the commit is requested again, no file.
    let before = server.requests().len();
    place.prepare(&format!("{line} again")).unwrap();
    assert_eq!(server.requests().len(), before + 2);
    assert_eq!(place.split("again", Split::Train), train);
}

#[test]
fn data_missing_on_the_hub_is_reported() {
    let server = hub(0);
    let place = Place::with_hub(&server.url);
    fs::create_dir(place.path("hub")).unwrap();
    let url = &server.url;
    for (source, expected) in [
        ("hf://o/n", "hf://o/n: has several parts; name one, as in hf://o/n/PART: python/test, python/train, wrong".to_owned()),
        ("hf://o/n/java", "hf://o/n/java: has no part java; its parts are python/test, python/train, wrong".to_owned()),
        ("hf://o/empty", "hf://o/empty: contains no Parquet files; try hf://o/empty@~parquet, the hub's conversion, or download the data set another way".to_owned()),
        ("hf://o/none", format!("hf://o/none: the hub {url} has no such data set or revision that you may read (401 Unauthorized); check the name, and set HF_TOKEN if the data set is not public")),
        ("hf://o/n@v9", format!("hf://o/n@v9: the hub {url} has no such data set or revision that you may read (401 Unauthorized); check the name, and set HF_TOKEN if the data set is not public")),
        ("hf://o/web", format!("hf://o/web: {url} does not answer like the hub; check HF_ENDPOINT: ")),
        ("hf://o/n/wrong", format!("hf://o/n/wrong: wrong.parquet: its SHA-256 is {}, but the hub says ; run the same command again", fingerprint::of(b"PAR1"))),
        ("hf://n", "hf://n: not a data set name; ".to_owned()),
    ] {
        let line = place.fails(&format!("{source} --out out"));
        assert!(line.starts_with(&expected) && !line.contains('\n'), "{line}");
    }
    let line = Place::new().fails("hf://o/n --out out");
    let start = "hf://o/n: the hub cannot be reached; check the network and HF_ENDPOINT, or name local Parquet files: ";
    assert!(line.starts_with(start), "{line}");
}
