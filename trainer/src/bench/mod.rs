//! `trainer bench`: how fast an experiment trains on this machine, where the time goes, and how far that is from what
//! the processor could do; beside PyTorch on the same shapes if a Python that has it is given.
//!
//! Each contender runs in a process of its own, so that its peak memory is its own, and they take turns, so that a
//! busy machine slows all of them.

mod measure;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use minicopilot::model::{MatmulPrecision, bf16_accelerated};
use serde::{Deserialize, Serialize};

use crate::data::SEQUENCE_LEN;
use crate::train::{Experiment, Loader};

/// What `--torch` runs.
const TORCH: &str = include_str!("torch.py");

/// Rows of the vocabulary that the contract prescribes.
const VOCABULARY_SIZE: usize = 10_002;

/// Arguments of `trainer bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment whose network and batch are measured
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// A Python that can import torch, to be measured beside
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// In place of the experiment's
    #[arg(long)]
    lanes: Option<usize>,
    /// Seconds for each contender's turn
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,
    /// Turns each; the fastest counts
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
    /// One turn of this program in this precision, as JSON (what the other processes are started with)
    #[arg(long, hide = true, value_parser = precision)]
    turn: Option<MatmulPrecision>,
}

/// One turn of a contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Turn {
    tokens_per_second: f64,
    peak_memory_mib: f64,
    /// Of a matrix product alone, see [`measure::turn`]; PyTorch is not asked for it.
    #[serde(default)]
    peak_gflops: Option<f64>,
    /// Share of the time in each phase.
    #[serde(default)]
    phases: Vec<(String, f64)>,
}

/// The best turn of one contender.
#[derive(Serialize)]
struct Contender {
    name: String,
    #[serde(flatten)]
    best: Turn,
    gflops: f64,
}

