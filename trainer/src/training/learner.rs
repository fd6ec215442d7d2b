//! The learner: a task, its optimiser, the carried state, and the training step.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use candle_core::Var;
use minicopilot::model::SplitMix64;

use super::communicator::Communicator;
use super::gradients::{GradientNorms, Gradients};
use super::optimizer::Optimizer;
use crate::experiment::TrainingSettings;
use crate::tasks::{LossSum, Pass, Phases, Task};

/// A network in training.
pub struct Learner<T: Task> {
    pub task: T,
    pub optimizer: Optimizer,
    /// The state for the next batch.
    pub carry: T::Carry,
    settings: TrainingSettings,
    communicator: Box<dyn Communicator>,
}

/// The result of one step, over all workers.
pub struct Step {
    /// Mean loss per target, in nats.
    pub loss: f64,
    pub gradient_norms: GradientNorms,
    /// Number of targets.
    pub tokens: u64,
    pub phases: Phases,
}

impl<T: Task> Learner<T> {
    /// A learner over `parameters`, which the task's network shares.
    pub fn new(
        task: T,
        parameters: BTreeMap<String, Var>,
        settings: &TrainingSettings,
        communicator: Box<dyn Communicator>,
    ) -> Result<Self> {
        let matrices = task.hidden_matrices();
        Ok(Self {
            task,
            optimizer: Optimizer::new(parameters, matrices, settings)?,
            carry: T::Carry::default(),
            settings: settings.clone(),
            communicator,
        })
    }

    /// Forward, backward, clip, update. `number` is the step's index in the run and seeds all its randomness.
    pub fn step(&mut self, batch: &T::Batch, rate: f64, number: u64) -> Result<Step> {
        let mut phases = Phases::begin();
        let pass = Pass {
            seed: SplitMix64::mix(self.settings.seed, number),
            all_targets: self.communicator.sum(self.task.targets(batch))?,
            phases: &mut phases,
        };
        let LossSum { sum, mut targets } = self.task.loss(batch, &mut self.carry, pass)?;
        let mut gradients = Gradients::of(&sum, &self.optimizer.parameters)?;
        phases.end("backward");

        let mut loss = f64::from(sum.to_scalar::<f32>()?);
        self.communicator
            .all_reduce(&mut gradients, &mut loss, &mut targets)?;
        let gradient_norms = gradients.norms()?;
        let norm = gradient_norms.total;
        ensure!(
            loss.is_finite() && norm.is_finite(),
            "step {number}: the loss is {loss} and the gradient norm is {norm}"
        );
        let clip = if self.settings.clip > 0.0 {
            (self.settings.clip / (norm + 1e-6)).min(1.0)
        } else {
            1.0
        };
        self.optimizer.step(&gradients, rate, clip)?;
        phases.end("update");
        Ok(Step {
            loss,
            gradient_norms,
            tokens: targets,
            phases,
        })
    }

    /// Whether this worker saves, logs and talks to the user.
    pub fn is_main(&self) -> bool {
        self.communicator.is_main()
    }

    /// Whether any worker wants to stop.
    pub fn any(&self, stop: bool) -> Result<bool> {
        self.communicator.any(stop)
    }
}
