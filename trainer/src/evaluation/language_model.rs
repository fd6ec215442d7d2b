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

use super::token_observer::TokenObserver;
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
    let vocabulary = dataset.vocabulary();
    let mut lanes = Lanes {
        positions: vec![0; LANES],
        pieces: vocabulary
            .has_pieces()
            .then(|| TokenObserver::new(vocabulary, LANES)),
    };
    each_step(
        model,
        dataset,
        split,
        max_tokens,
        progress,
        &mut |batch, t, logits| {
            step(batch, t, logits, &surfaces, &mut lanes, &mut measured);
        },
    )?;
    Ok(measured)
}

/// Where each lane is in its file.
struct Lanes<'v> {
    /// Position of the next target.
    positions: Vec<usize>,
    /// Merges targets into tokens, if they are pieces.
    pieces: Option<TokenObserver<'v>>,
}

/// Token classes and texts of the vocabulary's entries.
pub(super) fn surfaces(dataset: &Dataset, temperature: f64) -> Surfaces {
    let vocabulary = dataset.vocabulary();
    let tokens = vocabulary.entries().map(|(_, token)| token.trim_end());
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
    lanes: &mut Lanes<'_>,
    measured: &mut Measured,
) {
    let at = t * batch.lanes..(t + 1) * batch.lanes;
    let starts = batch.starts[at.clone()].iter().enumerate();
    for (lane, _) in starts.filter(|&(_, &is_start)| is_start) {
        lanes.positions[lane] = 1;
        if let Some(pieces) = &mut lanes.pieces {
            pieces.restart(lane, TokenId::new(batch.inputs[at.start + lane]));
        }
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
    for (lane, seen) in observations.into_iter().enumerate() {
        let target = TokenId::new(batch.targets[t * batch.lanes + lane]);
        let whole = match &mut lanes.pieces {
            Some(pieces) => seen.and_then(|seen| pieces.add(lane, target, &seen)),
            None => seen,
        };
        let Some(seen) = whole else { continue };
        let position = lanes.positions[lane];
        lanes.positions[lane] += 1;
        measured.whole.add(&seen, position);
        if position < SEQUENCE_LEN {
            measured.original.add(&seen, position);
        }
    }
}
