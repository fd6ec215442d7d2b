//! Training benchmark: throughput of an experiment on this machine, time per phase, and utilisation relative to the
//! processor's peak. Optionally runs PyTorch on the same shapes.
//!
//! Each contender runs in its own process, so that its peak memory is measured separately. Contenders take turns, so
//! that background load affects all of them equally.

mod comparison;
mod measure;

use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use minicopilot::model::MatmulPrecision;

pub use self::comparison::Comparison;
use self::comparison::{Contender, classes, flops_per_token};
pub use self::measure::Turn;
use self::measure::VOCABULARY_SIZE;
use crate::data::SEQUENCE_LEN;
use crate::experiment::{Experiment, Loader};
use crate::host::Host;

/// The program that `--torch` runs.
const TORCH: &str = include_str!("torch.py");

/// Settings of a benchmark.
#[derive(Debug)]
pub struct Settings {
    /// The experiment whose network and batch are measured.
    pub config: PathBuf,
    /// A Python interpreter that can import torch, to benchmark PyTorch as well.
    pub torch: Option<PathBuf>,
    /// `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Lanes per batch; overrides the experiment.
    pub lanes: Option<usize>,
    /// Seconds per turn.
    pub seconds: f64,
    /// Turns per contender; the fastest counts.
    pub rounds: usize,
}

/// Measures this trainer in bf16 and in f32, and PyTorch if `torch` is set.
pub fn compare(settings: &Settings, host: &dyn Host) -> Result<Comparison> {
    let experiment = experiment(settings)?;
    ensure!(
        settings.torch.is_none() || experiment.model.transformer.is_none(),
        "--torch has no transformer to compare with; leave it out"
    );
    let contenders = commands(settings, &experiment)?;
    let mut best: Vec<Option<Turn>> = vec![None; contenders.len()];
    for round in 1..=settings.rounds {
        for ((name, command), best) in contenders.iter().zip(&mut best) {
            host.note(&format!("round {round} of {}: {name}", settings.rounds));
            let turn = run(command()).with_context(|| name.clone())?;
            keep_faster(best, turn);
        }
    }
    let flops = flops_per_token(&experiment);
    let contenders = contenders
        .into_iter()
        .zip(best)
        .filter_map(|((name, _), best)| Some((name, best?)))
        .map(|(name, best)| Contender {
            name,
            gflops: best.tokens_per_second * flops / 1e9,
            best,
        })
        .collect();
    Ok(Comparison {
        experiment,
        device: settings.device.clone(),
        contenders,
    })
}

/// One turn of this program in `precision`: the entry point of the processes that [`compare`] starts.
pub fn turn(settings: &Settings, precision: MatmulPrecision) -> Result<Turn> {
    let experiment = experiment(settings)?;
    let device = crate::device::open(&settings.device)?;
    measure::turn(&experiment, precision, &device, settings.seconds)
}

/// The experiment with the benchmark's overrides.
fn experiment(settings: &Settings) -> Result<Experiment> {
    let config = &settings.config;
    let text = std::fs::read_to_string(config)
        .with_context(|| format!("cannot read the experiment {}", config.display()))?;
    let mut experiment = Experiment::parse(&text).with_context(|| config.display().to_string())?;
    if let Some(lanes) = settings.lanes {
        ensure!(lanes > 0, "--lanes must be at least 1");
        experiment.training.lanes = lanes;
    }
    if experiment.training.loader == Loader::Sequences {
        experiment.training.steps = SEQUENCE_LEN - 1;
    }
    if settings.device != "cpu" {
        // On a GPU the softmax is always full.
        experiment.training.softmax_head = u32::MAX;
    }
    ensure!(
        settings.seconds > 0.0 && settings.seconds.is_finite(),
        "--seconds must be positive"
    );
    ensure!(settings.rounds > 0, "--rounds must be at least 1");
    Ok(experiment)
}

/// A contender's name, and a function that builds the command of one turn.
type Command = (String, Box<dyn Fn() -> process::Command>);

/// The contenders, in the order of their turns.
fn commands(settings: &Settings, experiment: &Experiment) -> Result<Vec<Command>> {
    let ours = std::env::current_exe().context("cannot determine this program's path")?;
    let mut contenders: Vec<Command> = Vec::new();
    for name in ["bf16", "f32"] {
        let (ours, config, device) = (
            ours.clone(),
            settings.config.clone(),
            settings.device.clone(),
        );
        let (seconds, lanes) = (
            settings.seconds.to_string(),
            experiment.training.lanes.to_string(),
        );
        let command = move || {
            let mut command = process::Command::new(&ours);
            command
                .args(["bench", "--turn", name, "--seconds", &seconds])
                .args(["--device", &device, "--lanes", &lanes, "--config"])
                .arg(&config);
            command
        };
        contenders.push((format!("minicopilot {name}"), Box::new(command)));
        if let Some(python) = &settings.torch {
            let shapes = shapes(experiment, name, settings).to_string();
            let python = python.clone();
            let command = move || {
                let mut command = process::Command::new(&python);
                command.args(["-c", TORCH, &shapes]);
                command
            };
            contenders.push((format!("PyTorch {name}"), Box::new(command)));
        }
    }
    Ok(contenders)
}

/// Keeps the faster of two turns, and the higher of their peaks.
fn keep_faster(best: &mut Option<Turn>, turn: Turn) {
    let peak = best
        .iter()
        .filter_map(|b| b.peak_gflops)
        .chain(turn.peak_gflops)
        .reduce(f64::max);
    let faster = best
        .as_ref()
        .is_none_or(|b| turn.tokens_per_second > b.tokens_per_second);
    if faster {
        *best = Some(turn);
    }
    if let Some(best) = best {
        best.peak_gflops = peak;
    }
}

/// The JSON settings that the PyTorch program receives.
fn shapes(experiment: &Experiment, precision: &str, settings: &Settings) -> serde_json::Value {
    serde_json::json!({
        "architecture": experiment.model.architecture, "vocabulary": VOCABULARY_SIZE,
        "embedding": experiment.model.embedding_size, "hidden": experiment.model.hidden_size,
        "lanes": experiment.training.lanes, "steps": experiment.training.steps, "classes": classes(experiment),
        "precision": precision, "seconds": settings.seconds, "threads": rayon::current_num_threads(),
        "device": settings.device,
    })
}

/// Runs a contender and reads the line it prints.
fn run(mut command: process::Command) -> Result<Turn> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} failed ({}): {}",
        output.status,
        errors.lines().last().unwrap_or("no message")
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| anyhow!("{program} printed {line:?}: {error}"))
}
