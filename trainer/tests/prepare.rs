//! Runs `trainer prepare`, killed in the middle and without disk space: no output is left.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

const TRAINER: &str = env!("CARGO_BIN_EXE_trainer");

fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Distinct files of about 50 bytes, one per line.
fn lines(from: usize, to: usize) -> String {
    (from..to)
        .map(|i| format!("<s> name{i} = {i} <EOL> print ( name{i} ) </s>\n"))
        .collect()
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("corpus.txt");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut trainer = Command::new(TRAINER);
    trainer
        .arg("prepare")
        .arg(&pipe)
        .arg("--out")
        .arg(folder.path().join("out"));
    let trainer = trainer
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();

    // Opening blocks until the trainer reads; it then processes the first lines and waits for more.
    let mut corpus = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    corpus.write_all(lines(0, 50_000).as_bytes()).unwrap();
    let kill = Command::new("kill")
        .args(["-INT", &trainer.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    thread::sleep(Duration::from_millis(50));
    // The trainer may already have closed its end.
    let _ = corpus.write_all(lines(50_000, 100_000).as_bytes());
    drop(corpus);

    let Output {
        status,
        stdout,
        stderr,
    } = trainer.wait_with_output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert_eq!(stderr, "trainer: interrupted; nothing was written\n");
    assert!(stdout.is_empty());
    assert_eq!(names(folder.path()), ["corpus.txt"]);
}

#[test]
fn a_full_disk_is_reported_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = folder.path().join("corpus.txt");
    fs::write(&corpus, lines(0, 20_000)).unwrap();
    // A file-size limit replaces a full disk: the temporary file exceeds it.
    let prepare = |blocks: &str| {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg("trap '' XFSZ; ulimit -f $0; exec \"$@\"")
            .arg(blocks);
        shell
            .arg(TRAINER)
            .arg("prepare")
            .arg(&corpus)
            .arg("--out")
            .arg(folder.path().join("out"));
        shell.output().unwrap()
    };
    let output = prepare("100");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("free up space or choose another --out: File too large"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!(names(folder.path()), ["corpus.txt"]);
    assert!(prepare("unlimited").status.success());
}
