//! Invalid requests end with a one-line error and lose no data.

use std::fs;
use std::process::Command;

use super::fixture::{Fixture, refused, snapshot, stderr};

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn runs_that_cannot_start_fail_with_one_line() {
    let fixture = Fixture::new();
    let train =
        |more: &[&'static str]| [&["train", "--data", "data", "--out", "run"], more].concat();
    refused(
        &fixture,
        &train(&["--config", "missing.toml"]),
        "cannot read the experiment missing.toml",
    );
    fs::write(
        fixture.path("typo.toml"),
        "[model]\narchitecture = \"gru\"\n",
    )
    .unwrap();
    refused(&fixture, &train(&["--config", "typo.toml"]), "typo.toml");
    refused(
        &fixture,
        &train(&["--config", "experiment.toml", "--device", "tpu"]),
        "expected cpu, cuda or cuda:N",
    );
    refused(
        &fixture,
        &train(&["--config", "experiment.toml", "--device", "cuda"]),
        "--device cuda",
    );
    refused(&fixture, &train(&["--resume"]), "run/config.toml");
    let nowhere = [
        "train",
        "--config",
        "experiment.toml",
        "--data",
        "nowhere",
        "--out",
        "run",
    ];
    refused(&fixture, &nowhere, "nowhere");
    let prepare = [
        "prepare",
        "corpus.txt",
        "--validation",
        "0",
        "--out",
        "whole",
    ];
    assert!(fixture.trainer(&prepare).status.success());
    refused(
        &fixture,
        &[
            "train",
            "--config",
            "experiment.toml",
            "--data",
            "whole",
            "--out",
            "run",
        ],
        "whole has no validation split",
    );
    fixture.experiment("tail.toml", "");
    let text = fs::read_to_string(fixture.path("tail.toml")).unwrap();
    let text = text.replace("softmax_sample = 8", "");
    fs::write(fixture.path("tail.toml"), text).unwrap();
    refused(
        &fixture,
        &[
            "train",
            "--config",
            "tail.toml",
            "--data",
            "data",
            "--out",
            "tail",
        ],
        "so softmax_sample must be at least 1",
    );
    assert!(!fixture.path("run").exists(), "nothing was started");
}

#[test]
fn runs_that_cannot_continue_fail_with_one_line() {
    let fixture = Fixture::new();
    let train =
        |more: &[&'static str]| [&["train", "--data", "data", "--out", "run"], more].concat();
    assert!(fixture.train("run", &[]).status.success());
    refused(
        &fixture,
        &train(&["--config", "experiment.toml"]),
        "already contains a run",
    );
    refused(
        &fixture,
        &train(&["--resume", "--seed", "7"]),
        "a resumed run keeps its experiment",
    );
    fs::write(
        fixture.path("other.txt"),
        "<s> a b c </s>\n<s> d e f </s>\n<s> g </s>\n<s> h i </s>\n<s> j </s>\n",
    )
    .unwrap();
    assert!(
        fixture
            .trainer(&["prepare", "other.txt", "--out", "other"])
            .status
            .success()
    );
    refused(
        &fixture,
        &["train", "--resume", "--data", "other", "--out", "run"],
        "another vocabulary",
    );
    refused(
        &fixture,
        &["evaluate", "run/best", "--data", "other"],
        "another vocabulary",
    );
    refused(
        &fixture,
        &["evaluate", "run/best", "--data", "data", "--split", "test"],
        "has no test split",
    );

    let log = fixture.path("run/metrics.jsonl");
    let text = fs::read(&log).unwrap();
    fs::write(&log, &text[..text.len() - 1]).unwrap();
    refused(
        &fixture,
        &train(&["--resume"]),
        "when the last checkpoint was saved; restore it",
    );
    fs::write(&log, text).unwrap();

    let weights = fixture.path("run/last/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    refused(
        &fixture,
        &train(&["--resume"]),
        "it is damaged or belongs to another checkpoint",
    );
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint() {
    let fixture = Fixture::new();
    let begun = fixture.train("run", &["--max-minutes", "0"]);
    assert!(begun.status.success(), "{}", stderr(&begun));
    let before = snapshot(&fixture.path("run/last"));
    let config = fixture.path("run/config.toml");
    let sane = fs::read_to_string(&config).unwrap();
    let wild = sane.replace("learning_rate = 0.001", "learning_rate = 1e38");
    assert_ne!(wild, sane);
    fs::write(&config, wild).unwrap();
    let resume = ["train", "--resume", "--data", "data", "--out", "run"];
    refused(
        &fixture,
        &resume,
        "lower training.learning_rate or clip in run/config.toml and continue from it with --resume",
    );
    assert_eq!(snapshot(&fixture.path("run/last")), before);
    fs::write(&config, sane).unwrap();
    assert!(fixture.resume("run", &[]).status.success());
}

/// A file-size limit replaces a full disk: writing fails in the middle.
#[test]
fn a_full_disk_leaves_the_last_good_checkpoint() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .train("run", &["--max-minutes", "0"])
            .status
            .success()
    );
    let before = snapshot(&fixture.path("run/last"));
    let trainer = env!("CARGO_BIN_EXE_trainer");
    let script =
        format!("trap '' XFSZ; ulimit -f 4; exec {trainer} train --resume --data data --out run");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(fixture.folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("the previous checkpoint is untouched"),
        "{}",
        stderr(&output)
    );
    assert_eq!(snapshot(&fixture.path("run/last")), before);
    assert_eq!(
        fs::read_dir(fixture.path("run")).unwrap().count(),
        3,
        "config.toml, metrics.jsonl, last"
    );
    assert!(fixture.resume("run", &[]).status.success());
}
