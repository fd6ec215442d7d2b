//! Model cards: a checkpoint's `config.json` as a human-readable README.md.

use std::fmt::Write as _;

use minicopilot::model::Architecture;
use minicopilot::model::checkpoint::Config;
use serde_json::Value;

/// The card of a checkpoint with this configuration.
pub(crate) fn card(config: &Config) -> String {
    let model = &config.model;
    let name = match model.architecture {
        Architecture::Rnn => "RNN",
        Architecture::Lstm => "LSTM",
        Architecture::Transformer => "Decoder-only transformer",
        Architecture::ResidualLstm => "Residual LSTM (H_final = H1 + H2)",
    };
    let mut card = format!(
        "# {name}\n\nPredicts the next py150 token of Python source. {} parameters: vocabulary {}, embedding {}, two layers of {}.\n",
        model.parameter_count(),
        model.vocabulary_size,
        model.embedding_size,
        model.hidden_size,
    );
    // A run may have started from the weights of another run, recursively.
    let runs = std::iter::successors(Some(&config.training), |run| run.pointer("/from/training"));
    let (tokens, seconds) = runs.fold((0, 0.0), |(tokens, seconds), run| {
        let run_tokens = run.get("tokens").and_then(Value::as_u64).unwrap_or(0);
        let run_seconds = run.get("seconds").and_then(Value::as_f64).unwrap_or(0.0);
        (tokens + run_tokens, seconds + run_seconds)
    });
    let minutes = seconds / 60.0;
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        card,
        "\nTrained on {tokens} tokens in {minutes:.0} minutes by `trainer train`; the settings are in `config.json`."
    );
    let parts = [
        ("Validation (whole files)", config.metrics.get("validation")),
        ("Test (whole files)", config.metrics.pointer("/test/whole")),
        (
            "Test (first 1,000 tokens of each file)",
            config.metrics.pointer("/test/1000"),
        ),
    ];
    for (title, figures) in parts {
        if let Some(Value::Object(figures)) = figures {
            let _ = writeln!(card, "\n## {title}\n\n| | |\n|---|---|");
            rows(&mut card, "", figures);
        }
    }
    card
}

fn rows(card: &mut String, prefix: &str, figures: &serde_json::Map<String, Value>) {
    for (name, value) in figures {
        match value {
            Value::Object(inner) => rows(card, &format!("{prefix}{name} "), inner),
            Value::Number(number) if number.is_u64() => {
                let _ = writeln!(card, "| {prefix}{name} | {number} |");
            }
            Value::Number(number) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                let _ = writeln!(card, "| {prefix}{name} | {value:.4} |");
            }
            _ => {}
        }
    }
}
