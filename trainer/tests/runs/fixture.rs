//! A small corpus, and commands over it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A prepared corpus and a folder for runs.
pub struct Fixture {
    pub folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        // Forty different files of a small language.
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small experiment with everything that a resume must restore: dropout, sampled classes, carried state, bf16.
    pub fn experiment(&self, name: &str, more: &str) {
        let text = format!(
            "[model]\narchitecture = \"residual_lstm\"\nembedding_size = 4\nhidden_size = 8\ndropout = 0.2\n\
             [training]\nloader = \"streams\"\nlanes = 3\nsteps = 16\nepochs = 2\nschedule = \"cosine\"\n\
             softmax_head = 10\nsoftmax_sample = 8\nprecision = \"bf16\"\n{more}\n"
        );
        fs::write(self.path(name), text).unwrap();
    }

    /// The same with a transformer.
    pub fn transformer(&self, name: &str, more: &str) {
        let text = format!(
            "[model]\narchitecture = \"transformer\"\nembedding_size = 8\nhidden_size = 8\ndropout = 0.2\n\
             [model.transformer]\nlayers = 2\nheads = 2\nkey_value_heads = 1\nhead_size = 4\nrotated_pairs = 1\n\
             inner_size = 12\nwindows = [5, 20]\n\
             [training]\nloader = \"streams\"\nlanes = 3\nsteps = 16\nepochs = 2\nschedule = \"cosine\"\n\
             algorithm = \"muon\"\naverage = 0.9\nprecision = \"bf16\"\n{more}\n"
        );
        fs::write(self.path(name), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    pub fn trainer(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The command that starts a run.
    pub fn beginning(&self, run: &str, more: &[&str]) -> Command {
        let begin = ["train", "--data", "data", "--config", "experiment.toml"];
        self.command(&[&begin[..], &["--out", run], more].concat())
    }

    pub fn train(&self, run: &str, more: &[&str]) -> Output {
        self.beginning(run, more).output().unwrap()
    }

    pub fn resume(&self, run: &str, more: &[&str]) -> Output {
        self.trainer(&[&["train", "--data", "data", "--resume", "--out", run], more].concat())
    }

    /// All outputs of a run that must not depend on interruptions.
    pub fn outcome(&self, run: &str) -> (Vec<Vec<u8>>, Vec<serde_json::Value>) {
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

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the trainer and expects a one-line error that contains `expected`.
pub fn refused(fixture: &Fixture, arguments: &[&str], expected: &str) {
    let output = fixture.trainer(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
    assert!(
        text.contains(expected),
        "{arguments:?} says\n{text}and not\n{expected}"
    );
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
}

/// Every file of a folder.
pub fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
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
