//! Benchmarks, evaluations, and the report about them.

use std::fs;

use super::fixture::{Fixture, refused, stderr};

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
        ("false", "false failed (exit status: 1)"),
    ] {
        let output = fixture.trainer(&[&bench[..], &["--torch", python]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

/// The logs of training and evaluation are consistent, and a report is generated from them.
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

    let evaluate = ["evaluate", "model", "run/best", "--data", "data", "--out"];
    let out = |path: &'static str| [&evaluate[..], &[path]].concat();
    refused(&fixture, &out("nowhere/x.json"), "--out nowhere/x.json: ");
    refused(
        &fixture,
        &[&out("x.json")[..], &["--gradients"]].concat(),
        "no file of this split has more than 256 tokens",
    );
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
