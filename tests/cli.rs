//! The command line: output and exit status.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use common::{URI, failure, minicopilot, next_tokens_at, run, start};
use minicopilot::lsp::Position;
use serde_json::{Value, json};

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// A folder with a small program, and that program's path.
fn example() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.py");
    fs::write(
        &path,
        "import os\nprint(os.path.join('a', \"b\"))  # both\n",
    )
    .unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn complete_shows_five_tokens() {
    let (_folder, path) = example();
    let place = format!("{path}:2:7");
    let output = run(&["complete", &place]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output).lines().count(), 5);
    assert!(stdout(&output).lines().all(|line| line.contains(" %")));

    let output = run(&["complete", &place, "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tokens = answer["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 5);
    assert!(
        tokens
            .iter()
            .all(|next| next["token"].is_string() && next["probability"].is_f64())
    );
    let in_comment = run(&["complete", &format!("{path}:2:34"), "--json"]);
    assert_eq!(stdout(&in_comment), "{\"tokens\":[]}\n");
}

#[test]
fn complete_explains_its_candidates() {
    let (folder, path) = example();
    let explained = |place: &str| -> Vec<Value> {
        let output = run(&["complete", "--why", "--json", place]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        serde_json::from_value(answer["tokens"].take()).unwrap()
    };
    // After `print(`.
    let place = format!("{path}:2:7");
    let tokens = explained(&place);
    assert_eq!(tokens.len(), 5);
    for next in &tokens {
        assert_eq!(next["origin"], "model");
        let shares = next["source"].as_object().unwrap().values();
        let shares: Vec<f64> = shares.map(|share| share.as_f64().unwrap()).collect();
        assert!(shares.iter().all(|&share| share >= 0.01), "{next}");
        let sum: f64 = shares.iter().sum();
        assert!(sum > 0.9 && sum < 1.0 + 1e-5, "{next}");
    }
    let plain = run(&["complete", "--json", &place]);
    let mut plain: Value = serde_json::from_slice(&plain.stdout).unwrap();
    let of_plain = plain["tokens"].as_array_mut().unwrap();
    for (plain, next) in of_plain.iter_mut().zip(&tokens) {
        plain["origin"] = next["origin"].clone();
        plain["source"] = next["source"].clone();
    }
    assert_eq!(*of_plain, tokens, "the list is the same without --why");

    let output = run(&["complete", "--why", &place]);
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 10);
    for (next, lines) in tokens.iter().zip(lines.chunks(2)) {
        assert!(lines[0].contains(next["token"].as_str().unwrap()));
        assert!(lines[1].starts_with("    model: ") && lines[1].ends_with(" %"));
    }

    let keys = folder.path().join("keys.py");
    fs::write(&keys, "prices = {'apple': 1}\nprint(prices['").unwrap();
    let place = format!("{}:2:15", keys.display());
    assert_eq!(
        explained(&place),
        [json!({"token": "apple'", "probability": 1.0, "origin": "dictionaryKey", "source": {}})]
    );
}

