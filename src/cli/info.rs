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
            let mut rows = Vec::new();
            describe(&mut rows, "", &described[part]);
            let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{part}");
            for (name, value) in &rows {
                let _ = writeln!(lines, "  {name:<width$}  {value}");
            }
        }
        lines
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Adds the path and the text of each value.
fn describe(rows: &mut Vec<(String, String)>, name: &str, value: &Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                describe(rows, &name, value);
            }
        }
        Value::String(text) => rows.push((name.to_owned(), text.clone())),
        Value::Null => {}
        other => rows.push((name.to_owned(), other.to_string())),
    }
}
