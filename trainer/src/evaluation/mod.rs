//! `trainer evaluate`: a checkpoint, or a counted trigram, measured on one part of the prepared data.
//!
//! One pass gives both contexts: `whole`, the state carried to each file's end, and `1000`, the same file's first
//! 1,000 tokens, which no later token can influence.

mod flow;
mod quantized;
mod record;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use candle_core::Tensor;
use minicopilot::metrics::{
    Breakdown, Figures, HEADLINE_METRICS, Metrics, Observation, Surfaces, TemperatureFit,
};
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::model::{Model, Training};
use minicopilot::tokenizer::PAD;
use rayon::prelude::*;
use serde_json::Value;

use crate::baseline;
use crate::data::{Batch, Dataset, SEQUENCE_LEN, Split, Streams};
use crate::gate::{Among, Column, Comparison};
use crate::interrupt::Interrupt;
pub use record::{Measurement, Record};

/// Lanes that are measured together, and their steps a batch: wide enough for the matrix products.
const LANES: usize = 32;
const STEPS: usize = 64;
/// Steps whose logits are alive at once: 10 MB.
const TOGETHER: usize = 8;

/// Arguments of `trainer evaluate`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Args {
    /// A checkpoint folder
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// A folder made by `trainer prepare`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which part
    #[arg(long, value_enum, default_value_t = Split::Validation)]
    split: Split,
    /// Measure only the first files, whole ones, until they have so many tokens
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_tokens: Option<u64>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Measure beside it a back-off trigram, counted on the tokens that the checkpoint has learned from
    #[arg(long)]
    baseline: bool,
    /// Keep the figures with all their parts (calibration, classes of tokens, positions in the file); `trainer report`
    /// reads RUN/evaluation-*.json
    #[arg(long, value_name = "JSON")]
    out: Option<PathBuf>,
    /// Also follow the gradient of single predictions back through the network; the JSON then holds its norm by distance
    #[arg(long, requires = "out")]
    gradients: bool,
    /// In place of the two contexts: the network in f32 and the int8 engine that serves, and how often they agree
    #[arg(long, conflicts_with_all = ["out", "baseline", "gradients", "device"])]
    quantized: bool,
    /// In place of the two contexts: the network alone, the mixture, and the mixture with its reranker, as it is served
    #[arg(long, conflicts_with_all = ["out", "baseline", "gradients", "device", "quantized"])]
    joined: bool,
    /// With --joined: each file among the other ones of its package, as in an editor that has opened the project
    #[arg(long, requires = "joined")]
    project: bool,
    /// With --joined: as if the other files of each one's package were installed, so that only their declarations count
    #[arg(long, requires = "joined", conflicts_with = "project")]
    libraries: bool,
    /// With --joined: as if each file were written in blocks of 20 lines, above the rest of it
    #[arg(long, requires = "joined")]
    below: bool,
    /// With --joined: also without this expert; may be repeated
    #[arg(long, value_name = "EXPERT", requires = "joined")]
    without: Vec<String>,
    /// With --joined: the network in f32, in place of the int8 engine that serves
    #[arg(long, requires = "joined")]
    full_precision: bool,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// The same targets under both contexts.
#[derive(Default)]
pub struct Measured {
    pub whole: Counted,
    pub original: Counted,
}

/// Everything counted under one context.
#[derive(Default)]
pub struct Counted {
    pub metrics: Metrics,
    pub parts: Breakdown,
}

impl Counted {
    fn add(&mut self, seen: &Observation, position: usize) {
        self.metrics.add(seen);
        self.parts.add(seen, position);
    }
}

