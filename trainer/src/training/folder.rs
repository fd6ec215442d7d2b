//! A run's folder: what it holds, and how that is begun and found again.
//!
//! `config.toml` the experiment with every default written out; `metrics.jsonl` one JSON object a line, the log that
//! reports are made from; `last/` and `best/` checkpoints, each replaced only by a complete one. `last/` also holds
//! what a resume needs: `state.safetensors` (Adam's moments, the carried recurrent state) and `position.json`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use candle_core::Tensor;

use crate::experiment::Experiment;

pub const CONFIG: &str = "config.toml";
pub const LOG: &str = "metrics.jsonl";
pub const LAST: &str = "last";
pub const BEST: &str = "best";
pub const STATE: &str = "state.safetensors";
pub const POSITION: &str = "position.json";

/// Fails where a run has been begun.
pub fn ensure_free(folder: &Path) -> Result<()> {
    ensure!(
        !folder.join(CONFIG).exists(),
        "{} already holds a run; continue it with --resume or choose another --out",
        folder.display()
    );
    Ok(())
}

/// A run goes on as it was begun, or not at all.
pub fn same_experiment(config: &Path, experiment: &Experiment) -> Result<()> {
    let text = fs::read_to_string(config)
        .with_context(|| format!("no run to resume: cannot read {}", config.display()))?;
    let of_run = Experiment::parse(&text).with_context(|| config.display().to_string())?;
    ensure!(
        of_run == *experiment,
        "the experiment differs from {}; a run is resumed as it was begun: leave --config, --seed and --max-tokens out",
        config.display()
    );
    Ok(())
}

pub fn taken(tensors: &HashMap<String, Tensor>, name: &str, folder: &Path) -> Result<Tensor> {
    match tensors.get(name) {
        Some(tensor) => Ok(tensor.clone()),
        None => bail!(
            "{}: {name} is missing; the run cannot be resumed from it",
            folder.join(STATE).display()
        ),
    }
}

pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}
