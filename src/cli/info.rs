//! `minicopilot info`: describes the model, its training and its scores.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::output::print;
use crate::model::checkpoint::Checkpoint;

/// Prints the checkpoint's description.
pub fn run(checkpoint: &Checkpoint, json: bool) -> anyhow::Result<ExitCode> {
    let mut described = serde_json::to_value(&checkpoint.config)?;
    described["model"]["parameters"] = json!(checkpoint.config.model.parameter_count());
    let text = if json {
        format!("{described:#}\n")
    } else {
        let mut lines = String::new();
        for part in ["model", "training", "metrics", "fingerprints"] {
            let _ = writeln!(lines, "{part}");
            describe(&mut lines, "", &described[part]);
        }
        lines
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Adds one line per value, named by its path.
fn describe(lines: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                describe(lines, &name, value);
            }
        }
        Value::String(text) => drop(writeln!(lines, "  {name:<30}  {text}")),
        Value::Null => {}
        other => drop(writeln!(lines, "  {name:<30}  {other}")),
    }
}
