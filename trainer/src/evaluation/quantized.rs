//! Compares the served int8 engine with the f32 network: the metrics of both, and how often they agree.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use candle_core::{Device, Tensor};
use minicopilot::inference::{Engine, StateHistory};
use minicopilot::metrics::{Figures, Metrics, Surfaces};
use minicopilot::model::Model;
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::tokenizer::TokenId;
use rayon::prelude::*;

use super::subject::Subject;
use super::table::table;
use crate::data::{Dataset, Split};
use crate::host::Host;

/// Tokens per thread whose logits are in memory at once: 2.5 MB.
const TOGETHER: usize = 64;
/// Files between two progress updates.
const FILES: usize = 16;

/// Both networks on the same targets.
#[derive(Default)]
pub struct Agreement {
    /// Number of targets.
    targets: u64,
    /// How often the most probable entry was the same.
    top1: u64,
    /// How often the five most probable entries were the same set.
    top5: u64,
    /// The largest absolute difference of a probability.
    largest: f32,
    network: Metrics,
    engine: Metrics,
}

impl Agreement {
    /// Metrics and agreement as JSON.
    pub fn to_json(&self) -> Result<String> {
        let [network, engine] = self.figures();
        let mut json = serde_json::to_value(BTreeMap::from([("f32", network), ("int8", engine)]))?;
        for (name, value) in self.rows() {
            json[name.replace(' ', "_")] = value.into();
        }
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    /// The metrics of both networks, f32 first.
    fn figures(&self) -> [Figures; 2] {
        [self.network.figures(), self.engine.figures()]
    }

    /// Agreement rates by name.
    fn rows(&self) -> [(&'static str, f64); 3] {
        let share = |count: u64| count as f64 / self.targets.max(1) as f64;
        [
            ("same top-1", share(self.top1)),
            ("same top-5", share(self.top5)),
            ("largest difference of p", f64::from(self.largest)),
        ]
    }

    fn merge(mut self, other: &Self) -> Self {
        self.targets += other.targets;
        self.top1 += other.top1;
        self.top5 += other.top5;
        self.largest = self.largest.max(other.largest);
        self.network += &other.network;
        self.engine += &other.engine;
        self
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [network, engine] = self.figures();
        f.write_str(&table(&[("f32", &network), ("int8", &engine)]))?;
        for (name, value) in self.rows() {
            writeln!(f, "{name:<30}{value:>20.4}")?;
        }
        Ok(())
    }
}

/// Evaluates both networks of a checkpoint; `None` if the user cancelled.
pub fn evaluate(subject: &Subject, host: &dyn Host) -> Result<Option<Agreement>> {
    let (checkpoint, dataset) = subject.open()?;
    checkpoint.check_served()?;
    let model = checkpoint.model(&Device::Cpu)?;
    subject.measure(&dataset, "", host, |limit, progress| {
        measure(
            &checkpoint,
            &model,
            &dataset,
            subject.split,
            limit,
            progress,
        )
    })
}

/// Evaluates both networks on the first files of a split, within `max_tokens`. `progress` receives the number of
/// finished targets; false cancels.
fn measure(
    checkpoint: &Checkpoint,
    model: &Model,
    dataset: &Dataset,
    split: Split,
    max_tokens: u64,
    progress: &dyn Fn(u64) -> bool,
) -> Result<Agreement> {
    let config = &checkpoint.config;
    let both = Both {
        model,
        engine: Engine::of(checkpoint, None)?,
        temperature: config.temperature as f32,
        surfaces: super::language_model::surfaces(dataset, config.temperature),
    };
    let shards = dataset.files(split);
    let files: Vec<usize> = (0..shards.files_within(max_tokens).max(1)).collect();
    let mut all = Agreement::default();
    for files in files.chunks(FILES) {
        let some: Vec<Agreement> = files
            .par_iter()
            .map(|&file| both.file(shards.file(file)))
            .collect::<Result<_>>()?;
        all = some.iter().fold(all, Agreement::merge);
        if !progress(all.targets) {
            break;
        }
    }
    Ok(all)
}

struct Both<'a> {
    model: &'a Model,
    engine: Engine,
    temperature: f32,
    surfaces: Surfaces,
}

impl Both<'_> {
    fn file(&self, ids: &[u16]) -> Result<Agreement> {
        let ids: Vec<TokenId> = ids.iter().map(|&id| TokenId::new(id.into())).collect();
        let mut agreement = Agreement::default();
        let mut state = self.model.zero_state(1)?;
        let mut session = StateHistory::new();
        let inputs = &ids[..ids.len().saturating_sub(1)];
        for (block, inputs) in inputs.chunks(TOGETHER).enumerate() {
            let input = inputs.iter().map(|id| id.get());
            let input = Tensor::from_iter(input, &Device::Cpu)?.unsqueeze(1)?; // [T,1]
            let (hidden, after) = self.model.seq(&input, &state)?;
            state = after;
            let rows: Vec<Vec<f32>> = self.model.logits(&hidden.squeeze(1)?)?.to_vec2()?;
            for (at, logits) in (block * TOGETHER..).zip(rows) {
                let answer = session.distribution(&self.engine, &ids[..=at])?;
                let answer = answer.to_dense();
                agreement.targets += 1;
                let (ours, theirs) = (best(&answer), best(&logits));
                agreement.top1 += u64::from(ours[0] == theirs[0]);
                agreement.top5 += u64::from(ours.iter().all(|id| theirs.contains(id)));
                for (p, q) in answer.iter().zip(self.softmax(&logits)) {
                    agreement.largest = agreement.largest.max((p - q).abs());
                }
                let (previous, target) = (ids[at], ids[at + 1]);
                let network = self.surfaces.observe(&logits, target, previous);
                agreement.network.add(&network);
                // The engine's logits, up to a constant.
                let logits: Vec<f32> = answer
                    .iter()
                    .map(|p| p.max(f32::MIN_POSITIVE).ln() * self.temperature)
                    .collect();
                let engine = self.surfaces.observe(&logits, target, previous);
                agreement.engine.add(&engine);
            }
        }
        Ok(agreement)
    }

    fn softmax(&self, logits: &[f32]) -> impl Iterator<Item = f32> {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponential = move |logit: &f32| ((logit - largest) / self.temperature).exp();
        let sum: f32 = logits.iter().map(exponential).sum();
        logits.iter().map(move |logit| exponential(logit) / sum)
    }
}

/// The five entries with the highest scores, highest first.
fn best(scores: &[f32]) -> [usize; 5] {
    let mut best = [usize::MAX; 5];
    for (id, &score) in scores.iter().enumerate() {
        let stands = |other: usize| other == usize::MAX || scores[other] < score;
        if let Some(place) = best.iter().position(|&other| stands(other)) {
            best[place..].rotate_right(1);
            best[place] = id;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_lower_ids_before_higher() {
        let scores = [0.0, 5.0, 1.0, 5.0, 3.0, 4.0, 2.0];
        assert_eq!(best(&scores), [1, 3, 5, 4, 6]);
    }
}
