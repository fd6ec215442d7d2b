//! What learns: the network, its optimiser and the recurrent state between batches; and one step of it.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use minicopilot::model::{Model, Softmax, SplitMix64, State, Training};

use super::optimizer::{Adam, GradientNorms};
use crate::data::Batch;
use crate::experiment::{Experiment, Loader, TrainingSettings};

/// The parts of a step, as [`Step::phases`] times them.
pub const PHASES: [&str; 4] = ["layers", "output and loss", "backward", "update"];

/// A network in training.
pub struct Learner {
    pub model: Model,
    pub adam: Adam,
    /// The recurrent state that the next batch of a stream continues.
    pub state: Option<State>,
    settings: TrainingSettings,
    device: Device,
}

/// What one step came to.
pub struct Step {
    pub loss: f64,
    pub gradient_norms: GradientNorms,
    pub tokens: u64,
    /// Seconds in each of [`PHASES`].
    pub phases: [f64; PHASES.len()],
}

impl Learner {
    /// Over `parameters`, which both the network and the optimiser hold.
    pub fn new(
        experiment: &Experiment,
        vocabulary_size: usize,
        parameters: BTreeMap<String, Var>,
        device: &Device,
    ) -> Result<Self> {
        let settings = &experiment.training;
        ensure!(
            settings.softmax_sample > 0 || settings.softmax_head as usize >= vocabulary_size,
            "training.softmax_head leaves {} classes out, so softmax_sample must be at least 1",
            vocabulary_size.saturating_sub(settings.softmax_head as usize)
        );
        let tensors = parameters
            .iter()
            .map(|(name, var)| (name.clone(), var.as_tensor().clone()))
            .collect();
        let vb = VarBuilder::from_tensors(tensors, DType::F32, device);
        Ok(Self {
            model: Model::new(&experiment.model_config(vocabulary_size), &vb)?,
            adam: Adam::new(parameters, &experiment.training)?,
            state: None,
            settings: experiment.training.clone(),
            device: device.clone(),
        })
    }

    /// Forward, backward, clip, update. `number` is the step's place in the run: dropout and the sampled classes
    /// depend on it alone.
    pub fn step(&mut self, batch: &Batch, rate: f64, number: u64) -> Result<Step> {
        let settings = &self.settings;
        let mut clock = Instant::now();
        let mut lap = || {
            std::mem::replace(&mut clock, Instant::now())
                .elapsed()
                .as_secs_f64()
        };
        let seed = SplitMix64::mix(settings.seed, number);
        let state = self
            .state
            .take()
            .map_or_else(|| self.model.zero_state(batch.lanes), Ok)?;
        let ids = Tensor::from_slice(&batch.inputs, (batch.steps, batch.lanes), &self.device)?; // [T,B]
        let training = Training {
            starts: Some(&batch.starts),
            dropout_seed: Some(seed),
            precision: settings.precision,
        };
        let (hidden, state) = self.model.seq_training(&ids, &state, training)?; // [T,B,H]
        let layers = lap();
        let softmax = softmax(settings, self.model.config().vocabulary_size, seed);
        let loss = self
            .model
            .loss(&hidden, &batch.targets, &softmax, settings.precision)?;
        let output = lap();
        let gradients = loss.backward()?;
        let backward = lap();

        let loss = f64::from(loss.to_scalar::<f32>()?);
        let gradient_norms = self.adam.gradient_norms(&gradients)?;
        let gradient_norm = gradient_norms.total;
        ensure!(
            loss.is_finite() && gradient_norm.is_finite(),
            "step {number}: the loss is {loss} and the gradients' norm {gradient_norm}"
        );
        let clip = if settings.clip > 0.0 {
            (settings.clip / (gradient_norm + 1e-6)).min(1.0)
        } else {
            1.0
        };
        self.adam.step(&gradients, rate, clip)?;
        self.state = (settings.loader == Loader::Streams).then_some(state);
        Ok(Step {
            loss,
            gradient_norms,
            tokens: batch.target_count(),
            phases: [layers, output, backward, lap()],
        })
    }
}

fn softmax(settings: &TrainingSettings, vocabulary_size: usize, seed: u64) -> Softmax {
    if settings.softmax_head as usize >= vocabulary_size {
        return Softmax::Full;
    }
    Softmax::sampled(
        settings.softmax_head,
        settings.softmax_sample,
        vocabulary_size,
        seed,
    )
}
