//! `trainer gate`: joins a network to the buffer, by fitting the weights of its experts and the reranker of their best on
//! packages that the network has not learned from.

mod examples;
mod fit;
mod measure;
mod network;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use minicopilot::context::Syntax;
use minicopilot::inference::Engine;
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::prediction::{ExpertScores, Mixture, RERANKED, gate_features, prior};
use rayon::prelude::*;
use serde_json::json;

use crate::data::{Dataset, Split};
use crate::evaluate;
use crate::interrupt::Interrupt;
pub use examples::Among;
use examples::{Files, Place};
use fit::{GateExamples, Parameters, RerankerExamples};
pub use measure::{Column, Comparison, compared};
use network::Network;

/// The heading of the model card's section about the gate, its last.
const CARD_SECTION: &str = "\n## Joined to the buffer\n\n";
/// Files that are read together.
const TOGETHER: usize = 16;
/// Files whose hidden states are averaged.
const CENTRE_FILES: usize = 40;

/// Arguments of `trainer gate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A checkpoint by `trainer export`
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// A folder made by `trainer prepare --split-by package`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where the joined checkpoint goes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Targets that the gate and the reranker are fitted on
    #[arg(long, default_value_t = 1_200_000)]
    tokens: u64,
    /// Passes over them
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

/// Runs `trainer gate`.
pub fn main(args: &Args, interrupt: &Interrupt) -> Result<String> {
    let checkpoint = Checkpoint::load(&args.checkpoint)?;
    let dataset = Dataset::open(&args.data)?;
    evaluate::same_vocabulary(&checkpoint, &dataset, &args.data)?;
    let files = Files::new(&dataset, Split::Validation)?;
    let shards = dataset.files(Split::Validation);
    // From the end: `evaluate` measures the first ones.
    let mut left = args.tokens;
    let wanted = |&file: &usize| {
        let before = left;
        left = left.saturating_sub(shards.file_len(file) as u64 - 1);
        before > 0
    };
    let used: Vec<usize> = (0..shards.len()).rev().take_while(wanted).collect();
    ensure!(
        !used.is_empty(),
        "{} has no validation part of a file or more; see `trainer prepare --help`",
        args.data.display()
    );
    let config = &checkpoint.config;
    let engine = Engine::new(&config.model, checkpoint.tensors(), config.temperature)?;
    let mut network = Network::Int8(engine);
    let centre = centre(
        &network,
        &files,
        &used[..used.len().min(CENTRE_FILES)],
        interrupt,
    )?;
    if let Network::Int8(engine) = &mut network {
        engine.keep_hidden_states(centre.clone());
    }
    let files = files.with_projects()?;

    let reading = |message: &'static str| {
        let bar = crate::train::bar(args.tokens.min(shards.tokens()), 0).with_message(message);
        move |places: usize| bar.inc(places as u64)
    };
    let syntax = Syntax::new(&checkpoint.vocabulary);
    let mut examples = GateExamples::default();
    each(
        &network,
        &files,
        &used,
        interrupt,
        &reading("reading for the gate"),
        &|place: &Place<'_>, into: &mut GateExamples| gate_example(&syntax, place, into),
        &mut |some| {
            examples.append(some);
        },
    )?;
    let mut log = String::new();
    let mut note = |what: &str, epoch: usize, loss: f64| {
        ensure!(!interrupt.requested(), "interrupted; nothing was written");
        let line = format!("{what}, epoch {}: {loss:.4} nats", epoch + 1);
        tracing::info!("{line}");
        Ok(writeln!(log, "{line}")?)
    };
    let count = examples.len();
    let mut parameters = fit::gate(
        &examples,
        &centre,
        args.epochs,
        args.seed,
        &mut |e, loss| note("gate", e, loss),
    )?;
    drop(examples);
    parameters.extend(fit::neutral_reranker()?);

    let mixture = Mixture::new(&parameters, &checkpoint.vocabulary)?;
    let mut examples = RerankerExamples::default();
    let example =
        |place: &Place<'_>, into: &mut RerankerExamples| reranker_example(&mixture, place, into);
    each(
        &network,
        &files,
        &used,
        interrupt,
        &reading("reading for the reranker"),
        &example,
        &mut |some| {
            examples.append(some);
        },
    )?;
    parameters.extend(fit::reranker(
        &examples,
        args.epochs,
        args.seed,
        &mut |e, loss| note("reranker", e, loss),
    )?);

    let training = json!({
        "targets": count, "reranked": examples.targets.len(), "epochs": args.epochs, "seed": args.seed,
        "data": dataset.fingerprint(),
    });
    save(checkpoint, parameters, training, args)?;
    Ok(format!(
        "{log}{}: joined to the buffer, fitted on {count} targets\n",
        args.out.display()
    ))
}

