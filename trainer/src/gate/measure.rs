//! The strict figures of the network alone and of the mixture, on the same targets.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use candle_core::Device;
use minicopilot::context::CandidateId;
use minicopilot::inference::Engine;
use minicopilot::metrics::{Figures, HEADLINE_METRICS, Metrics, Observation, standard_errors};
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::prediction::{Mixture, Part, Prediction};
use minicopilot::tokenizer::UNK;
use rayon::prelude::*;

use super::examples::{Among, Files, Place};
use super::network::{FullPrecision, Network};
use crate::data::{Dataset, Split};

/// The mixture as it is served.
const ALL: &str = "all";
/// Answers that are looked at: up to five of them have no text of their own.
const ANSWERS: usize = 15;

/// One way to answer.
struct Contestant {
    name: String,
    /// The network alone if there is none.
    mixture: Option<Mixture>,
}

/// What is compared.
pub struct Comparison<'a> {
    /// Of this part the first files, as many as lie within [`Comparison::max_tokens`].
    pub split: Split,
    pub max_tokens: u64,
    /// Experts that are also left out, one at a time.
    pub without: &'a [String],
    pub among: Among,
    /// The network in f32 in place of the engine that serves.
    pub full_precision: bool,
}

/// What one way to answer came to.
pub struct Column {
    pub name: String,
    pub figures: Figures,
    /// The standard error, over files, of each of [`HEADLINE_METRICS`]; or that of the difference from "all".
    pub errors: [Option<f64>; HEADLINE_METRICS.len()],
}

/// The figures of a joined checkpoint: of the network alone, of the mixture without its reranker, of both, "all", and without
/// each expert that is to be left out. `progress` is told the targets done, and ends it by `false`.
pub fn compared(
    checkpoint: &Checkpoint,
    dataset: &Dataset,
    comparison: &Comparison<'_>,
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Column>> {
    let &Comparison {
        split,
        max_tokens,
        without,
        among,
        full_precision,
    } = comparison;
    let config = &checkpoint.config;
    let mixture = checkpoint
        .mixture()?
        .context("the checkpoint is a network alone; join it to the buffer with `trainer gate`")?;
    let centre = mixture.mean_hidden().to_vec();
    let network = if full_precision {
        Network::Full(FullPrecision {
            model: checkpoint.model(&Device::Cpu)?,
            temperature: config.temperature as f32,
            centre,
        })
    } else {
        let mut engine = Engine::new(&config.model, checkpoint.tensors(), config.temperature)?;
        engine.keep_hidden_states(centre);
        Network::Int8(engine)
    };
    let lacking = |name: &str| -> Result<Contestant> {
        let known = || Part::names().collect::<Vec<_>>().join(", ");
        let part = Part::named(name)
            .with_context(|| format!("--without {name}: there are {}", known()))?;
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
    let mut files = Files::new(dataset, split)?;
    if among.project || among.libraries || among.below {
        files = files.with_projects()?;
    }
    let shards = dataset.files(split);
    let which: Vec<usize> = (0..shards.files_within(max_tokens).max(1)).collect();
    measure(
        &network,
        dataset,
        &files,
        among,
        &which,
        &contestants,
        progress,
    )
}

/// Measures every contestant on the same files.
fn measure(
    network: &Network,
    dataset: &Dataset,
    files: &Files<'_>,
    among: Among,
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
                files.read(network, file, among, &mut |place| {
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

fn observe(contestant: &Contestant, dataset: &Dataset, place: &Place<'_>) -> Observation {
    let vocabulary = dataset.vocabulary();
    let space = place.space();
    let ranked = match &contestant.mixture {
        None => {
            let prediction = Prediction::of_network(place.answer);
            let known = (0..vocabulary.len() as u32).filter(|&id| id != UNK);
            prediction.best(known.map(CandidateId::new), ANSWERS)
        }
        Some(mixture) => {
            let prediction = mixture.predict(place.document, place.answer, place.similar);
            let all = space.candidates();
            mixture.rank(&prediction, &space, place.answer, all, ANSWERS)
        }
    };
    let answers: Vec<(&str, f32)> = ranked
        .iter()
        .map(|&(candidate, probability)| {
            let known = vocabulary.token(candidate.get());
            let text = known.or_else(|| space.spelling(candidate));
            (text.unwrap_or_default(), probability)
        })
        .collect();
    Observation::from_answers(place.text, place.previous, &answers, None)
}
