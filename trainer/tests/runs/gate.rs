//! `trainer gate`: fits a gate to a trained network and evaluates it.

use std::fs;

use super::fixture::{Fixture, refused, stderr};

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn a_gate_is_fitted_measured_and_replaced() {
    let fixture = Fixture::new();
    assert!(fixture.train("run", &[]).status.success());
    let run = |arguments: &[&str]| {
        let output = fixture.trainer(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["export", "run/best", "--out", "network"]);
    let gate = ["gate", "network", "--data", "data", "--out", "joined"];
    let said = run(&[&gate[..], &["--epochs", "2"]].concat());
    assert!(
        said.contains("reranker, epoch 2") && said.contains("fitted on"),
        "{said}"
    );

    let read = |name: &str| fs::read(fixture.path(name)).unwrap();
    assert_eq!(
        read("joined/model.safetensors"),
        read("network/model.safetensors")
    );
    let card = String::from_utf8(read("joined/README.md")).unwrap();
    assert!(
        card.contains("## Combined with the context model"),
        "{card}"
    );

    // The functions of a file are numbered in order, so the buffer predicts better than a network of eight units.
    let measure = ["evaluate", "context", "joined", "--data", "data", "--json"];
    let figures = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&run(&[&measure[..], more].concat())).unwrap()
    };
    let all = figures(&["--without", "n-grams"]);
    let top1 = |column: &str| all[column]["strict"]["top1"].as_f64().unwrap();
    assert!(top1("all") > top1("network") + 0.02, "{all}");
    assert_eq!(all["- n-grams"]["targets"], all["all"]["targets"]);

    // The same seed gives the same gate, also when it replaces an earlier gate.
    run(&[
        "gate", "joined", "--data", "data", "--out", "again", "--epochs", "2",
    ]);
    assert_eq!(
        read("again/gate.safetensors"),
        read("joined/gate.safetensors")
    );
    assert_eq!(read("again/README.md"), read("joined/README.md"));

    refused(
        &fixture,
        &["evaluate", "context", "network", "--data", "data"],
        "`trainer gate`",
    );
    let unknown = [&measure[..], &["--without", "tea leaves"]].concat();
    refused(
        &fixture,
        &unknown,
        "--without tea leaves: no such expert; the experts are unknown names",
    );
    let path = fixture.path("data/validation.unknown.txt");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.lines().next().unwrap()).unwrap();
    refused(
        &fixture,
        &gate,
        "validation.unknown.txt: it does not have one line per file",
    );
    fs::remove_file(&path).unwrap();
    refused(&fixture, &gate, "validation.unknown.txt: it cannot be read");
}
