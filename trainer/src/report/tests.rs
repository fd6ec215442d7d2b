//! Reports of small runs that the tests write themselves.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::report;
use crate::host::Silent;

const CONFIG: &str = "[model]\narchitecture = \"lstm\"\nembedding_size = 2\nhidden_size = 3\ndropout = 0.0\n\n[training]\nseed = 1\nlearning_rate = 0.01\n";

/// A folder of runs.
struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A run with four training lines and two validations, the second with `loss`.
    fn run(&self, name: &str, seed: u64, loss: f64) -> PathBuf {
        let run = self.0.path().join(name);
        fs::create_dir_all(&run).unwrap();
        fs::write(
            run.join("config.toml"),
            CONFIG.replace("seed = 1", &format!("seed = {seed}")),
        )
        .unwrap();
        let mut lines = Vec::new();
        for k in 1..=4u32 {
            let line = json!({
                "kind": "train", "epoch": 0, "step": 10 * k, "tokens": 1000 * k, "seconds": 2.0 * f64::from(k),
                "loss": 5.0 - f64::from(k), "learning_rate": 0.01, "gradient_norm": 0.5,
                "gradient_norms": {"output.weight": 0.4, "lstm.bias_ih_l0": 0.3, "lstm.bias_hh_l0": 0.3},
            });
            lines.push(line.to_string());
            if k % 2 == 0 {
                let loss = loss + f64::from(4 - k);
                let line = json!({
                    "kind": "validation", "epoch": 0, "step": 10 * k, "tokens": 1000 * k, "seconds": 2.0 * f64::from(k),
                    "context": "whole", "figures": {"loss": loss, "perplexity": loss.exp(), "top1": 0.5, "top5": loss / 4.0},
                });
                lines.push(line.to_string());
            }
        }
        fs::write(run.join("metrics.jsonl"), lines.join("\n") + "\n").unwrap();
        run
    }
}

fn html_of(runs: &[&PathBuf]) -> String {
    report(
        &runs.iter().map(|&run| run.clone()).collect::<Vec<_>>(),
        &Silent::default(),
    )
    .unwrap()
}

fn evaluation() -> Value {
    let ranks = json!({"targets": 90, "top1": 0.25, "top5": 0.5, "mrr10": 0.3});
    let figures = json!({
        "targets": 100, "loss": 1.5, "perplexity": 4.4817, "top1": 0.625, "top5": 0.875, "strict": ranks,
        "codexglue_accuracy": 0.4, "identifiers": ranks, "attributes": ranks, "keystrokes_saved": null,
        "keystrokes_saved_all": null, "ece": 0.0123,
    });
    let bins = json!([
        {"from": 0.0, "to": 0.5, "answers": 40, "confidence": 0.25, "accuracy": 0.3125},
        {"from": 0.5, "to": 1.0, "answers": 60, "confidence": 0.75, "accuracy": 0.6875},
    ]);
    let part = |targets: u64, top1: f64| json!({"targets": targets, "loss": 1.5, "top1": top1, "top5": 0.9, "strict": ranks});
    let with = |mut part: Value, more: Value| {
        let Value::Object(more) = more else {
            panic!("an object")
        };
        part.as_object_mut().unwrap().extend(more);
        part
    };
    json!({
        "checkpoint": "run/best", "weights": "77", "trained_tokens": 4000, "data": "0123456789abcdef", "split": "test",
        "max_tokens": null,
        "contexts": {
            "whole": {
                "figures": figures,
                "calibration": bins,
                "tempered": {"temperature": 1.25, "ece": 0.01, "calibration": bins},
                "classes": [
                    with(part(75, 0.111), json!({"class": "identifiers"})),
                    with(part(25, 0.226), json!({"class": "<EOL>"})),
                ],
                "positions": [
                    with(part(60, 0.5), json!({"from": 0, "to": 63})),
                    with(part(40, 0.6), json!({"from": 64, "to": 127})),
                ],
            },
            "1000": {"figures": figures},
            "trigram": {"figures": figures},
        },
        "gradient_flow": {"first_output": [1.0, 0.5, 0.25], "first_input": [0.125, 0.0, 0.03125]},
    })
}

