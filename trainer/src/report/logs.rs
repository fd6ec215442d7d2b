//! Reads a run's folder for a report: `config.toml`, `metrics.jsonl`, `evaluation-*.json`, and the sizes and data
//! fingerprint in its checkpoint. Values that older trainers did not write may be missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use minicopilot::model::ModelConfig;
use serde::Deserialize;

use crate::evaluation::record::Record;
use crate::training::folder::{BEST, CONFIG, LAST, LOG};
use crate::training::log::{self, Line};

/// Prefix of the folders that `trainer train --seeds` creates.
const SEED: &str = "seed-";

/// A run as read from its folder.
#[derive(Debug)]
pub struct Run {
    /// Its name in the report.
    pub name: String,
    pub folder: PathBuf,
    /// The text of `config.toml`, and its parsed form.
    pub config: String,
    pub settings: toml::Table,
    pub train: Vec<Train>,
    pub validations: Vec<Validation>,
    /// By split: the part of the file name after `evaluation-`.
    pub evaluations: BTreeMap<String, Record>,
    pub parameters: Option<usize>,
    /// Fingerprint of the prepared data.
    pub data: Option<String>,
    /// Warnings about the files.
    pub notes: Vec<String>,
}

/// A `train` line.
pub type Train = log::Train;

/// A `validation` line.
pub type Validation = log::Validation<ValidationFigures>;

/// The validation figures that a report uses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ValidationFigures {
    pub loss: Option<f64>,
    pub perplexity: Option<f64>,
    pub top1: Option<f64>,
    pub top5: Option<f64>,
}

impl Run {
    /// Reads `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        ensure!(
            folder.is_dir(),
            "{}: no such folder; name one written by `trainer train --out`",
            folder.display()
        );
        let path = folder.join(CONFIG);
        let config = text(&path)?;
        let settings = config.parse().map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = config[..before].matches('\n').count() + 1;
            anyhow::anyhow!(
                "{}:{line}: {}; restore the file",
                path.display(),
                one_line(error.message())
            )
        })?;
        let mut run = Self {
            name: name(folder),
            folder: folder.to_owned(),
            config,
            settings,
            train: Vec::new(),
            validations: Vec::new(),
            evaluations: evaluations(folder)?,
            parameters: None,
            data: None,
            notes: Vec::new(),
        };
        run.read_log(&folder.join(LOG))?;
        if let Some(checkpoint) = [BEST, LAST]
            .iter()
            .find_map(|name| recorded(&folder.join(name)))
        {
            run.parameters = checkpoint.model.map(|model| model.parameter_count());
            run.data = checkpoint.training.data;
        }
        Ok(run)
    }

    fn read_log(&mut self, path: &Path) -> Result<()> {
        let bytes = fs::read(path).with_context(|| {
            format!(
                "cannot read {}; is {} the folder of a run?",
                path.display(),
                self.folder.display()
            )
        })?;
        let mut rest = &bytes[..];
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|&byte| byte == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            rest = end.map_or(&[][..], |end| &rest[end + 1..]);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Line<ValidationFigures>>(line) {
                Ok(Line::Train(line)) => self.train.push(line),
                Ok(Line::Validation(line)) => self.validations.push(line),
                Ok(Line::Unknown) => {}
                Err(_) if end.is_none() => self.notes.push(format!(
                    "{}:{number}: ignored the incomplete last line; the run was probably killed while writing it",
                    path.display()
                )),
                Err(error) => bail!(
                    "{}:{number}: not a line of a run's log ({}); restore the file",
                    path.display(),
                    cause(&error)
                ),
            }
        }
        if self.train.is_empty() && self.validations.is_empty() {
            self.notes
                .push(format!("{}: nothing has been logged yet", path.display()));
        }
        Ok(())
    }

    /// A setting of `config.toml`.
    pub fn setting(&self, table: &str, key: &str) -> Option<&toml::Value> {
        self.settings.get(table)?.get(key)
    }

    /// `rnn`, `lstm`, `residual_lstm`.
    pub fn architecture(&self) -> Option<&str> {
        self.setting("model", "architecture")?.as_str()
    }

    pub fn seed(&self) -> Option<i64> {
        self.setting("training", "seed")?.as_integer()
    }

    /// Tokens and seconds of the last log line.
    pub fn end(&self) -> Option<(u64, f64)> {
        let train = self.train.last().map(|line| (line.tokens, line.seconds));
        let validation = self
            .validations
            .last()
            .map(|line| (line.tokens, line.seconds));
        [train, validation]
            .into_iter()
            .flatten()
            .max_by_key(|end| end.0)
    }

    /// The validation with the lowest loss.
    pub fn best(&self) -> Option<&Validation> {
        self.validations
            .iter()
            .filter(|line| line.figures.loss.is_some())
            .min_by(|a, b| {
                a.figures
                    .loss
                    .unwrap_or(0.0)
                    .total_cmp(&b.figures.loss.unwrap_or(0.0))
            })
    }

    /// Whether training used a sampled softmax.
    pub fn is_sampled(&self) -> bool {
        let sample = self.setting("training", "softmax_sample");
        sample
            .and_then(toml::Value::as_integer)
            .is_some_and(|sample| sample > 0)
    }
}

/// The runs in `folder`: itself, or the runs that `trainer train --seeds` created in it.
pub fn runs_in(folder: &Path) -> Vec<PathBuf> {
    if folder.join(CONFIG).exists() {
        return vec![folder.to_owned()];
    }
    let is_run = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(SEED) && path.join(CONFIG).exists()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_run).collect();
    runs.sort_by_key(|path| (path.as_os_str().len(), path.clone())); // 9 before 10
    if runs.is_empty() {
        runs.push(folder.to_owned()); // reading it reports the error
    }
    runs
}

/// The folder's name, prefixed by its parent's if it only names the seed.
fn name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let of = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    match (of(&full), full.parent().and_then(of)) {
        (Some(name), Some(above)) if name.starts_with(SEED) => format!("{above}/{name}"),
        (Some(name), _) => name,
        (None, _) => folder.display().to_string(),
    }
}

/// The fields of a checkpoint's `config.json` that a report uses.
#[derive(Deserialize)]
struct Recorded {
    model: Option<ModelConfig>,
    #[serde(default)]
    training: RecordedTraining,
}

#[derive(Default, Deserialize)]
struct RecordedTraining {
    data: Option<String>,
}

/// `None` without a checkpoint: the report then shows a dash.
fn recorded(checkpoint: &Path) -> Option<Recorded> {
    serde_json::from_slice(&fs::read(checkpoint.join("config.json")).ok()?).ok()
}

fn evaluations(folder: &Path) -> Result<BTreeMap<String, Record>> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let part = name
            .strip_prefix("evaluation-")
            .and_then(|name| name.strip_suffix(".json"));
        let Some(part) = part else { continue };
        let record = serde_json::from_str(&text(&path)?).map_err(|error| {
            anyhow::anyhow!(
                "{}:{}: not an evaluation ({}); recreate it with `trainer evaluate model --out`",
                path.display(),
                error.line(),
                cause(&error)
            )
        })?;
        found.insert(part.to_owned(), record);
    }
    Ok(found)
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The message without its position: serde counts every line of a log as line 1.
fn cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let cause = one_line(text.strip_suffix(&place).unwrap_or(&text));
    match error.column() {
        0 => cause, // an error of a value rather than of a position
        column => format!("column {column}: {cause}"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
