//! Evaluates the network combined with its context (the gate's mixture of experts) and the network alone on the same
//! targets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use candle_core::Device;
use minicopilot::context::CandidateId;
use minicopilot::inference::Engine;
use minicopilot::metrics::{Figures, HEADLINE_METRICS, Metrics, Observation, standard_errors};
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::prediction::{Mixture, Part, Prediction};
use minicopilot::tokenizer::TokenId;
use rayon::prelude::*;

use super::subject::Subject;
use super::table::{table, width};
use crate::data::Dataset;
use crate::host::Host;
use crate::replay::{CorpusReplay, FullPrecision, Network, PredictionSite, ReplayContext};

/// Name of the full mixture, as it is served.
const ALL: &str = "all";
/// Number of ranked answers to read: up to five of them have no text of their own.
const ANSWERS: usize = 15;

/// A model variant under comparison.
struct Contestant {
    name: String,
    /// The mixture; None for the network alone.
    mixture: Option<Mixture>,
}

/// Settings of an evaluation.
#[derive(Debug)]
pub struct Settings {
    /// The checkpoint, which must have a gate, and the files.
    pub subject: Subject,
    /// The context that each file is read with.
    pub context: ReplayContext,
    /// Experts to remove, one at a time.
    pub without: Vec<String>,
    /// Use the f32 network instead of the served engine.
    pub full_precision: bool,
}

/// The results of one variant.
#[derive(Debug)]
struct Column {
    name: String,
    figures: Figures,
    /// Standard error over files of each of [`HEADLINE_METRICS`]; for other variants, that of the difference from
    /// "all".
    errors: [Option<f64>; HEADLINE_METRICS.len()],
}

/// The network alone, the mixture without its reranker, the mixture with it ("all"), and one variant per removed
/// expert.
#[derive(Debug)]
pub struct Comparison(Vec<Column>);

