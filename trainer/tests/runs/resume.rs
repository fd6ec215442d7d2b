//! An interrupted run that is resumed gives the same result as an uninterrupted one.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use super::fixture::{Fixture, stderr};

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{what} did not happen"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill")
            .args([name, &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one_bit_for_bit() {
    let fixture = Fixture::new();
    // Some validations fall on the steps at which the run is cut.
    fixture.experiment("experiment.toml", "validate_every = 96\npatience = 1000");
    resumes(&fixture);
}

/// Also with keys and values as carried state, momentum instead of moments, and averages of the weights.
#[test]
fn a_resumed_transformer_over_pieces_equals_an_uninterrupted_one_bit_for_bit() {
    let fixture = Fixture::new();
    let pieces = [
        "prepare",
        "corpus.txt",
        "--pieces",
        "bpe",
        "--vocabulary-size",
        "380",
        "--out",
        "data",
        "--force",
    ];
    let prepared = fixture.trainer(&pieces);
    assert!(prepared.status.success(), "{}", stderr(&prepared));
    fixture.transformer("experiment.toml", "validate_every = 96\npatience = 1000");
    resumes(&fixture);
}

fn resumes(fixture: &Fixture) {
    let whole = fixture.train("whole", &[]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    let expected = fixture.outcome("whole");
    assert!(expected.1.iter().any(|line| line["kind"] == "validation"));

    // Stops at the time limit after each of three single steps, then runs to the end.
    assert!(
        fixture
            .train("cut", &["--max-minutes", "0"])
            .status
            .success()
    );
    for _ in 0..2 {
        assert!(
            fixture
                .resume("cut", &["--max-minutes", "0"])
                .status
                .success()
        );
    }
    assert!(fixture.resume("cut", &[]).status.success());
    assert_eq!(fixture.outcome("cut"), expected);

    // Resuming a finished run changes nothing.
    assert!(fixture.resume("cut", &[]).status.success());
    assert_eq!(fixture.outcome("cut"), expected);
}

/// The machine that resumes a run may be faster in the other precision. The run's experiment stays as it is.
#[test]
fn a_run_can_be_resumed_in_another_precision() {
    let fixture = Fixture::new();
    let one_step = ["--max-minutes", "0", "--precision", "f32"];
    assert!(fixture.train("run", &one_step).status.success());
    let config = || std::fs::read_to_string(fixture.path("run/config.toml")).unwrap();
    let before = config();
    let resumed = fixture.resume("run", &["--precision", "bf16"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert_eq!(config(), before);
}

/// A resume does not continue a run that was stopped early by validation either.
#[test]
fn a_run_that_stopped_improving_stays_stopped() {
    let fixture = Fixture::new();
    fixture.experiment(
        "experiment.toml",
        "validate_every = 96\npatience = 1\nlearning_rate = 1.0",
    );
    let run = fixture.train("run", &[]);
    let summary = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        summary.starts_with("stopped: validation no longer improves"),
        "{summary}"
    );
    let expected = fixture.outcome("run");
    assert!(fixture.resume("run", &[]).status.success());
    assert_eq!(fixture.outcome("run"), expected);
}

#[test]
fn signals_and_kills_lose_nothing_that_was_saved() {
    let fixture = Fixture::new();
    fixture.experiment("experiment.toml", "validate_every = 100000000");
    let text = fs::read_to_string(fixture.path("experiment.toml")).unwrap();
    fs::write(
        fixture.path("experiment.toml"),
        text.replace("epochs = 2", "epochs = 40"),
    )
    .unwrap();
    let expected = {
        assert!(fixture.train("whole", &[]).status.success());
        fixture.outcome("whole")
    };
    for (name, code) in [("-INT", Some(130)), ("-TERM", Some(130)), ("-KILL", None)] {
        let run = format!("run{name}");
        let mut beginning = fixture.beginning(&run, &["--save-every", "0.0001"]);
        let mut child = beginning.spawn().unwrap();
        wait_for("the first checkpoint", || {
            fixture.path(&run).join("last").exists()
        });
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), code, "{name}");
        let resumed = fixture.resume(&run, &[]);
        assert!(resumed.status.success(), "{name}: {}", stderr(&resumed));
        assert_eq!(fixture.outcome(&run), expected, "{name}");
    }
}

#[test]
fn a_run_can_start_from_the_weights_of_another() {
    let fixture = Fixture::new();
    assert!(fixture.train("first", &[]).status.success());
    let from = ["--from", "first/last"];
    assert!(fixture.train("whole", &from).status.success());
    let expected = fixture.outcome("whole");
    let loss = |log: &[serde_json::Value]| log[0]["loss"].as_f64().unwrap();
    assert!(loss(&expected.1) < loss(&fixture.outcome("first").1));

    let cut = fixture.train("cut", &[&from[..], &["--max-minutes", "0"]].concat());
    assert!(cut.status.success(), "{}", stderr(&cut));
    assert!(fixture.resume("cut", &[]).status.success());
    assert_eq!(fixture.outcome("cut"), expected);

    let read = |folder: &str| -> serde_json::Value {
        let config = fs::read(fixture.path(folder).join("config.json")).unwrap();
        serde_json::from_slice(&config).unwrap()
    };
    let (first, second) = (read("first/last"), read("cut/last"));
    let origin = &second["training"]["from"];
    assert_eq!(origin["weights"], first["fingerprints"]["weights"]);
    assert_eq!(origin["training"], first["training"]);
    let card = fs::read_to_string(fixture.path("cut/last/README.md")).unwrap();
    let tokens = |config: &serde_json::Value| config["training"]["tokens"].as_u64().unwrap();
    let both = tokens(&first) + tokens(&second);
    assert!(
        card.contains(&format!("Trained on {both} tokens")),
        "{card}"
    );
}

#[test]
fn several_seeds_are_several_runs() {
    let fixture = Fixture::new();
    let arguments = ["--seeds", "1,2", "--max-tokens", "200"];
    assert!(fixture.train("runs", &arguments).status.success());
    let [one, two] = ["runs/seed-1", "runs/seed-2"].map(|run| fixture.outcome(run));
    assert_ne!(one, two);
    // The first run is finished and the second has not started: `--resume` runs the second.
    fs::remove_dir_all(fixture.path("runs/seed-2")).unwrap();
    let again = fixture.train("runs", &[&arguments[..], &["--resume"]].concat());
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(
        [one, two],
        ["runs/seed-1", "runs/seed-2"].map(|run| fixture.outcome(run))
    );
}