/// The drawing with this title.
fn plot<'h>(html: &'h str, title: &str) -> &'h str {
    let start = html
        .find(&format!("aria-label=\"{title}"))
        .unwrap_or_else(|| panic!("no plot {title}"));
    let rest = &html[start..];
    &rest[..rest.find("</figure>").unwrap()]
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn the_page_shows_what_the_logs_contain() {
    let fixture = Fixture::new();
    let seeds = [
        ("lstm/seed-41", 41, 2.0),
        ("lstm/seed-42", 42, 2.5),
        ("lstm/seed-43", 43, 3.0),
    ];
    let runs = seeds.map(|(name, seed, loss)| fixture.run(name, seed, loss));
    let other = fixture.run("other", 1, 2.25);
    let config = CONFIG.replace("\"lstm\"", "\"rnn\"");
    fs::write(other.join("config.toml"), &config).unwrap();
    fs::write(other.join("evaluation-test.json"), evaluation().to_string()).unwrap();
    fs::create_dir(other.join("best")).unwrap();
    let model = json!({"architecture": "rnn", "vocabulary_size": 10, "embedding_size": 2, "hidden_size": 3, "dropout": 0.0});
    fs::write(
        other.join("best/config.json"),
        json!({"model": model, "training": {"data": "d1"}}).to_string(),
    )
    .unwrap();
    // The folder that contains the seeds' runs selects all of them.
    let html = html_of(&[&runs[0].parent().unwrap().to_owned(), &other]);

    for expected in [
        // Mean and interval of 2, 2.5 and 3: t = 4.3027, s = 0.5; then a single run's line.
        "lstm (3 seeds)</th>",
        "2.5000 <small>\u{b1} 1.2421</small>",
        "<td class=\"n\">7.389</td>",
        "<th class=\"seed\">lstm/seed-42</th>",
        // 4,000 tokens in 8 s; parameters: embedding 20, layers 21 and 24, output 40.
        "<td class=\"n\">500</td>",
        "<td class=\"n\">105</td>",
        // Both contexts of the evaluation and the baseline, with the part it was measured on.
        "<h2>Evaluation: test</h2>",
        "<td>trigram</td><td class=\"n\">4,000</td><td class=\"n\">100</td><td class=\"n\">1.5000</td><td class=\"n\">4.482</td><td class=\"n\">.6250</td>",
        "test split of data 0123456789ab.",
        // The original figures are next to our nearest measurement.
        "<th>RNN</th><td class=\"n\">.8401</td><td class=\"n\">5.72</td><td>other</td><td>test split, first 1,000 tokens of each file; after 4,000 tokens</td><td class=\"n\">.8750</td>",
        "<th>residual LSTM</th><td class=\"n\">.8880</td><td class=\"n\">3.79</td><td>\u{2013}</td>",
        "<b>Different corpora</b>",
        "hidden_size = 3",
        "# data d1",
        "other, with temperature",
    ] {
        assert!(html.contains(expected), "no {expected} in\n{html}");
    }
    // For each of four runs, a line of four points for training and one of two dots for validation.
    for title in ["Loss (nats) by tokens", "Loss (nats) by time"] {
        let loss = plot(&html, title);
        assert_eq!(
            (count(loss, "<polyline"), count(loss, "<circle")),
            (8, 8),
            "{loss}"
        );
        assert_eq!(count(loss, " pale\" points="), 4);
    }
    assert!(
        plot(&html, "Loss (nats) by tokens").contains("<title>lstm/seed-43: 3.0000 at 4</title>")
    );
    assert_eq!(count(plot(&html, "Calibration"), "<circle"), 4);
    assert!(
        plot(&html, "Top-1 (solid)").contains("identifiers <tspan class=\"tick\">75.0 %</tspan>")
    );
    assert!(plot(&html, "Top-1 (solid)").contains(".23 / .90"));
    assert_eq!(count(plot(&html, "Loss by position"), "<circle"), 2);
    // A norm of 0 has no position on a logarithmic axis.
    let flow = plot(&html, "Gradient of one prediction");
    assert_eq!(count(flow, "<polyline"), 2, "{flow}");
    let flow = plot(&html, "Gradient norm of each parameter: lstm/seed-41");
    assert!(
        flow.contains(">lstm.bias_hh_l0, bias_ih_l0</text>"),
        "{flow}"
    );
    assert_eq!(count(flow, "<polyline"), 2);
    // The page loads nothing and is reproducible.
    for foreign in ["http:", "https:", "<script", "@import", "<link", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert_eq!(html, html_of(&[&runs[0], &runs[1], &runs[2], &other]));
}

#[test]
fn missing_figures_are_dashes() {
    let fixture = Fixture::new();
    let old = fixture.run("old", 1, 2.0);
    let log = "{\"kind\":\"train\",\"tokens\":5,\"seconds\":1.0,\"loss\":null}\n\n{\"kind\":\"newer\",\"x\":[]}\n";
    fs::write(old.join("metrics.jsonl"), log).unwrap();
    let new = fixture.run("begun", 1, 2.0);
    fs::write(new.join("metrics.jsonl"), "").unwrap();
    fs::write(new.join("config.toml"), "").unwrap();
    let html = html_of(&[&old, &new]);
    let dashes = "<td class=\"n\">\u{2013}</td>";
    assert!(
        html.contains(&format!("<td class=\"n\">5</td>{}", dashes.repeat(4))),
        "{html}"
    );
    assert!(html.contains(&dashes.repeat(9)), "{html}");
    assert!(html.contains("metrics.jsonl: nothing has been logged yet"));
    assert!(html.contains("The logs contain no gradient norms of single parameters"));
    assert!(!html.contains("Evaluation:") && !html.contains("<svg") && !html.contains("NaN"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn damage_is_reported_with_file_and_line() {
    let fixture = Fixture::new();
    let run = fixture.run("run", 1, 2.0);
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let cut = &log[..log.len() - 20];
    fs::write(run.join("metrics.jsonl"), cut).unwrap();
    let html = html_of(&[&run]);
    assert!(
        html.contains("metrics.jsonl:6: ignored the incomplete last line"),
        "{html}"
    );
    // Lines before the error are shown.
    assert!(html.contains("<td class=\"n\">4.0000</td>"), "{html}");
    fs::write(run.join("metrics.jsonl"), &log).unwrap();

    let refused = |name: &str, bytes: &[u8], expected: &[&str]| {
        let path = run.join(name);
        let before = fs::read(&path).ok();
        fs::write(&path, bytes).unwrap();
        let error = format!(
            "{:#}",
            report(std::slice::from_ref(&run), &Silent::default()).unwrap_err()
        );
        for part in expected {
            assert!(error.contains(part), "{error}\nand not {part}");
        }
        assert!(!error.contains('\n'), "{error}");
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    };
    let line_3 = |text: &str| {
        log.lines()
            .enumerate()
            .map(|(k, line)| format!("{}\n", if k == 2 { text } else { line }))
            .collect::<String>()
    };
    let remedy = "restore the file";
    refused(
        "metrics.jsonl",
        line_3("{\"kind\":").as_bytes(),
        &["metrics.jsonl:3: ", "EOF while parsing", remedy],
    );
    refused(
        "metrics.jsonl",
        line_3("{\"kind\":\"train\",\"tokens\":\"x\"}").as_bytes(),
        &["metrics.jsonl:3: ", "expected u64", remedy],
    );
    refused(
        "metrics.jsonl",
        b"\xff\xfe\n",
        &["metrics.jsonl:1: ", remedy],
    );
    refused(
        "config.toml",
        b"[model]\nx = \n",
        &["config.toml:2: ", remedy],
    );
    refused("config.toml", b"\xff", &["cannot read", "config.toml"]);
    refused(
        "evaluation-test.json",
        b"{\n\"checkpoint\": 3}",
        &["evaluation-test.json:2: ", "trainer evaluate model --out"],
    );

    let error =
        |folders: &[PathBuf]| format!("{:#}", report(folders, &Silent::default()).unwrap_err());
    assert!(error(&[run.join("nowhere")]).contains("nowhere: no such folder; name one"));
    assert!(error(&[run.clone(), run.join(".")]).contains("is given twice"));
    fs::remove_file(run.join("metrics.jsonl")).unwrap();
    let missing = error(std::slice::from_ref(&run));
    assert!(
        missing.contains("metrics.jsonl; is") && missing.contains("the folder of a run?"),
        "{missing}"
    );
}

#[test]
fn nothing_from_a_file_becomes_markup() {
    let fixture = Fixture::new();
    let evil = "<img src=x onerror=alert(1)>\"'&";
    let run = fixture.run(evil, 1, 2.0);
    fixture.run("other", 1, 2.0);
    let config = format!(
        "# </pre><script>\n{}",
        CONFIG.replace("\"lstm\"", "'<script>'")
    );
    fs::write(run.join("config.toml"), config).unwrap();
    let record = evaluation()
        .to_string()
        .replace("\"trigram\"", "\"<script>\"")
        .replace("\"test\"", "\"<script>\"");
    let record = record.replace("\"class\":\"identifiers\"", "\"class\":\"<script>\"");
    fs::write(run.join("evaluation-<script>.json"), record).unwrap();
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    fs::write(
        run.join("metrics.jsonl"),
        log.replace("output.weight", "<script>"),
    )
    .unwrap();
    let html = html_of(&[&run, &fixture.0.path().join("other")]);
    assert!(
        !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"));
    for expected in [
        "<h2>Evaluation: &lt;script&gt;</h2>",
        "Measured on the &lt;script&gt; split",
        "<td>&lt;script&gt;</td>",
        ">&lt;script&gt; <tspan",
        ">&lt;script&gt;</text>",
        "# &lt;/pre&gt;&lt;script&gt;",
    ] {
        assert!(html.contains(expected), "no {expected} in\n{html}");
    }
}
