//! `trainer export`: a run's checkpoint as it is distributed, with its model card: weights rounded to the 8 bits that the
//! engine computes with, so that whoever else loads them computes the same, and stored in f16.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use candle_core::Device;
use minicopilot::inference;
use minicopilot::metrics::Figures;
use minicopilot::model::Architecture;
use minicopilot::model::checkpoint::{Checkpoint, Config, Precision};
use serde_json::Value;

use crate::data::{Dataset, Split};
use crate::evaluate;
use crate::interrupt::Interrupt;

/// Targets that a single number is fitted on.
const CALIBRATION_TOKENS: u64 = 200_000;

/// Arguments of `trainer export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A checkpoint folder, such as RUN/best
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Where the exported folder goes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Figures by `trainer evaluate --json`, to be kept in config.json and shown in the card
    #[arg(long, value_name = "JSON")]
    test_metrics: Option<PathBuf>,
    /// Fit the temperature of the probabilities shown on the validation part of this prepared folder
    #[arg(long, value_name = "DIR")]
    calibrate: Option<PathBuf>,
    /// A text about data, licences and limits, appended to the card
    #[arg(long, value_name = "MARKDOWN")]
    notes: Option<PathBuf>,
    /// Keep the weights as they are, in full precision
    #[arg(long)]
    f32: bool,
}

/// Runs `trainer export`.
pub fn main(args: &Args, interrupt: &Interrupt) -> Result<String> {
    let is_foreign = fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some())
        && !args.out.join("model.safetensors").exists();
    anyhow::ensure!(
        !is_foreign,
        "{} is not empty and holds no checkpoint; choose another --out",
        args.out.display()
    );
    let mut checkpoint = Checkpoint::load(&args.checkpoint)?;
    let had_gate = checkpoint.config.gate.is_some();
    if !args.f32 {
        let rounded = inference::rounded(&checkpoint.config.model, checkpoint.tensors())?;
        checkpoint = checkpoint.with_tensors(rounded);
    }
    if let Some(path) = &args.calibrate {
        checkpoint.config.temperature = temperature(&checkpoint, path, interrupt)?;
    }
    if let Some(path) = &args.test_metrics {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let figures: BTreeMap<String, Figures> =
            serde_json::from_str(&text).with_context(|| {
                format!(
                    "{} is not what `trainer evaluate --json` prints",
                    path.display()
                )
            })?;
        let Value::Object(metrics) = &mut checkpoint.config.metrics else {
            anyhow::bail!(
                "{}: metrics in config.json are not an object",
                args.checkpoint.display()
            );
        };
        metrics.insert("test".to_owned(), serde_json::to_value(figures)?);
    }
    let mut card = card(&checkpoint.config);
    if let Some(path) = &args.notes {
        let notes =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        card.push('\n');
        card.push_str(&notes);
    }
    let precision = if args.f32 {
        Precision::F32
    } else {
        Precision::F16
    };
    checkpoint.save(&args.out, precision, &card, |_| Ok(()))?;
    let size = fs::metadata(args.out.join("model.safetensors"))
        .context("the export has no weights")?
        .len();
    let (out, megabytes) = (args.out.display(), size as f64 / 1e6);
    let temperature = checkpoint.config.temperature;
    let lost = if had_gate && checkpoint.config.gate.is_none() {
        "; its gate is left out: fit one to it with `trainer gate`"
    } else {
        ""
    };
    Ok(format!(
        "{out}: {megabytes:.1} MB of weights, temperature {temperature:.4}{lost}\n"
    ))
}

/// Fitted on the first files of the validation part.
fn temperature(checkpoint: &Checkpoint, data: &Path, interrupt: &Interrupt) -> Result<f64> {
    let dataset = Dataset::open(data)?;
    evaluate::same_vocabulary(checkpoint, &dataset, data)?;
    let total = CALIBRATION_TOKENS.min(dataset.files(Split::Validation).tokens());
    anyhow::ensure!(
        total > 0,
        "{} holds no validation part; see `trainer prepare --help`",
        data.display()
    );
    let model = checkpoint.model(&Device::Cpu)?;
    let bar = crate::train::bar(total, 0).with_message("calibrating");
    let temperature =
        evaluate::fitted_temperature(&model, &dataset, CALIBRATION_TOKENS, &|tokens| {
            bar.set_position(tokens);
            !interrupt.requested()
        })?;
    bar.finish_and_clear();
    anyhow::ensure!(!interrupt.requested(), "interrupted; nothing was written");
    Ok(temperature)
}

/// The model card: what `config.json` says, for people.
pub fn card(config: &Config) -> String {
    let model = &config.model;
    let name = match model.architecture {
        Architecture::Rnn => "RNN",
        Architecture::Lstm => "LSTM",
        Architecture::ResidualLstm => "Residual LSTM (H_final = H1 + H2)",
    };
    let mut card = format!(
        "# {name}\n\nPredicts the next py150 token of Python source. {} parameters: vocabulary {}, embedding {}, two layers of {}.\n",
        model.parameter_count(),
        model.vocabulary_size,
        model.embedding_size,
        model.hidden_size,
    );
    // A run may have begun with the weights of another, and that one too.
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
        "\nTrained on {tokens} tokens in {minutes:.0} minutes by `trainer train`; settings in `config.json`."
    );
    let parts = [
        (
            "Validation (state carried to the file's end)",
            config.metrics.get("validation"),
        ),
        (
            "Test (state carried to the file's end)",
            config.metrics.pointer("/test/whole"),
        ),
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
