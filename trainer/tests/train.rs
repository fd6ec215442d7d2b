//! The real `trainer`, from sources to checkpoints: interrupted, killed, resumed, and given what it must refuse.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A prepared corpus and room for runs.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        // Forty files of a small language, all different.
        let files = (0..40).map(|n| {
            let line = |k: usize| {
                format!(
                    "def f{} ( x ) : <EOL> return x + g{}",
                    (n * 7 + k) % 13,
                    (n + k) % 5
                )
            };
            let body: Vec<String> = (0..3 + n % 9).map(line).collect();
            format!("<s> n{n} = {n} <EOL> {} </s>\n", body.join(" <EOL> "))
        });
        fs::write(fixture.path("corpus.txt"), files.collect::<String>()).unwrap();
        fixture.experiment("experiment.toml", "");
        let prepared = fixture.trainer(&["prepare", "corpus.txt", "--out", "data"]);
        assert!(prepared.status.success(), "{}", stderr(&prepared));
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small experiment that uses everything a resume must carry on: dropout, sampled classes, carried state, bf16.
    fn experiment(&self, name: &str, more: &str) {
        let text = format!(
            "[model]\narchitecture = \"residual_lstm\"\nembedding_size = 4\nhidden_size = 8\ndropout = 0.2\n\
             [training]\nloader = \"streams\"\nlanes = 3\nsteps = 16\nepochs = 2\nschedule = \"cosine\"\n\
             softmax_head = 10\nsoftmax_sample = 8\nprecision = \"bf16\"\n{more}\n"
        );
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    fn trainer(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn train(&self, run: &str, more: &[&str]) -> Output {
        self.trainer(
            &[
                &[
                    "train",
                    "--data",
                    "data",
                    "--config",
                    "experiment.toml",
                    "--out",
                    run,
                ],
                more,
            ]
            .concat(),
        )
    }

    fn resume(&self, run: &str, more: &[&str]) -> Output {
        self.trainer(&[&["train", "--data", "data", "--resume", "--out", run], more].concat())
    }

    /// Everything of a run that must not depend on how often it was interrupted.
    fn outcome(&self, run: &str) -> (Vec<Vec<u8>>, Vec<serde_json::Value>) {
        let files = [
            "last/model.safetensors",
            "last/state.safetensors",
            "best/model.safetensors",
        ];
        let files = files
            .map(|file| fs::read(self.path(run).join(file)).unwrap())
            .to_vec();
        let log = fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        let lines = log.lines().map(|line| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            line.as_object_mut().unwrap().remove("seconds");
            line
        });
        (files, lines.collect())
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

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
    // Validations fall on some of the very steps that the run is cut at.
    fixture.experiment("experiment.toml", "validate_every = 96\npatience = 1000");
    let whole = fixture.train("whole", &[]);
    assert!(whole.status.success(), "{}", stderr(&whole));
    let expected = fixture.outcome("whole");
    assert!(expected.1.iter().any(|line| line["kind"] == "validation"));

    // Out of time after each single step, three times over, then to the end.
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

    // Resuming what is finished changes nothing.
    assert!(fixture.resume("cut", &[]).status.success());
    assert_eq!(fixture.outcome("cut"), expected);
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
        let arguments = [
            "train",
            "--data",
            "data",
            "--config",
            "experiment.toml",
            "--out",
            &run,
            "--save-every",
            "0.0001",
        ];
        let mut child = fixture.command(&arguments).spawn().unwrap();
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

/// Runs the trainer and expects it to fail with one line that says `expected`.
fn refused(fixture: &Fixture, arguments: &[&str], expected: &str) {
    let output = fixture.trainer(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
    assert!(
        text.contains(expected),
        "{arguments:?} says\n{text}and not\n{expected}"
    );
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
}

#[test]
fn what_cannot_work_is_refused_in_one_line() {
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
    assert!(!fixture.path("run").exists(), "nothing was begun");

    assert!(fixture.train("run", &[]).status.success());
    refused(
        &fixture,
        &train(&["--config", "experiment.toml"]),
        "already holds a run",
    );
    refused(
        &fixture,
        &train(&["--resume", "--seed", "7"]),
        "a run is resumed as it was begun",
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
        "holds no test part",
    );

    let weights = fixture.path("run/last/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    refused(
        &fixture,
        &train(&["--resume"]),
        "it was damaged or comes from another checkpoint",
    );
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint() {
    let fixture = Fixture::new();
    fixture.experiment("wild.toml", "learning_rate = 1e30\nclip = 0.0");
    let arguments = [
        "train",
        "--data",
        "data",
        "--config",
        "wild.toml",
        "--out",
        "wild",
    ];
    refused(
        &fixture,
        &arguments,
        "resume from it with a lower training.learning_rate",
    );
}

/// The size limit on files stands for a full disk: writing fails in the middle.
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
        stderr(&output).contains("the checkpoint before this one is untouched"),
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

#[test]
fn several_seeds_are_several_runs() {
    let fixture = Fixture::new();
    let arguments = ["--seeds", "1,2", "--max-tokens", "200"];
    assert!(fixture.train("runs", &arguments).status.success());
    let [one, two] = ["runs/seed-1", "runs/seed-2"].map(|run| fixture.outcome(run));
    assert_ne!(one, two);
    // The first is finished, the second has not begun: `--resume` does what is left.
    fs::remove_dir_all(fixture.path("runs/seed-2")).unwrap();
    let again = fixture.train("runs", &[&arguments[..], &["--resume"]].concat());
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(
        [one, two],
        ["runs/seed-1", "runs/seed-2"].map(|run| fixture.outcome(run))
    );
}

#[test]
fn bench_measures_both_precisions_and_names_a_python_that_fails() {
    let fixture = Fixture::new();
    let bench = [
        "bench",
        "--config",
        "experiment.toml",
        "--seconds",
        "0.01",
        "--rounds",
        "1",
        "--json",
    ];
    let output = fixture.trainer(&bench);
    assert!(output.status.success(), "{}", stderr(&output));
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = table
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["minicopilot bf16", "minicopilot f32"]);
    for row in table.as_array().unwrap() {
        let phases: f64 = row["phases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p[1].as_f64().unwrap())
            .sum();
        assert!(
            row["tokens_per_second"].as_f64().unwrap() > 0.0
                && row["peak_gflops"].as_f64().unwrap() > 0.0
        );
        assert!(
            (0.5..=1.01).contains(&phases),
            "the phases are {phases} of the time"
        );
    }
    for (python, expected) in [
        ("no-such-python", "cannot start no-such-python"),
        ("false", "false ended with exit status: 1"),
    ] {
        let output = fixture.trainer(&[&bench[..], &["--torch", python]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

/// What training and evaluation log fits together, and is what a report is made of.
#[test]
fn a_run_is_evaluated_and_reported() {
    let fixture = Fixture::new();
    assert!(fixture.train("run", &[]).status.success());
    let (_, log) = fixture.outcome("run");
    let lines: Vec<_> = log.iter().filter(|line| line["kind"] == "train").collect();
    assert!(!lines.is_empty());
    for line in lines {
        let norms = line["gradient_norms"].as_object().unwrap();
        let squares: f64 = norms.values().map(|n| n.as_f64().unwrap().powi(2)).sum();
        let total = line["gradient_norm"].as_f64().unwrap();
        assert!((squares.sqrt() / total - 1.0).abs() < 1e-9 && norms.len() == 11);
    }

    let evaluate = ["evaluate", "run/best", "--data", "data", "--out"];
    let out = |path: &'static str| [&evaluate[..], &[path]].concat();
    refused(&fixture, &out("nowhere/x.json"), "--out nowhere/x.json: ");
    let evaluated = fixture.trainer(&out("run/evaluation-validation.json"));
    assert!(evaluated.status.success(), "{}", stderr(&evaluated));
    let text = fs::read(fixture.path("run/evaluation-validation.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for context in ["whole", "1000"] {
        let measured = &record["contexts"][context];
        for parts in ["classes", "positions"] {
            let parts = measured[parts].as_array().unwrap();
            let targets: u64 = parts.iter().map(|p| p["targets"].as_u64().unwrap()).sum();
            assert_eq!(measured["figures"]["targets"], targets, "{context}");
        }
    }

    let reported = fixture.trainer(&["report", "run", "--out", "report.html"]);
    assert!(reported.status.success(), "{}", stderr(&reported));
    let html = fs::read_to_string(fixture.path("report.html")).unwrap();
    for section in [
        "Evaluation: validation",
        "Gradient norm of each parameter: run",
    ] {
        assert!(html.contains(section), "{section}");
    }
    refused(
        &fixture,
        &["report", "nowhere", "--out", "x.html"],
        "nowhere: no such folder",
    );
}

fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}