/// Runs `trainer bench`.
pub fn main(args: &Args) -> Result<String> {
    let text = std::fs::read_to_string(&args.config)
        .with_context(|| format!("cannot read the experiment {}", args.config.display()))?;
    let mut experiment =
        Experiment::parse(&text).with_context(|| args.config.display().to_string())?;
    if let Some(lanes) = args.lanes {
        ensure!(lanes > 0, "--lanes must be at least 1");
        experiment.training.lanes = lanes;
    }
    if experiment.training.loader == Loader::Sequences {
        experiment.training.steps = SEQUENCE_LEN - 1;
    }
    if args.device != "cpu" {
        // On a GPU the softmax is always the full one.
        experiment.training.softmax_head = u32::MAX;
    }
    ensure!(
        args.seconds > 0.0 && args.seconds.is_finite(),
        "--seconds must be positive"
    );
    ensure!(args.rounds > 0, "--rounds must be at least 1");
    if let Some(precision) = args.turn {
        let device = crate::train::device(&args.device)?; // not before: it takes memory that the others are measured by
        let turn = measure::turn(&experiment, precision, &device, args.seconds)?;
        return Ok(serde_json::to_string(&turn)? + "\n");
    }

    let ours = std::env::current_exe().context("cannot find this program's own file")?;
    let mut contenders: Vec<(String, Box<dyn Fn() -> Command>)> = Vec::new();
    for name in ["bf16", "f32"] {
        let (ours, config, device) = (ours.clone(), args.config.clone(), args.device.clone());
        let (seconds, lanes) = (
            args.seconds.to_string(),
            experiment.training.lanes.to_string(),
        );
        let command = move || {
            let mut command = Command::new(&ours);
            command
                .args(["bench", "--turn", name, "--seconds", &seconds])
                .args(["--device", &device, "--lanes", &lanes, "--config"])
                .arg(&config);
            command
        };
        contenders.push((format!("minicopilot {name}"), Box::new(command)));
        if let Some(python) = &args.torch {
            let (python, shapes) = (python.clone(), shapes(&experiment, name, args).to_string());
            let command = move || {
                let mut command = Command::new(&python);
                command.args(["-c", TORCH, &shapes]);
                command
            };
            contenders.push((format!("PyTorch {name}"), Box::new(command)));
        }
    }

    let mut best: Vec<Option<Turn>> = vec![None; contenders.len()];
    for round in 1..=args.rounds {
        for ((name, command), best) in contenders.iter().zip(&mut best) {
            eprintln!("round {round} of {}: {name}", args.rounds);
            let turn = run(command()).with_context(|| name.clone())?;
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
    }
    let flops = flops_per_token(&experiment);
    let contenders: Vec<Contender> = contenders
        .into_iter()
        .zip(best)
        .filter_map(|((name, _), best)| Some((name, best?)))
        .map(|(name, best)| Contender {
            name,
            gflops: best.tokens_per_second * flops / 1e9,
            best,
        })
        .collect();
    if args.json {
        Ok(serde_json::to_string_pretty(&contenders)? + "\n")
    } else {
        Ok(table(&experiment, &args.device, flops, &contenders))
    }
}

fn table(experiment: &Experiment, device: &str, flops: f64, contenders: &[Contender]) -> String {
    let t = &experiment.training;
    let (threads, accelerated) = (rayon::current_num_threads(), bf16_accelerated());
    let place = match device {
        "cpu" => format!(
            "{threads} threads, bf16 instructions: {}",
            if accelerated { "yes" } else { "no" }
        ),
        _ => device.to_owned(),
    };
    let mut table = format!(
        "{} lanes x {} steps, {} of {VOCABULARY_SIZE} classes, {:.1} MFLOP a token, {place}\n\
         {:<18}{:>10}{:>10}{:>10}{:>9}  phases\n",
        t.lanes,
        t.steps,
        classes(experiment),
        flops / 1e6,
        "",
        "tokens/s",
        "GFLOP/s",
        "of peak",
        "MiB"
    );
    // Writing to a string cannot fail.
    for Contender { name, best, gflops } in contenders {
        let share = best.peak_gflops.map_or("-".to_owned(), |peak| {
            format!("{:.0} %", 100.0 * gflops / peak)
        });
        let phases: Vec<String> = best
            .phases
            .iter()
            .map(|(phase, share)| format!("{phase} {:.0} %", 100.0 * share))
            .collect();
        let _ = writeln!(
            table,
            "{name:<18}{:>10.0}{gflops:>10.0}{share:>10}{:>9.0}  {}",
            best.tokens_per_second,
            best.peak_memory_mib,
            phases.join(", ")
        );
    }
    for Contender { name, best, .. } in contenders {
        if let Some(peak) = best.peak_gflops {
            let _ = writeln!(
                table,
                "{name}: peak {peak:.0} GFLOP/s, a matrix product alone"
            );
        }
    }
    table
}

/// Classes that each target is compared with.
fn classes(experiment: &Experiment) -> usize {
    let t = &experiment.training;
    (t.softmax_head as usize)
        .saturating_add(t.softmax_sample)
        .min(VOCABULARY_SIZE)
}

/// Floating-point operations of the matrix products for one token: each weight is multiplied and added once forward
/// and twice backward.
fn flops_per_token(experiment: &Experiment) -> f64 {
    let config = experiment.model_config(VOCABULARY_SIZE);
    let recurrent: usize = config
        .parameters()
        .iter()
        .filter(|(name, shape)| shape.len() == 2 && name.contains("weight_"))
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    6.0 * (recurrent + classes(experiment) * config.hidden_size) as f64
}

/// What the Python program is told.
fn shapes(experiment: &Experiment, precision: &str, args: &Args) -> serde_json::Value {
    serde_json::json!({
        "architecture": experiment.model.architecture, "vocabulary": VOCABULARY_SIZE,
        "embedding": experiment.model.embedding_size, "hidden": experiment.model.hidden_size,
        "lanes": experiment.training.lanes, "steps": experiment.training.steps, "classes": classes(experiment),
        "precision": precision, "seconds": args.seconds, "threads": rayon::current_num_threads(),
        "device": args.device,
    })
}

/// Runs a contender and reads the line it prints.
fn run(mut command: Command) -> Result<Turn> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} ended with {}: {}",
        output.status,
        errors.lines().last().unwrap_or("no message")
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| anyhow!("{program} printed {line:?}: {error}"))
}

fn precision(name: &str) -> Result<MatmulPrecision, String> {
    match name {
        "f32" => Ok(MatmulPrecision::F32),
        "bf16" => Ok(MatmulPrecision::Bf16),
        _ => Err("f32 or bf16".to_owned()),
    }
}
