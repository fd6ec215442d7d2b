//! The interface between the training loop and a task: batches, forward pass, loss, validation.

use std::time::Instant;

use anyhow::Result;
use candle_core::Tensor;
use minicopilot::metrics::Figures;

/// A network with its training loss.
pub trait Task {
    /// The source of batches.
    type Data;
    /// The examples of one training step.
    type Batch: 'static;
    /// State passed from one batch to the next, such as a recurrent state.
    type Carry: Default;

    /// The batches of an epoch in order. Skipping batches is cheap.
    fn batches<'d>(
        &self,
        data: &'d Self::Data,
        epoch: u64,
    ) -> Box<dyn Iterator<Item = Self::Batch> + 'd>;

    /// Number of targets per epoch.
    fn epoch_targets(&self, data: &Self::Data) -> u64;

    /// The parameters that are matrices between hidden layers, with the number of matrices that are stacked along the rows of
    /// each.
    fn hidden_matrices(&self) -> Vec<(String, usize)>;

    /// Number of targets in a batch, excluding `<PAD>`.
    fn targets(&self, batch: &Self::Batch) -> u64;

    /// The differentiable loss of a batch. Replaces `carry` by the state for the next batch.
    fn loss(&self, batch: &Self::Batch, carry: &mut Self::Carry, pass: Pass<'_>)
    -> Result<LossSum>;

    /// Metrics on the validation split.
    fn validate(&self, data: &Self::Data) -> Result<Figures>;

    /// The tensors of `carry`, in the order that [`Task::carry_of`] expects.
    fn carried(&self, carry: &Self::Carry) -> Result<Vec<Tensor>>;

    /// The carry described by these tensors; the initial one if there are none.
    fn carry_of(&self, tensors: &[Tensor]) -> Result<Self::Carry>;
}

/// Inputs of a task's forward pass in training.
pub struct Pass<'p> {
    /// Seed of all randomness in the pass: dropout and sampled classes.
    pub seed: u64,
    /// Number of targets of this step over all workers.
    pub all_targets: u64,
    /// Phase timer; the task ends each of its phases.
    pub phases: &'p mut Phases,
}

/// The loss of one worker's batch. Both numbers are summed over workers: the sums give the mean loss over all targets,
/// the target counts give [`Pass::all_targets`].
pub struct LossSum {
    /// Scalar: the cross-entropy in nats, summed over the batch's targets and divided by `all_targets`.
    ///
    /// The division is part of the sum because the loss computes its gradients in the forward pass, in the precision of
    /// its matrix products. Dividing them afterwards would round differently.
    pub sum: Tensor,
    /// Number of targets in the batch.
    pub targets: u64,
}

/// Duration of each phase of a step in seconds, in order.
#[derive(Debug)]
pub struct Phases {
    began: Instant,
    /// Name and seconds of each finished phase.
    pub seconds: Vec<(&'static str, f64)>,
}

impl Phases {
    /// Starts the first phase.
    pub fn begin() -> Self {
        Self {
            began: Instant::now(),
            seconds: Vec::new(),
        }
    }

    /// Ends the current phase and starts the next one.
    pub fn end(&mut self, name: &'static str) {
        let took = std::mem::replace(&mut self.began, Instant::now()).elapsed();
        self.seconds.push((name, took.as_secs_f64()));
    }
}
