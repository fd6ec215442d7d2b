//! Evaluates a checkpoint's network, optionally next to a trigram baseline.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use minicopilot::metrics::Figures;
use serde_json::Value;

use super::record::{Measurement, Record};
use super::subject::Subject;
use super::table::table;
use super::{gradient_flow, language_model, trigram};
use crate::device;
use crate::host::Host;

/// Settings of an evaluation.
#[derive(Debug)]
pub struct Settings {
    /// The checkpoint and the files.
    pub subject: Subject,
    /// `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Also evaluate a back-off trigram, counted on the checkpoint's training tokens.
    pub baseline: bool,
    /// Where to write the record: metrics with calibration, token classes and positions in the file.
    pub out: Option<PathBuf>,
    /// Also trace the gradient of single predictions back through the network, and store it in the record.
    pub gradients: bool,
}

/// Metrics by context: `whole`, `1000`, and `trigram` for the baseline.
#[derive(Debug)]
pub struct Evaluation(Vec<(&'static str, Figures)>);

impl Evaluation {
    /// The metrics as JSON.
    pub fn to_json(&self) -> Result<String> {
        let columns: BTreeMap<_, _> = self
            .0
            .iter()
            .map(|(name, figures)| (name, figures))
            .collect();
        Ok(serde_json::to_string_pretty(&columns)? + "\n")
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self
            .0
            .iter()
            .map(|(name, figures)| (*name, figures))
            .collect();
        f.write_str(&table(&columns))
    }
}

/// Evaluates a checkpoint's network; `None` if the user cancelled.
pub fn evaluate(settings: &Settings, host: &dyn Host) -> Result<Option<Evaluation>> {
    let subject = &settings.subject;
    let device = device::open(&settings.device)?;
    let (checkpoint, dataset) = subject.open()?;
    if let Some(out) = &settings.out {
        check_out(out)?;
    }
    let model = checkpoint.model(&device)?;
    let gradient_flow = settings
        .gradients
        .then(|| gradient_flow::measure(&model, dataset.files(subject.split)))
        .transpose()?;
    let temperature = checkpoint.config.temperature;
    let split = subject.split;
    let measured = subject.measure(&dataset, "", host, |limit, progress| {
        language_model::measure(&model, temperature, &dataset, split, limit, progress)
    })?;
    let Some(measured) = measured else {
        return Ok(None);
    };
    let mut columns = vec![
        ("whole", measured.whole.metrics.figures()),
        ("1000", measured.original.metrics.figures()),
    ];
    if settings.baseline {
        ensure!(
            !dataset.vocabulary().has_pieces(),
            "--baseline needs a vocabulary of whole tokens: the trigram would be measured per piece"
        );
        let trigram = trigram::counted_for(&checkpoint, &dataset)?;
        let metrics = subject.measure(&dataset, "baseline", host, |limit, progress| {
            Ok(trigram::measure(&trigram, &dataset, split, limit, progress))
        })?;
        let Some(metrics) = metrics else {
            return Ok(None);
        };
        columns.push(("trigram", metrics.figures()));
    }
    if let Some(out) = &settings.out {
        let contexts = columns.iter().map(|(name, figures)| {
            let measurement = match *name {
                "whole" => Measurement::of_network(&measured.whole, temperature),
                "1000" => Measurement::of_network(&measured.original, temperature),
                _ => Measurement::figures_only(figures.clone()),
            };
            ((*name).to_owned(), measurement)
        });
        let config = &checkpoint.config;
        let record = Record {
            checkpoint: subject.checkpoint.display().to_string(),
            weights: config.fingerprints.weights.clone(),
            trained_tokens: config.training.get("tokens").and_then(Value::as_u64),
            data: dataset.fingerprint().to_owned(),
            split: split.to_string(),
            max_tokens: subject.max_tokens,
            contexts: contexts.collect(),
            gradient_flow,
        };
        record.write(out)?;
    }
    Ok(Some(Evaluation(columns)))
}

/// Fails early if the record could not be written.
fn check_out(out: &Path) -> Result<()> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    ensure!(
        !out.is_dir() && folder.is_none_or(Path::is_dir),
        "--out {}: name a file in an existing folder",
        out.display()
    );
    Ok(())
}