impl Comparison {
    /// Metrics and standard errors as JSON.
    pub fn to_json(&self) -> Result<String> {
        let mut json = serde_json::Map::new();
        for column in &self.0 {
            let mut figures = serde_json::to_value(&column.figures)?;
            let errors = HEADLINE_METRICS.iter().zip(column.errors);
            figures["standard_errors"] = errors
                .map(|(name, error)| ((*name).to_owned(), error))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect();
            json.insert(column.name.clone(), figures);
        }
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self
            .0
            .iter()
            .map(|one| (&*one.name, &one.figures))
            .collect();
        f.write_str(&table(&columns))?;
        writeln!(
            f,
            "\nstandard errors over files: of \"all\", and of each other column's difference from it"
        )?;
        for (row, name) in HEADLINE_METRICS.iter().enumerate() {
            write!(f, "{name:<30}")?;
            for column in &self.0 {
                let width = width(&column.name);
                let error = column.errors[row].unwrap_or(f64::NAN);
                write!(f, "{error:>width$.4}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Evaluates a checkpoint with its context; `None` if the user cancelled.
pub fn evaluate(settings: &Settings, host: &dyn Host) -> Result<Option<Comparison>> {
    let Settings {
        subject, context, ..
    } = settings;
    let (checkpoint, dataset) = subject.open()?;
    checkpoint.check_served()?;
    subject.measure(&dataset, "", host, |limit, progress| {
        let mixture = Mixture::of(&checkpoint)?
            .context("the checkpoint has no gate; fit one with `trainer gate`")?;
        let network = network(
            &checkpoint,
            mixture.mean_hidden().to_vec(),
            settings.full_precision,
        )?;
        let contestants = contestants(&mixture, &settings.without)?;
        let mut files = CorpusReplay::new(&dataset, subject.split)?;
        if context.project || context.libraries || context.suffix {
            files = files.with_projects()?;
        }
        let shards = dataset.files(subject.split);
        let which: Vec<usize> = (0..shards.files_within(limit).max(1)).collect();
        let columns = measure(
            &network,
            &dataset,
            &files,
            *context,
            &which,
            &contestants,
            progress,
        )?;
        Ok(Comparison(columns))
    })
}

/// The checkpoint's network, ready to replay files.
fn network(checkpoint: &Checkpoint, centre: Vec<f32>, full_precision: bool) -> Result<Network> {
    let config = &checkpoint.config;
    if full_precision {
        return Ok(Network::Full(FullPrecision {
            model: checkpoint.model(&Device::Cpu)?,
            temperature: config.temperature as f32,
            centre,
        }));
    }
    let engine = Engine::of(checkpoint, Some(&centre))?;
    Ok(Network::Int8(engine))
}

/// The variants to compare.
fn contestants(mixture: &Mixture, without: &[String]) -> Result<Vec<Contestant>> {
    let lacking = |name: &str| -> Result<Contestant> {
        let known = || Part::names().collect::<Vec<_>>().join(", ");
        let part = Part::named(name).with_context(|| {
            format!(
                "--without {name}: no such expert; the experts are {}",
                known()
            )
        })?;
        Ok(Contestant {
            name: format!("- {name}"),
            mixture: Some(mixture.clone().without(part)),
        })
    };
    let mut contestants = vec![
        Contestant {
            name: "network".to_owned(),
            mixture: None,
        },
        lacking("reranker")?,
        Contestant {
            name: ALL.to_owned(),
            mixture: Some(mixture.clone()),
        },
    ];
    for name in without {
        contestants.push(lacking(name)?);
    }
    Ok(contestants)
}

/// Evaluates every variant on the same files.
fn measure(
    network: &Network,
    dataset: &Dataset,
    files: &CorpusReplay<'_>,
    context: ReplayContext,
    which: &[usize],
    contestants: &[Contestant],
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Column>> {
    let done = AtomicU64::new(0);
    let all: Vec<Vec<Metrics>> = which
        .par_iter()
        .map(|&file| {
            let mut metrics: Vec<Metrics> =
                contestants.iter().map(|_| Metrics::default()).collect();
            if progress(done.load(Ordering::Relaxed)) {
                files.read(network, file, context, &mut |place| {
                    for (contestant, metrics) in contestants.iter().zip(&mut metrics) {
                        metrics.add(&observe(contestant, dataset, place));
                    }
                    Ok(())
                })?;
                done.fetch_add(metrics[0].figures().targets, Ordering::Relaxed);
            }
            Ok(metrics)
        })
        .collect::<Result<_>>()?;
    let whole = contestants.iter().position(|one| one.name == ALL);
    let columns = contestants.iter().enumerate().map(|(k, contestant)| {
        let mut sum = Metrics::default();
        all.iter().for_each(|metrics| sum += &metrics[k]);
        let other = whole.filter(|&whole| whole != k);
        let files = all
            .iter()
            .map(|metrics| (&metrics[k], other.map(|other| &metrics[other])));
        Column {
            name: contestant.name.clone(),
            figures: sum.figures(),
            errors: standard_errors(files),
        }
    });
    Ok(columns.collect())
}

fn observe(contestant: &Contestant, dataset: &Dataset, place: &PredictionSite<'_>) -> Observation {
    let vocabulary = dataset.vocabulary();
    let space = place.space();
    let ranked = match &contestant.mixture {
        None => {
            let prediction = Prediction::of_network(place.distribution);
            let unknown = CandidateId::from(TokenId::UNK);
            let known = prediction.candidates().filter(|&id| id != unknown);
            prediction.best(known, ANSWERS)
        }
        Some(mixture) => {
            let prediction = mixture.predict(place.document, place.distribution, place.cosines);
            let all = space.candidates();
            mixture.rank(&prediction, &space, place.distribution, all, ANSWERS)
        }
    };
    let answers: Vec<(&str, f32)> = ranked
        .iter()
        .map(|&(candidate, probability)| {
            let text = match space.token_id(candidate) {
                Some(id) => vocabulary.token(id),
                None => space.spelling(candidate),
            };
            (text.unwrap_or_default(), probability)
        })
        .collect();
    Observation::from_answers(place.text, place.previous, &answers, None)
}
