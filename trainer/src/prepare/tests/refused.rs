//! Invalid requests and their error messages.

use std::fs;

use super::{Place, lines};

#[test]
fn existing_files_in_out_are_not_overwritten() {
    let place = Place::new();
    place.write("a.txt", lines("line", 20));
    place.write("precious/thesis.tex", "years");
    assert!(
        place
            .fails("a.txt --out precious --force")
            .contains("not written by `trainer prepare`")
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
fn usage_errors_are_reported() {
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
            "the sources contain no readable file; nothing was skipped",
        ),
        ("none.txt --out out", "the sources contain no readable file"),
        (
            "google/code_x_glue --out out",
            "google/code_x_glue: cannot be read; a source is a local file or folder, or hf://OWNER/NAME",
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
            "must be a number of at least 0 and less than 1",
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
