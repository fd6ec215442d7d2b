//! Every failure gives one line with the file, the cause and the remedy.

use super::*;

fn one() -> Vec<Package> {
    vec![sdist("tiny", &[("tiny-1/a.py", code("tiny", 0..30))])]
}

/// The error for these server responses.
fn line(change: impl Fn(&str, usize, Answer) -> Answer + Send + 'static) -> String {
    let place = Place::new(one(), change);
    let line = place.build(&[]).unwrap_err();
    assert!(
        !place.path("out/downloads/tiny-1.tar.gz").exists(),
        "{line}"
    );
    line
}

#[test]
fn a_package_missing_from_the_index() {
    assert_eq!(
        line(|_, _, _| Answer::status("404 Not Found")),
        "tiny-1.tar.gz: the index URL/simple has no package tiny; set PIP_INDEX_URL to another index"
    );
    assert_eq!(
        line(|path, _, answer| {
            let other = Answer::ok("<a href='/files/tiny-2.tar.gz'>");
            if path.contains("simple") {
                other
            } else {
                answer
            }
        }),
        "tiny-1.tar.gz: no longer in the index URL/simple; set PIP_INDEX_URL to another index, or remove its line \
         from the manifest"
    );
}

#[test]
fn a_file_with_the_wrong_checksum() {
    let line = line(|path, _, mut answer| {
        if path.contains("files") {
            answer.body[20] ^= 1;
        }
        answer
    });
    assert!(line.starts_with("tiny-1.tar.gz: its SHA-256 is "), "{line}");
    assert!(
        line.ends_with(
            "; set PIP_INDEX_URL to an index other than URL/simple, or correct the manifest"
        ),
        "{line}"
    );
}

#[test]
fn a_download_that_breaks_off() {
    let cut = |path: &str, answer: Answer| Answer {
        cut: path.contains("files").then_some(100),
        ..answer
    };
    let line = line(move |path, _, answer| cut(path, answer));
    let start = "tiny-1.tar.gz: cannot be downloaded; check the network and run the same command again: gave up \
                 after 5 attempts: URL/files/tiny-1.tar.gz: the download was cut off: ";
    assert!(line.starts_with(start), "{line}");
    // It fails twice, then succeeds.
    let place = Place::new(one(), move |path, before, answer| {
        if before < 2 {
            cut(path, answer)
        } else {
            answer
        }
    });
    place.build(&[]).unwrap();
    let downloads = place.path("out/downloads").read_dir().unwrap();
    assert_eq!(downloads.count(), 1);
}

#[test]
fn a_server_that_is_busy() {
    let busy = Answer {
        headers: "Retry-After: 0",
        ..Answer::status("503 Service Unavailable")
    };
    let first = busy.clone();
    let place = Place::new(
        one(),
        move |_, before, answer| {
            if before == 0 { first.clone() } else { answer }
        },
    );
    place.build(&[]).unwrap();
    assert_eq!(place.server.requests().len(), 4);
    assert_eq!(
        line(move |_, _, _| busy.clone()),
        "tiny-1.tar.gz: cannot be looked up; check the network and PIP_INDEX_URL: gave up after 5 attempts: \
         URL/simple/tiny/: the server answered 503 Service Unavailable"
    );
}

#[test]
fn an_archive_that_is_broken() {
    for name in ["tiny-1.tar.gz", "tiny-1.zip"] {
        let mut packages = one();
        packages[0].file = name.to_owned();
        let half = packages[0].bytes.len() / 2;
        packages[0].bytes.truncate(half);
        let line = Place::new(packages, |_, _, answer| answer)
            .build(&[])
            .unwrap_err();
        let start = format!(
            "{name}: the archive is broken although its SHA-256 matches the manifest; remove its line from the \
             manifest: "
        );
        assert!(line.starts_with(&start) && !line.contains('\n'), "{line}");
    }
}

#[test]
fn a_manifest_or_folder_that_cannot_be_used() {
    let place = Place::new(one(), |_, _, answer| answer);
    let manifest = place.path("manifest.tsv");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\ttrain", "\tboth")).unwrap();
    assert_eq!(
        place.build(&[]).unwrap_err(),
        "FOLDER/manifest.tsv line 2: split \"both\" is neither train nor test; correct it, or use \
         trainer/corpus/manifest.tsv"
    );
    fs::write(&manifest, text).unwrap();
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path("out/train.parquet"), "somebody's").unwrap();
    assert_eq!(
        place.build(&[]).unwrap_err(),
        "FOLDER/out: contains a train.parquet that `trainer corpus` did not write; choose another --out"
    );
    assert!(place.server.requests().is_empty());
}
