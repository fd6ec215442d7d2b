//! The results of a benchmark: one column per contender, as a table and as JSON.

use std::fmt::{self, Write};

use anyhow::Result;
use minicopilot::model::{ModelConfig, bf16_accelerated};
use serde::Serialize;

use super::measure::{Turn, VOCABULARY_SIZE};
use crate::experiment::Experiment;

/// The results of all contenders.
#[derive(Debug)]
pub struct Comparison {
    pub(super) experiment: Experiment,
    pub(super) device: String,
    pub(super) contenders: Vec<Contender>,
}

impl Comparison {
    /// The contenders as JSON.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.contenders)? + "\n")
    }
}

/// The fastest turn of one contender.
#[derive(Debug, Serialize)]
pub struct Contender {
    pub name: String,
    #[serde(flatten)]
    pub best: Turn,
    pub gflops: f64,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            experiment,
            device,
            contenders,
        } = self;
        f.write_str(&table(
            experiment,
            device,
            flops_per_token(experiment),
            contenders,
        ))
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
                "{name}: peak {peak:.0} GFLOP/s, a plain matrix product"
            );
        }
    }
    table
}

/// Number of classes in the training softmax.
pub fn classes(experiment: &Experiment) -> usize {
    let t = &experiment.training;
    (t.softmax_head as usize)
        .saturating_add(t.softmax_sample)
        .min(VOCABULARY_SIZE)
}

/// Floating-point operations of the matrix products per token: two per weight in the forward pass and four in the
/// backward pass.
pub fn flops_per_token(experiment: &Experiment) -> f64 {
    let config = experiment.model_config(VOCABULARY_SIZE);
    let hidden = config.hidden_matrices();
    let is_hidden = |name: &str| hidden.iter().any(|(matrix, _)| matrix == name);
    let weights: usize = config
        .parameters()
        .iter()
        .filter(|(name, _)| is_hidden(name))
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    let classes = classes(experiment) * config.hidden_size;
    6.0 * (weights + classes + attended(&config, experiment.training.steps)) as f64
}

/// Products of a query with keys, and of scores with values, per token of a pass from the start of a file, in all layers.
fn attended(config: &ModelConfig, steps: usize) -> usize {
    let Some(sizes) = &config.transformer else {
        return 0;
    };
    let keys = |window: usize| -> usize {
        let each = (1..=steps).map(|seen| seen.min(window));
        each.sum::<usize>() / steps.max(1)
    };
    let windows = (0..sizes.layers).map(|layer| keys(sizes.window(layer)));
    2 * windows.sum::<usize>() * sizes.heads * sizes.head_size
}
