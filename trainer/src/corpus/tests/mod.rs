//! Builds corpora from small packages on a local server, including failures.

mod packages;
mod wrong;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use parquet::file::reader::SerializedFileReader;
use parquet::record::{ListAccessor, RowAccessor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use self::packages::{Package, code, sdist, wheel};
use super::*;
use crate::cli::CorpusArgs;
use crate::host::Silent;
use crate::test_server::{Answer, Server};

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    args: CorpusArgs,
}

/// A folder, a package index, and a manifest of its packages.
struct Place {
    folder: TempDir,
    server: Server,
    host: Silent,
}

impl Place {
    /// `change` may replace the server's answer, given the path and the number of earlier requests for it.
    fn new(
        packages: Vec<Package>,
        change: impl Fn(&str, usize, Answer) -> Answer + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest: String = packages.iter().map(Package::line).collect();
        let head = "name\tversion\tfile\tsha256\tbytes\tsplit\n";
        fs::write(
            folder.path().join("manifest.tsv"),
            format!("{head}{manifest}"),
        )
        .unwrap();
        let server = Server::start(move |path, before| {
            let answers = packages.iter().filter_map(|package| package.answer(path));
            let found = answers.into_iter().next();
            change(
                path,
                before,
                found.unwrap_or(Answer::status("404 Not Found")),
            )
        });
        Self {
            folder,
            server,
            host: Silent::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `trainer corpus` with additional arguments. Returns the contents of corpus.json, or the error line.
    fn build(&self, more: &[&str]) -> Result<Value, String> {
        let manifest = self.path("manifest.tsv");
        let out = self.path("out");
        let fixed = [
            "corpus",
            manifest.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        let args = CommandLine::parse_from(fixed.iter().chain(more)).args;
        let client = Client::new(None, Duration::ZERO, &self.host).unwrap();
        let index = format!("{}/simple", self.server.url);
        let report =
            build_from(&args.settings(), &client, &index, &self.host).map_err(|error| {
                let line = format!("{error:#}").replace(&self.server.url, "URL");
                line.replace(self.folder.path().to_str().unwrap(), "FOLDER")
            })?;
        assert!(report.to_string().lines().count() >= 3);
        let bytes = fs::read(out.join(REPORT)).unwrap();
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    /// Path, package and number of tokens of each row of a split.
    fn rows(&self, part: &str) -> Vec<(String, String, usize)> {
        let file = fs::File::open(self.path("out").join(part)).unwrap();
        let rows = SerializedFileReader::new(file).unwrap().into_iter();
        rows.enumerate()
            .map(|(number, row)| {
                let row = row.unwrap();
                assert_eq!(row.get_int(0).unwrap(), number as i32);
                let code = row.get_list(3).unwrap();
                assert_eq!(code.get_string(0).unwrap(), "<s>");
                assert_eq!(code.get_string(code.len() - 1).unwrap(), "</s>");
                (
                    row.get_string(1).unwrap().clone(),
                    row.get_string(2).unwrap().clone(),
                    code.len(),
                )
            })
            .collect()
    }

    fn paths(&self, part: &str) -> Vec<String> {
        self.rows(part).into_iter().map(|(path, ..)| path).collect()
    }
}

/// Two packages that trigger most rules.
fn two() -> Vec<Package> {
    let near = code("tiny", 0..30) + &code("else", 0..3);
    let tiny = [
        ("tiny-1/setup.py", "setup()\n".to_owned()),
        ("tiny-1/tiny/a.py", code("tiny", 0..30)),
        ("tiny-1/tiny/same.py", code("tiny", 0..30) + "# a comment\n"),
        ("tiny-1/tiny/near.py", near),
        ("tiny-1/tiny/b.py", code("more", 0..30)),
        ("tiny-1/tiny/_vendor/c.py", code("c", 0..30)),
        ("tiny-1/tiny/data.txt", code("d", 0..30)),
        ("tiny-1/../../../evil.py", code("e", 0..30)),
        ("/tmp/absolute.py", code("f", 0..30)),
    ];
    let other = [
        ("other/half.py", code("more", 0..20) + &code("own", 0..8)),
        ("other/own.py", code("another", 0..30)),
        ("../out.py", code("g", 0..30)),
    ];
    vec![sdist("tiny", &tiny), wheel("Other.Name", &other)]
}

#[test]
fn packages_become_a_corpus() {
    let place = Place::new(two(), |_, _, answer| answer);
    let report = place.build(&[]).unwrap();
    assert_eq!(report["packages"][0]["seen"], 7);
    assert_eq!(
        report["packages"][0]["left_out"],
        json!({"folder": 1, "size": 1, "duplicate": 1, "near_duplicate": 1})
    );
    assert_eq!(
        report["packages"][1]["left_out"],
        json!({"near_duplicate": 1})
    );
    let train = place.rows("train.parquet");
    assert_eq!(train.len(), 3);
    assert_eq!(place.paths("test.parquet"), ["Other.Name/other/own.py"]);
    let tokens: usize = train.iter().map(|row| row.2).sum();
    assert_eq!(report["packages"][0]["tokens"], tokens);
    assert!(train.iter().all(|row| row.1 == "tiny"));
    let mut keys: Vec<_> = train.iter().map(|row| row.0.clone()).collect();
    assert!(keys.contains(&"tiny/absolute.py".to_owned()), "{keys:?}");
    keys.sort_by_key(|path| Sha256::digest(path));
    assert_eq!(keys, place.paths("train.parquet"));

    // The second build downloads nothing, and the same input gives the same bytes.
    let before = fs::read(place.path("out/train.parquet")).unwrap();
    let requests = place.server.requests();
    assert_eq!(requests.len(), 4, "{requests:?}");
    place.build(&[]).unwrap();
    assert_eq!(place.server.requests(), requests);
    assert_eq!(fs::read(place.path("out/train.parquet")).unwrap(), before);

    let all = place.build(&["--keep-duplicates"]).unwrap();
    assert_eq!(all["total"]["left_out"], json!({"folder": 1, "size": 1}));
    assert_eq!(place.rows("test.parquet").len(), 2);

    // The output file of an empty split is removed.
    let one = place.build(&["--package", "tiny"]).unwrap();
    assert_eq!(one["packages"].as_array().unwrap().len(), 1);
    assert!(!place.path("out/test.parquet").exists());
    assert!(!place.path("evil.py").exists());
}

#[test]
fn an_interrupt_keeps_what_is_there() {
    let place = Place::new(two(), |_, _, answer| answer);
    place.build(&["--package", "tiny"]).unwrap();
    let requests = place.server.requests();
    place.host.cancel();
    let line = place.build(&[]).unwrap_err();
    assert_eq!(
        line,
        "interrupted; downloads are kept, and the same command continues from there"
    );
    assert_eq!(place.server.requests(), requests);
    assert!(place.path("out/downloads/tiny-1.tar.gz").is_file());
}