#[test]
fn complete_shows_the_rest_of_a_line() {
    let line = |column: usize, more: &[&str]| -> Vec<(Vec<String>, f64)> {
        let place = format!("tests/python/pytorch_model.py:21:{column}");
        let output = run(&[&["complete", "--line", "--json", &place], more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let lines = answer["lines"].as_array().unwrap().iter().map(|line| {
            let tokens = serde_json::from_value(line["tokens"].clone()).unwrap();
            (tokens, line["log_probability"].as_f64().unwrap())
        });
        lines.collect()
    };
    // `        self.output = nn.Linear(…`, after `=`.
    let greedy = line(22, &[]);
    let (tokens, log_probability) = &greedy[0];
    assert_eq!(greedy.len(), 1);
    assert_eq!(
        tokens.iter().position(|token| token == "<EOL>"),
        Some(tokens.len() - 1)
    );
    assert!(*log_probability < 0.0);
    assert_eq!(line(22, &["--beam", "1"]), greedy);
    let one_token = ["--temperature", "1", "--top-k", "1", "--top-p", "0.9"];
    assert_eq!(line(22, &one_token), greedy);
    let beam = line(22, &["--beam", "3", "--length-penalty", "0"]);
    assert_eq!(beam.len(), 3);
    assert!(beam.is_sorted_by(|(_, a), (_, b)| a >= b));
    let sampled = line(22, &["--temperature", "0.8", "--seed", "3"]);
    assert_eq!(sampled.len(), 1);
    assert_eq!(line(22, &["--temperature", "0.8", "--seed", "3"]), sampled);
    // After `self.o`: the first token begins with the typed prefix.
    assert!(line(15, &[])[0].0[0].starts_with('o'));

    let output = run(&["complete", "--line", "tests/python/pytorch_model.py:21:22"]);
    let expected = format!("{log_probability:9.3}  {}\n", tokens.join(" "));
    assert_eq!(stdout(&output), expected);
    // At the end of the line: one token, with the probability that the server reports for the network.
    let end = line(62, &[]);
    assert_eq!(end[0].0, ["<EOL>"]);
    let text = fs::read_to_string("tests/python/pytorch_model.py").unwrap();
    let mut client = start();
    client.open(URI, "python", 1, &text).unwrap();
    let params = next_tokens_at(URI, Position::new(20, 61), 1);
    let answer = client.call("minicopilot/nextTokens", params).unwrap();
    let next = &answer["tokens"][0];
    assert_eq!(next["token"], "<EOL>");
    assert!((end[0].1.exp() - next["network"].as_f64().unwrap()).abs() < 1e-3);

    let (_folder, path) = example();
    let in_comment = run(&["complete", "--line", "--json", &format!("{path}:2:34")]);
    assert_eq!(stdout(&in_comment), "{\"lines\":[]}\n");
}

#[test]
fn tokens_prints_a_line_for_each_file() {
    let (folder, path) = example();
    let empty = folder.path().join("empty.py");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    insta::assert_snapshot!(stdout(&run(&["tokens", &path, empty])), @r#"
    <s> import os <EOL> print ( os . path . join ( '<STR_LIT:a>' , "<STR_LIT:b>" ) ) </s>
    <s> </s>
    "#);
    let json = run(&["tokens", "--json", &path, empty]);
    let plain = run(&["tokens", &path, empty]);
    for (json, plain) in stdout(&json).lines().zip(stdout(&plain).lines()) {
        let tokens: Vec<String> = serde_json::from_str(json).unwrap();
        assert_eq!(tokens.join(" "), plain);
    }

    let some = run(&["tokens", "/does/not/exist.py", &path]);
    assert_eq!(some.status.code(), Some(1));
    assert_eq!(stdout(&some).lines().count(), 1, "the others are printed");
    assert!(
        String::from_utf8_lossy(&some.stderr)
            .starts_with("minicopilot: cannot read /does/not/exist.py: ")
    );
}

#[test]
fn doctor_passes_its_self_test() {
    let output = run(&["doctor"]);
    let report = stdout(&output);
    assert!(report.contains("self-test         passed"), "{report}");
}

#[test]
fn info_describes_the_model() {
    let output = run(&["info", "--json"]);
    let described: Value = serde_json::from_slice(&output.stdout).unwrap();
    let model = &described["model"];
    assert!(model["parameters"].as_u64() > model["vocabulary_size"].as_u64());
    assert!(
        stdout(&run(&["info"])).contains(described["fingerprints"]["weights"].as_str().unwrap())
    );
}

#[test]
fn evaluate_measures_the_server() {
    let (folder, path) = example();
    let measure = || {
        let folder = folder.path().to_str().unwrap();
        let output = run(&["evaluate", "quality", folder, "--json"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = measure();
    // `import os <EOL> print ( os . path . join ( 'a' , "b" ) ) <EOL>`: the last `<EOL>` is not a target, `</s>` is.
    let tokens = stdout(&run(&["tokens", &path])).split_whitespace().count() as u64 - 1;
    assert_eq!(report["figures"]["targets"], tokens);
    assert_eq!(report["figures"]["identifiers"]["targets"], 5);
    assert_eq!(report["figures"]["attributes"]["targets"], 2);
    assert_eq!(report["latency"]["next_tokens"]["answers"], tokens);
    assert!(report["latency"]["completion"]["p50_ms"].as_f64() > Some(0.0));
    assert_eq!(
        measure()["figures"],
        report["figures"],
        "the same every time"
    );

    let table = run(&["evaluate", &path, "--sample", "3", "--seed", "7"]);
    assert!(
        String::from_utf8_lossy(&table.stderr).contains("is now `minicopilot evaluate quality")
    );
    assert!(stdout(&table).starts_with("files 1, blocks 1, seed 7, without a workspace"));
    assert!(stdout(&table).contains("strict top5"));
}

#[test]
fn evaluate_measures_lines_and_identifiers_and_writes_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let module = "import os\n\n\ndef joined(folder, names):\n    return [os.path.join(folder, name) for name in names]\n";
    fs::write(path("a.py"), module.repeat(8)).unwrap();
    fs::write(
        path("b.py"),
        "from a import joined\nprint(joined('x', ['y']))\n".repeat(40),
    )
    .unwrap();
    let whole = path("");
    let figures = |measurement: &str, more: &[&str]| -> Value {
        let output = run(&[&["evaluate", measurement, &whole, "--json"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let page = path("page.html");
    let alone = figures("quality", &["--sample", "0", "--html", &page]);
    let project = figures("quality", &["--sample", "0", "--project"]);
    assert_eq!(
        (&alone["project"], &project["project"]),
        (&Value::Bool(false), &Value::Bool(true))
    );
    assert_eq!(alone["figures"]["targets"], project["figures"]["targets"]);
    let parts = alone["parts"].as_array().unwrap();
    let of_classes = parts.iter().filter(|part| part["by"] == "class");
    let targets: u64 = of_classes
        .map(|part| part["targets"].as_u64().unwrap())
        .sum();
    assert_eq!(alone["figures"]["targets"], targets);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("a.py:"), "{page}");

    let lines = figures("lines", &["--sample", "2"]);
    assert_eq!(lines["lines"], 2);
    let found = figures("identifiers", &["--sample", "3", "--project"]);
    // A text that is repeated eight times only occurs within its own file, which is no reason to exclude it.
    assert!(found["identifiers"].as_u64() > Some(0), "{found}");
    assert_eq!(found["known_elsewhere"], 0);
    assert_eq!(found["errors"], 0);
}

#[test]
fn errors_are_one_line_with_the_file_and_the_cause() {
    let (folder, path) = example();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("binary.py"), b"\x7fELF\0\0").unwrap();
    fs::write(at("comment.py"), "# nothing\n").unwrap();
    fs::create_dir(at("empty")).unwrap();
    let messages = [
        failure(folder.path(), &["complete", &(at("missing.py") + ":1:1")]),
        failure(folder.path(), &["complete", &(at("binary.py") + ":1:1")]),
        failure(folder.path(), &["complete", &(at("empty") + ":1:1")]),
        failure(folder.path(), &["complete", &(path.clone() + ":9:1")]),
        failure(folder.path(), &["complete", &(path.clone() + ":1:99")]),
        failure(folder.path(), &["tokens", &at("empty")]),
        failure(folder.path(), &["evaluate", "quality", &at("empty")]),
        failure(folder.path(), &["evaluate", "quality", &at("missing")]),
        failure(folder.path(), &["evaluate", "lines", &at("comment.py")]),
        failure(folder.path(), &["evaluate", "latency", &at("comment.py")]),
        failure(folder.path(), &["info", "--model", &path]),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r"
    minicopilot: cannot read DIR/missing.py: No such file or directory (os error 2)
    minicopilot: DIR/binary.py is not Python source: it contains NUL bytes
    minicopilot: cannot read DIR/empty: Is a directory (os error 21)
    minicopilot: DIR/a.py has no line 9: the last is 3
    minicopilot: DIR/a.py: line 1 has no column 99: the last is 10
    minicopilot: cannot read DIR/empty: Is a directory (os error 21)
    minicopilot: no .py file was found in the given paths
    minicopilot: cannot read DIR/missing: No such file or directory (os error 2)
    minicopilot: these files contain nothing to complete
    minicopilot: these files contain nothing to complete
    minicopilot: DIR/a.py is a file; --model takes a checkpoint folder
    ");
    // A warning has the same form.
    let output = run(&[
        "evaluate",
        "lines",
        "--sample",
        "1",
        &at("binary.py"),
        &at("comment.py"),
    ]);
    let warning =
        String::from_utf8_lossy(&output.stderr).replace(&*folder.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!(warning, @r"
    minicopilot: DIR/binary.py is not Python source: it contains NUL bytes; skipping this file
    minicopilot: these files contain nothing to complete
    ");
}

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [
        &[] as &[&str],
        &["complet"],
        &["complete"],
        &["complete", "a.py"],
        &["complete", "a.py:0:1"],
        &["complete", "a.py:1:1", "--beam", "2"],
        &["complete", "a.py:1:1", "--line", "--why"],
        &["complete", "a.py:1:1", "--line", "--beam", "0"],
        &[
            "complete",
            "a.py:1:1",
            "--line",
            "--beam",
            "2",
            "--temperature",
            "1",
        ],
        &["complete", "a.py:1:1", "--line", "--temperature", "0"],
        &[
            "complete",
            "a.py:1:1",
            "--line",
            "--temperature",
            "1",
            "--top-p",
            "1.1",
        ],
        &["complete", "a.py:1:1", "--line", "--seed", "1"],
        &["tokens"],
        &["evaluate"],
        &["evaluate", "quality", "a.py", "--sample", "-1"],
        &["evaluate", "latency", "a.py", "--rate", "nan"],
        &["evaluate", "latency", "a.py", "--server", " "],
        &["serve", "--socket=1"],
        &["info", "--model"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    let negative = run(&["complete", "a.py:1:1", "--line", "--temperature", "-1"]);
    let message = String::from_utf8_lossy(&negative.stderr).into_owned();
    assert!(
        message.contains("expected a number from 0.01 to 100"),
        "{message}"
    );
    for arguments in [["--help"], ["--version"]] {
        assert_eq!(run(&arguments).status.code(), Some(0));
    }
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let (_folder, path) = example();
    let mut command = minicopilot();
    command
        .arg("tokens")
        .args(vec![path; 20_000])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let (_folder, path) = example();
    for arguments in [&["tokens", &path] as &[&str], &["info"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = minicopilot().args(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            message,
            "minicopilot: cannot write to standard output: No space left on device (os error 28)\n"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_exits_with_130() {
    let mut command = minicopilot();
    let mut child = command
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first answer shows that the server is running.
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &minicopilot::lsp::frame(request.as_bytes())).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let signal = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signal.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