/// Reads some files on all processors and gathers what `example` makes of each place, in order.
fn each<T: Default + Send>(
    network: &Network,
    files: &Files<'_>,
    used: &[usize],
    interrupt: &Interrupt,
    progress: &dyn Fn(usize),
    example: &(dyn Fn(&Place<'_>, &mut T) + Sync),
    gather: &mut dyn FnMut(T),
) -> Result<()> {
    for together in used.chunks(TOGETHER) {
        ensure!(!interrupt.requested(), "interrupted; nothing was written");
        let some: Vec<(T, usize)> = together
            .par_iter()
            .map(|&file| {
                let (mut examples, mut places) = (T::default(), 0);
                // Half of them in their projects, the others alone, or with what they import installed. Some above their
                // own rest gave less alone, and hardly more there: docs/answers.md.
                let among = Among {
                    project: file % 2 == 0,
                    libraries: file % 4 == 1,
                    below: false,
                };
                files.read(network, file, among, &mut |place| {
                    example(place, &mut examples);
                    places += 1;
                    Ok(())
                })?;
                Ok((examples, places))
            })
            .collect::<Result<_>>()?;
        for (examples, places) in some {
            progress(places);
            gather(examples);
        }
    }
    Ok(())
}

/// The mean hidden state over some files.
fn centre(
    network: &Network,
    files: &Files<'_>,
    used: &[usize],
    interrupt: &Interrupt,
) -> Result<Vec<f32>> {
    #[derive(Default)]
    struct Sum(Vec<f64>, u64);
    let mut all = Sum::default();
    let add = |place: &Place<'_>, sum: &mut Sum| {
        sum.0.resize(place.answer.hidden.len(), 0.0);
        let hidden = place.answer.hidden.iter();
        sum.0
            .iter_mut()
            .zip(hidden)
            .for_each(|(sum, &h)| *sum += f64::from(h));
        sum.1 += 1;
    };
    each(
        network,
        files,
        used,
        interrupt,
        &|_| {},
        &add,
        &mut |one: Sum| {
            all.0.resize(one.0.len().max(all.0.len()), 0.0);
            all.0.iter_mut().zip(one.0).for_each(|(sum, x)| *sum += x);
            all.1 += one.1;
        },
    )?;
    Ok(all
        .0
        .iter()
        .map(|sum| (sum / all.1.max(1) as f64) as f32)
        .collect())
}

/// What the gate sees at a place that some expert could have foretold.
fn gate_example(syntax: &Syntax, place: &Place<'_>, examples: &mut GateExamples) {
    let space = place.space();
    let scores = ExpertScores::new(&space, syntax, place.similar);
    let Some(target) = place.candidate() else {
        return;
    };
    let likelihoods = scores.expert_probabilities(&space, place.answer, target);
    if likelihoods.iter().all(|&p| p <= 0.0) {
        return;
    }
    // Candle's softmax knows no infinity.
    let priors = prior(place.answer, &scores).map(|prior| prior.max(-60.0));
    let features = gate_features(&space, place.answer, place.similar, &scores);
    examples.features.extend(features);
    examples.hidden.extend_from_slice(&place.answer.hidden);
    examples.priors.extend(priors);
    examples.likelihoods.extend(likelihoods);
}

/// What the reranker sees at a place whose target is among the mixture's best.
fn reranker_example(mixture: &Mixture, place: &Place<'_>, examples: &mut RerankerExamples) {
    let prediction = mixture.predict(place.document, place.answer, place.similar);
    let best = prediction.best(prediction.candidates(), RERANKED);
    let target = place.candidate();
    let found = best
        .iter()
        .position(|&(candidate, _)| Some(candidate) == target);
    let Some(found) = found else {
        return;
    };
    examples
        .units
        .extend_from_slice(prediction.gate_activations());
    for k in 0..RERANKED {
        let mut features =
            prediction.features(&place.space(), place.answer, best[k.min(best.len() - 1)].0);
        if k >= best.len() {
            features[0] = -60.0; // there is none
        }
        examples.candidates.extend(features);
    }
    examples.targets.push(found as u32);
}

/// Writes the checkpoint with its gate.
fn save(
    checkpoint: Checkpoint,
    parameters: Parameters,
    training: serde_json::Value,
    args: &Args,
) -> Result<()> {
    let path = args.checkpoint.join("README.md");
    let card = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    // One that it has from a gate before is replaced.
    let before = card.split(CARD_SECTION).next().unwrap_or_default();
    let targets = &training["targets"];
    let card = format!(
        "{before}{CARD_SECTION}`gate.safetensors` weighs what the network says against what stands in the buffer. Fitted by \
         `trainer gate` on\n{targets} targets of packages that the network has not learned from; settings in `config.json`.\n"
    );
    let precision = checkpoint.precision();
    let joined = checkpoint.with_gate(parameters, training);
    joined.save(&args.out, precision, &card, |_| Ok(()))?;
    Ok(())
}
