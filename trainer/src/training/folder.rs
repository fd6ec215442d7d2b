//! Layout of a run's folder, and checks before a run starts or resumes.
//!
//! `config.toml`: the experiment with every default written out. `metrics.jsonl`: the log, one JSON object per line.
//! `last/` and `best/`: checkpoints, replaced atomically. `last/` also contains what a resume needs:
//! `state.safetensors` (Adam's moments, the carried recurrent state) and `position.json`.

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

/// Fails if the folder already contains a run.
pub fn ensure_free(folder: &Path) -> Result<()> {
    ensure!(
        !folder.join(CONFIG).exists(),
        "{} already contains a run; continue it with --resume or choose another --out",
        folder.display()
    );
    Ok(())
}

/// Fails unless the experiment equals that of the run. The precision may differ: which one is faster depends on the machine.
pub fn same_experiment(config: &Path, experiment: &Experiment) -> Result<()> {
    let text = fs::read_to_string(config)
        .with_context(|| format!("no run to resume: cannot read {}", config.display()))?;
    let mut of_run = Experiment::parse(&text).with_context(|| config.display().to_string())?;
    of_run.training.precision = experiment.training.precision;
    ensure!(
        of_run == *experiment,
        "the experiment differs from {}; a resumed run keeps its experiment: omit --config, --seed and --max-tokens",
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
