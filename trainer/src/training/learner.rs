//! What learns: a task, its optimiser, what its batches carry, and one step of it.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use candle_core::Var;
use minicopilot::model::SplitMix64;

use super::communicator::Communicator;
use super::gradients::{GradientNorms, Gradients};
use super::optimizer::Adam;
use crate::experiment::TrainingSettings;
use crate::tasks::{LossSum, Pass, Phases, Task};

/// A network in training.
pub struct Learner<T: Task> {
    pub task: T,
    pub adam: Adam,
    /// What the next batch continues.
    pub carry: T::Carry,
    settings: TrainingSettings,
    communicator: Box<dyn Communicator>,
}

/// What one step came to, over all workers.
pub struct Step {
    /// Mean loss of the targets, in nats.
    pub loss: f64,
    pub gradient_norms: GradientNorms,
    /// Targets learned from.
    pub tokens: u64,
    pub phases: Phases,
}

impl<T: Task> Learner<T> {
    /// Over `parameters`, which the task's network holds too.
    pub fn new(
        task: T,
        parameters: BTreeMap<String, Var>,
        settings: &TrainingSettings,
        communicator: Box<dyn Communicator>,
    ) -> Result<Self> {
        Ok(Self {
            task,
            adam: Adam::new(parameters, settings)?,
            carry: T::Carry::default(),
            settings: settings.clone(),
            communicator,
        })
    }

    /// Forward, backward, clip, update. `number` is the step's place in the run: everything random depends on it alone.
    pub fn step(&mut self, batch: &T::Batch, rate: f64, number: u64) -> Result<Step> {
        let mut phases = Phases::begin();
        let pass = Pass {
            seed: SplitMix64::mix(self.settings.seed, number),
            all_targets: self.communicator.sum(self.task.targets(batch))?,
            phases: &mut phases,
        };
        let LossSum { sum, mut targets } = self.task.loss(batch, &mut self.carry, pass)?;
        let mut gradients = Gradients::of(&sum, &self.adam.parameters)?;
        phases.end("backward");

        let mut loss = f64::from(sum.to_scalar::<f32>()?);
        self.communicator
            .all_reduce(&mut gradients, &mut loss, &mut targets)?;
        let gradient_norms = gradients.norms()?;
        let norm = gradient_norms.total;
        ensure!(
            loss.is_finite() && norm.is_finite(),
            "step {number}: the loss is {loss} and the gradients' norm {norm}"
        );
        let clip = if self.settings.clip > 0.0 {
            (self.settings.clip / (norm + 1e-6)).min(1.0)
        } else {
            1.0
        };
        self.adam.step(&gradients, rate, clip)?;
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