/// Runs `trainer evaluate`.
pub fn main(args: &Args, interrupt: &Interrupt) -> Result<String> {
    let device = crate::train::device(&args.device)?;
    let checkpoint = Checkpoint::load(&args.checkpoint)?;
    let dataset = Dataset::open(&args.data)?;
    same_vocabulary(&checkpoint, &dataset, &args.data)?;
    if let Some(out) = &args.out {
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        anyhow::ensure!(
            !out.is_dir() && folder.is_none_or(Path::is_dir),
            "--out {}: not a file in a folder that is there",
            out.display()
        );
    }
    let model = checkpoint.model(&device)?;
    let split = args.split;
    let limit = args.max_tokens.unwrap_or(u64::MAX);
    let total = limit.min(dataset.files(split).tokens());
    anyhow::ensure!(
        !dataset.files(split).is_empty(),
        "{} holds no {split} part; see `trainer prepare --help`",
        args.data.display()
    );
    if args.quantized {
        return agreement(args, &checkpoint, &model, &dataset, interrupt);
    }
    if args.joined {
        return joined(args, &checkpoint, &dataset, interrupt);
    }
    let gradient_flow = args
        .gradients
        .then(|| flow::measure(&model, dataset.files(split)))
        .transpose()?;
    let bar = crate::train::bar(total, 0);
    let temperature = checkpoint.config.temperature;
    let measured = measure(&model, temperature, &dataset, split, limit, &|tokens| {
        bar.set_position(tokens);
        !interrupt.requested()
    })?;
    bar.finish_and_clear();
    let baseline = if args.baseline {
        let trigram = baseline::counted_for(&checkpoint, &dataset)?;
        let bar = crate::train::bar(total, 0).with_message("baseline");
        let metrics = baseline::measure(&trigram, &dataset, split, limit, &|tokens| {
            bar.set_position(tokens);
            !interrupt.requested()
        });
        bar.finish_and_clear();
        Some(metrics.figures())
    } else {
        None
    };
    if interrupt.requested() {
        return Ok(String::new()); // figures of a part that nobody chose would only mislead
    }

    let mut columns = vec![
        ("whole", measured.whole.metrics.figures()),
        ("1000", measured.original.metrics.figures()),
    ];
    columns.extend(baseline.map(|figures| ("trigram", figures)));
    if let Some(out) = &args.out {
        let mut record = record(args, &checkpoint, &dataset, &measured, &columns);
        record.gradient_flow = gradient_flow;
        record.write(out)?;
    }
    printed(args, columns)
}

/// Measures as many targets as were asked for under a progress bar; nothing if that was interrupted.
fn watched<T>(
    args: &Args,
    dataset: &Dataset,
    interrupt: &Interrupt,
    measure: impl FnOnce(u64, &(dyn Fn(u64) -> bool + Sync)) -> Result<T>,
) -> Result<Option<T>> {
    let limit = args.max_tokens.unwrap_or(u64::MAX);
    let bar = crate::train::bar(limit.min(dataset.files(args.split).tokens()), 0);
    let measured = measure(limit, &|tokens| {
        bar.set_position(tokens);
        !interrupt.requested()
    })?;
    bar.finish_and_clear();
    Ok((!interrupt.requested()).then_some(measured))
}

/// The figures as JSON or as a table, whichever was asked for.
fn printed(args: &Args, columns: Vec<(&str, Figures)>) -> Result<String> {
    if args.json {
        let columns: BTreeMap<_, _> = columns.into_iter().collect();
        Ok(serde_json::to_string_pretty(&columns)? + "\n")
    } else {
        Ok(table(&columns))
    }
}

/// `trainer evaluate --joined`.
fn joined(
    args: &Args,
    checkpoint: &Checkpoint,
    dataset: &Dataset,
    interrupt: &Interrupt,
) -> Result<String> {
    let columns = watched(args, dataset, interrupt, |limit, progress| {
        let comparison = Comparison {
            split: args.split,
            max_tokens: limit,
            without: &args.without,
            among: Among {
                project: args.project,
                libraries: args.libraries,
                below: args.below,
            },
            full_precision: args.full_precision,
        };
        crate::gate::compared(checkpoint, dataset, &comparison, progress)
    })?;
    let Some(columns) = columns else {
        return Ok(String::new());
    };
    let figures = |column: &Column| column.figures.clone();
    if args.json {
        let mut json = serde_json::Map::new();
        for column in &columns {
            let mut figures = serde_json::to_value(figures(column))?;
            let errors = HEADLINE_METRICS.iter().zip(column.errors);
            figures["standard_errors"] = errors
                .map(|(name, error)| ((*name).to_owned(), error))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect();
            json.insert(column.name.clone(), figures);
        }
        return Ok(serde_json::to_string_pretty(&json)? + "\n");
    }
    let named: Vec<(&str, Figures)> = columns
        .iter()
        .map(|column| (&*column.name, figures(column)))
        .collect();
    let mut table = table(&named);
    table.push_str(
        "\nstandard errors over files: of \"all\", and of each other column's difference from it\n",
    );
    for (row, name) in HEADLINE_METRICS.iter().enumerate() {
        let _ = write!(table, "{name:<30}");
        for column in &columns {
            let width = 10.max(column.name.chars().count() + 2);
            let error = column.errors[row].unwrap_or(f64::NAN);
            let _ = write!(table, "{error:>width$.4}");
        }
        table.push('\n');
    }
    Ok(table)
}

