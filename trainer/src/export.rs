//! Exports a run's checkpoint for distribution, with its model card.
//!
//! Weights are rounded to the 8 bits that the inference engine uses and stored as f16, so that every program that loads
//! them computes the same.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use candle_core::Device;
use minicopilot::inference;
use minicopilot::metrics::Figures;
use minicopilot::model::checkpoint::{Checkpoint, Precision};
use serde_json::Value;

use crate::data::{Dataset, Split};
use crate::evaluation::temperature;
use crate::host::{Host, Unit, ensure_running};
use crate::model_card;

/// Targets that the temperature is fitted on: enough for a single number.
const CALIBRATION_TOKENS: u64 = 200_000;

/// Settings of an export.
#[derive(Debug)]
pub struct Settings {
    /// A checkpoint folder.
    pub checkpoint: PathBuf,
    /// The folder to write.
    pub out: PathBuf,
    /// Metrics in JSON from `trainer evaluate model --json`, for config.json and the model card.
    pub test_metrics: Option<PathBuf>,
    /// The prepared data on whose validation split the temperature is fitted.
    pub calibrate: Option<PathBuf>,
    /// A Markdown text to append to the model card.
    pub notes: Option<PathBuf>,
    /// Keep the weights in full precision.
    pub full_precision: bool,
}

/// Summary of an export.
#[derive(Debug)]
pub struct Exported {
    out: PathBuf,
    megabytes: f64,
    temperature: f64,
    has_lost_gate: bool,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            out,
            megabytes,
            temperature,
            has_lost_gate,
        } = self;
        let lost = if *has_lost_gate {
            "; its gate was left out: fit a new one with `trainer gate`"
        } else {
            ""
        };
        let out = out.display();
        writeln!(
            f,
            "{out}: {megabytes:.1} MB of weights, temperature {temperature:.4}{lost}"
        )
    }
}

/// Exports a checkpoint. Overwrites only an empty folder or an earlier checkpoint.
pub fn export(settings: &Settings, host: &dyn Host) -> Result<Exported> {
    let out = &settings.out;
    let is_foreign = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some())
        && !out.join("model.safetensors").exists();
    anyhow::ensure!(
        !is_foreign,
        "{} is not empty and is not a checkpoint; choose another --out",
        out.display()
    );
    let mut checkpoint = Checkpoint::load(&settings.checkpoint)?;
    let had_gate = checkpoint.config.gate.is_some();
    if !settings.full_precision {
        let rounded = inference::rounded(&checkpoint.config.model, checkpoint.parameters())?;
        checkpoint = checkpoint.with_parameters(rounded);
    }
    if let Some(path) = &settings.calibrate {
        checkpoint.config.temperature = fitted_temperature(&checkpoint, path, host)?;
    }
    if let Some(path) = &settings.test_metrics {
        add_test_metrics(&mut checkpoint, path, &settings.checkpoint)?;
    }
    let mut card = model_card::card(&checkpoint.config);
    if let Some(path) = &settings.notes {
        card.push('\n');
        card.push_str(&read(path)?);
    }
    let precision = if settings.full_precision {
        Precision::F32
    } else {
        Precision::F16
    };
    checkpoint.save(out, precision, &card, |_| Ok(()))?;
    let size = fs::metadata(out.join("model.safetensors"))
        .context("the export has no weights")?
        .len();
    Ok(Exported {
        out: out.clone(),
        megabytes: size as f64 / 1e6,
        temperature: checkpoint.config.temperature,
        has_lost_gate: had_gate && checkpoint.config.gate.is_none(),
    })
}

/// Stores the metrics in `path` as the test metrics of the checkpoint's `config.json`.
fn add_test_metrics(checkpoint: &mut Checkpoint, path: &Path, folder: &Path) -> Result<()> {
    let figures: BTreeMap<String, Figures> =
        serde_json::from_str(&read(path)?).with_context(|| {
            format!(
                "{} is not output of `trainer evaluate model --json`",
                path.display()
            )
        })?;
    let Value::Object(metrics) = &mut checkpoint.config.metrics else {
        anyhow::bail!(
            "{}: metrics in config.json are not an object",
            folder.display()
        );
    };
    metrics.insert("test".to_owned(), serde_json::to_value(figures)?);
    Ok(())
}

/// Fits the temperature on the first files of the validation split.
fn fitted_temperature(checkpoint: &Checkpoint, data: &Path, host: &dyn Host) -> Result<f64> {
    let dataset = Dataset::open(data)?;
    dataset.check_vocabulary(&checkpoint.vocabulary)?;
    let total = CALIBRATION_TOKENS.min(dataset.files(Split::Validation).tokens());
    anyhow::ensure!(
        total > 0,
        "{} has no validation split; see `trainer prepare --help`",
        data.display()
    );
    let model = checkpoint.model(&Device::Cpu)?;
    let progress = host.progress(Unit::Tokens, total, 0);
    progress.message("calibrating");
    let temperature = temperature::fit(&model, &dataset, CALIBRATION_TOKENS, &|tokens| {
        progress.set(tokens);
        !host.cancelled()
    })?;
    drop(progress);
    ensure_running(host)?;
    Ok(temperature)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
