//! Evaluates an f32 network by its own distributions on the first files of a split.
//!
//! One pass gives both contexts: `whole` carries the state to each file's end; `1000` covers the same file's first
//! 1,000 tokens, which later tokens cannot influence. Training validates with it, and `trainer evaluate model` prints
//! it.

use anyhow::Result;
use candle_core::Tensor;
use minicopilot::metrics::{Breakdown, Metrics, Observation, Surfaces};
use minicopilot::model::{Model, TrainingPass};
use minicopilot::tokenizer::TokenId;
use rayon::prelude::*;

use crate::data::{Batch, Dataset, SEQUENCE_LEN, Split, Streams};

/// Lanes that are evaluated together, and steps per batch: wide enough for efficient matrix products.
const LANES: usize = 32;
const STEPS: usize = 64;
/// Steps whose logits are in memory at once: 10 MB.
const TOGETHER: usize = 8;

/// Metrics of the same targets under both contexts.
#[derive(Default)]
pub struct Measured {
    /// State carried to each file's end.
    pub whole: Counted,
    /// The first 1,000 tokens of each file.
    pub original: Counted,
}

/// All metrics of one context.
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

/// Evaluates `model` on the first files of a split, until they contain `max_tokens`. `temperature` divides the logits
/// of displayed probabilities. `progress` receives the number of finished targets; false cancels.
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
    let mut places = vec![0usize; LANES]; // position of each lane's next input in its file
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

/// Token classes and texts of the vocabulary's entries.
pub(super) fn surfaces(dataset: &Dataset, temperature: f64) -> Surfaces {
    let vocabulary = dataset.vocabulary();
    let tokens = vocabulary.entries().map(|(_, token)| token);
    Surfaces::new(tokens, temperature)
}

/// Runs `model` over the first files of a split and passes on each step's logits `[B,V]`.
pub(super) fn each_step(
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
        let training = TrainingPass {
            starts: Some(&batch.starts),
            ..TrainingPass::default()
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

/// Records the targets of one step with `logits` `[B,V]`.
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
            let (target, previous) = (TokenId::new(target), TokenId::new(previous));
            (target != TokenId::PAD).then(|| surfaces.observe(row, target, previous))
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