/// `trainer evaluate --quantized`.
fn agreement(
    args: &Args,
    checkpoint: &Checkpoint,
    model: &Model,
    dataset: &Dataset,
    interrupt: &Interrupt,
) -> Result<String> {
    let agreement = watched(args, dataset, interrupt, |limit, progress| {
        quantized::measure(checkpoint, model, dataset, args.split, limit, progress)
    })?;
    let Some(agreement) = agreement else {
        return Ok(String::new());
    };
    let [network, engine] = agreement.figures();
    let columns = [("f32", network), ("int8", engine)];
    if args.json {
        let mut json = serde_json::to_value(BTreeMap::from(columns))?;
        for (name, value) in agreement.rows() {
            json[name.replace(' ', "_")] = value.into();
        }
        return Ok(serde_json::to_string_pretty(&json)? + "\n");
    }
    let mut table = table(&columns);
    for (name, value) in agreement.rows() {
        let _ = writeln!(table, "{name:<30}{value:>20.4}");
    }
    Ok(table)
}

fn record(
    args: &Args,
    checkpoint: &Checkpoint,
    dataset: &Dataset,
    measured: &Measured,
    columns: &[(&str, Figures)],
) -> Record {
    let temperature = checkpoint.config.temperature;
    let contexts = columns.iter().map(|(name, figures)| {
        let measurement = match *name {
            "whole" => Measurement::of_network(&measured.whole, temperature),
            "1000" => Measurement::of_network(&measured.original, temperature),
            _ => Measurement::figures_only(figures.clone()),
        };
        ((*name).to_owned(), measurement)
    });
    let config = &checkpoint.config;
    Record {
        checkpoint: args.checkpoint.display().to_string(),
        weights: config.fingerprints.weights.clone(),
        trained_tokens: config.training.get("tokens").and_then(Value::as_u64),
        data: dataset.fingerprint().to_owned(),
        split: args.split.to_string(),
        max_tokens: args.max_tokens,
        contexts: contexts.collect(),
        gradient_flow: None,
    }
}

fn table(columns: &[(&str, Figures)]) -> String {
    let width = |name: &str| 10.max(name.chars().count() + 2);
    let heads: String = columns
        .iter()
        .map(|(name, _)| format!("{name:>width$}", width = width(name)))
        .collect();
    let mut table = format!("{:<30}{heads}\n", "context");
    let rows: Vec<_> = columns.iter().map(|(_, figures)| figures.rows()).collect();
    for (row, &(name, _)) in rows[0].iter().enumerate() {
        let digits = if name == "targets" { 0 } else { 4 };
        let cells = rows.iter().zip(columns).map(|(column, (name, _))| {
            let width = width(name);
            match column[row].1 {
                Some(value) => format!("{value:>width$.digits$}"),
                None => format!("{:>width$}", "-"),
            }
        });
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{name:<30}{}", cells.collect::<String>());
    }
    table
}

/// Data for a checkpoint are encoded with its vocabulary.
pub fn same_vocabulary(checkpoint: &Checkpoint, dataset: &Dataset, data: &Path) -> Result<()> {
    anyhow::ensure!(
        *dataset.vocabulary() == checkpoint.vocabulary,
        "{} has another vocabulary than the checkpoint; prepare the data with --vocabulary CHECKPOINT",
        data.display(),
    );
    Ok(())
}

