//! The strict figures of the network alone and of the mixture, on the same targets.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use minicopilot::checkpoint::Checkpoint;
use minicopilot::engine::Engine;
use minicopilot::metrics::{Figures, Metrics, Observation};
use minicopilot::mixture::{EXPERTS, Mixture, Prediction};
use minicopilot::vocabulary::UNK;
use rayon::prelude::*;

use super::examples::{Among, Files, Place};
use crate::data::{Dataset, Split};

/// Answers that are looked at: up to five of them have no text of their own.
const ANSWERS: usize = 15;

/// One way to answer.
struct Contestant {
    name: String,
    /// The network alone if there is none.
    mixture: Option<Mixture>,
}

/// The figures of a joined checkpoint on the first files of a part, as many as lie within `max_tokens`: of the network
/// alone, of the mixture without its reranker, of both, and without each of `without`. `progress` is told the targets
/// done, and ends it by `false`.
pub fn compared(
    checkpoint: &Checkpoint,
    dataset: &Dataset,
    split: Split,
    max_tokens: u64,
    without: &[String],
    among: Among,
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<(String, Figures)>> {
    let config = &checkpoint.config;
    let mixture = checkpoint
        .mixture()?
        .context("the checkpoint is a network alone; join it to the buffer with `trainer gate`")?;
    let mut engine = Engine::new(&config.model, checkpoint.tensors(), config.temperature)?;
    engine.keep_hidden_states(mixture.centre().to_vec());
    let lacking = |name: &str| -> Result<Contestant> {
        let known = || format!("{}, reranker", EXPERTS[1..].join(", "));
        let less = mixture.clone().without(name);
        Ok(Contestant {
            name: format!("- {name}"),
            mixture: Some(
                less.with_context(|| format!("--without {name}: there are {}", known()))?,
            ),
        })
    };
    let mut contestants = vec![
        Contestant {
            name: "network".to_owned(),
            mixture: None,
        },
        lacking("reranker")?,
        Contestant {
            name: "all".to_owned(),
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
        &engine,
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
    engine: &Engine,
    dataset: &Dataset,
    files: &Files<'_>,
    among: Among,
    which: &[usize],
    contestants: &[Contestant],
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<(String, Figures)>> {
    let done = AtomicU64::new(0);
    let all: Vec<Vec<Metrics>> = which
        .par_iter()
        .map(|&file| {
            let mut metrics: Vec<Metrics> =
                contestants.iter().map(|_| Metrics::default()).collect();
            if progress(done.load(Ordering::Relaxed)) {
                files.read(engine, file, among, &mut |place| {
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
    let columns = contestants.iter().enumerate().map(|(k, contestant)| {
        let mut sum = Metrics::default();
        all.iter().for_each(|metrics| sum += &metrics[k]);
        (contestant.name.clone(), sum.figures())
    });
    Ok(columns.collect())
}

fn observe(contestant: &Contestant, dataset: &Dataset, place: &Place<'_>) -> Observation {
    let vocabulary = dataset.vocabulary();
    let document = place.document;
    let (prediction, ranked) = match &contestant.mixture {
        None => {
            let prediction = Prediction::of_network(place.answer);
            let known = (0..vocabulary.len()).filter(|&id| id != UNK as usize);
            let ranked = prediction.best(known, ANSWERS);
            (prediction, ranked)
        }
        Some(mixture) => {
            let prediction = mixture.predict(document, place.answer, place.similar);
            let all = prediction.candidates(document);
            let ranked = mixture.rank(&prediction, document, place.answer, all, ANSWERS);
            (prediction, ranked)
        }
    };
    let answers: Vec<(&str, f32)> = ranked
        .iter()
        .map(|&(candidate, probability)| {
            let known = vocabulary.token(candidate as u32);
            let text = known.or_else(|| prediction.spelling(document, candidate));
            (text.unwrap_or_default(), probability)
        })
        .collect();
    Observation::from_answers(place.text, place.previous, &answers, None)
}