/// Measures `model`, whose logits `temperature` divides where probabilities are shown, on the first files of a part, as
/// many as make up `max_tokens`. `progress` is told the targets done, and ends it by `false`.
pub fn measure(
    model: &Model,
    temperature: f64,
    dataset: &Dataset,
    split: Split,
    max_tokens: u64,
    progress: &dyn Fn(u64) -> bool,
) -> Result<Measured> {
    let surfaces = surfaces(dataset, temperature);
    let mut measured = Measured::default();
    let mut places = vec![0usize; LANES]; // of each lane's next input in its file
    each_step(
        model,
        dataset,
        split,
        max_tokens,
        progress,
        &mut |batch, t, logits| {
            step(batch, t, logits, &surfaces, &mut places, &mut measured);
        },
    )?;
    Ok(measured)
}

/// What the entries of a data set's vocabulary mean.
fn surfaces(dataset: &Dataset, temperature: f64) -> Surfaces {
    let vocabulary = dataset.vocabulary();
    let tokens = (0..vocabulary.len() as u32).map(|id| vocabulary.token(id).unwrap_or_default());
    Surfaces::new(tokens, temperature)
}

/// The temperature that fits the validation part, on its first files as far as `max_tokens`.
pub fn fitted_temperature(
    model: &Model,
    dataset: &Dataset,
    max_tokens: u64,
    progress: &dyn Fn(u64) -> bool,
) -> Result<f64> {
    let mut fit = TemperatureFit::default();
    each_step(
        model,
        dataset,
        Split::Validation,
        max_tokens,
        progress,
        &mut |batch, t, logits| {
            let targets = &batch.targets[t * batch.lanes..(t + 1) * batch.lanes];
            let rows = logits
                .par_chunks_exact(logits.len() / batch.lanes)
                .zip(targets);
            let fits: Vec<TemperatureFit> = rows
                .filter(|&(_, &target)| target != PAD)
                .map(|(row, &target)| {
                    let mut fit = TemperatureFit::default();
                    fit.add(row, target);
                    fit
                })
                .collect();
            fits.iter().for_each(|one| fit += one); // in order, so that the sum does not depend on the threads
        },
    )?;
    Ok(fit.temperature())
}

/// Runs `model` over the first files of a part and hands out each step's logits `[B,V]`.
fn each_step(
    model: &Model,
    dataset: &Dataset,
    split: Split,
    max_tokens: u64,
    progress: &dyn Fn(u64) -> bool,
    observe: &mut dyn FnMut(&Batch, usize, &[f32]),
) -> Result<()> {
    let mut state = model.zero_state(LANES)?;
    let mut done = 0;
    for batch in Streams::in_order(dataset.files(split), LANES, STEPS, max_tokens) {
        let ids = Tensor::from_slice(&batch.inputs, (batch.steps, batch.lanes), model.device())?; // [T,B]
        let training = Training {
            starts: Some(&batch.starts),
            ..Training::default()
        };
        let (hidden, after) = model.seq_training(&ids, &state, training)?;
        state = after;
        let hidden = hidden.detach();
        for first in (0..batch.steps).step_by(TOGETHER) {
            let steps = TOGETHER.min(batch.steps - first);
            let logits = model.logits(&hidden.narrow(0, first, steps)?)?; // [t,B,V]
            let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
            for (t, logits) in (first..).zip(logits.chunks_exact(logits.len() / steps)) {
                observe(&batch, t, logits);
            }
        }
        done += batch.target_count();
        if !progress(done) {
            break;
        }
    }
    Ok(())
}

/// Observes the targets of one step, `logits` `[B,V]`.
fn step(
    batch: &Batch,
    t: usize,
    logits: &[f32],
    surfaces: &Surfaces,
    places: &mut [usize],
    measured: &mut Measured,
) {
    let at = t * batch.lanes..(t + 1) * batch.lanes;
    for (place, &start) in places.iter_mut().zip(&batch.starts[at.clone()]) {
        *place = if start { 0 } else { *place + 1 };
    }
    let rows = logits.par_chunks_exact(logits.len() / batch.lanes);
    let targets = batch.targets[at.clone()].par_iter().zip(&batch.inputs[at]);
    let observations: Vec<_> = rows
        .zip(targets)
        .map(|(row, (&target, &previous))| {
            (target != PAD).then(|| surfaces.observe(row, target, previous))
        })
        .collect();
    for (seen, &mut place) in observations.iter().zip(places) {
        let Some(seen) = seen else { continue };
        measured.whole.add(seen, place + 1);
        if place + 1 < SEQUENCE_LEN {
            measured.original.add(seen, place + 1);
        }
    }
}
