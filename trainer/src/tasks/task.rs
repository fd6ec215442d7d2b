//! What a network learns, as the training loop sees it, and what one pass of it takes and gives.

use std::time::Instant;

use anyhow::Result;
use candle_core::Tensor;
use minicopilot::metrics::Figures;

/// A network with the loss that it learns by.
pub trait Task {
    /// Where batches come from.
    type Data;
    /// The examples of one training step.
    type Batch: 'static;
    /// What a batch hands on to the next one, such as a recurrent state.
    type Carry: Default;

    /// The batches of an epoch, in their order. Skipping some costs next to nothing.
    fn batches<'d>(
        &self,
        data: &'d Self::Data,
        epoch: u64,
    ) -> Box<dyn Iterator<Item = Self::Batch> + 'd>;

    /// Targets of one epoch.
    fn epoch_targets(&self, data: &Self::Data) -> u64;

    /// Targets of a batch, `<PAD>` aside.
    fn targets(&self, batch: &Self::Batch) -> u64;

    /// The loss of a batch, to be differentiated; `carry` is replaced by what the next batch continues.
    fn loss(&self, batch: &Self::Batch, carry: &mut Self::Carry, pass: Pass<'_>)
    -> Result<LossSum>;

    /// Figures of the validation part.
    fn validate(&self, data: &Self::Data) -> Result<Figures>;

    /// The tensors of `carry`, in the order in which [`Task::carry_of`] takes them.
    fn carried(&self, carry: &Self::Carry) -> Vec<Tensor>;

    /// The carry that these tensors describe; the initial one if there are none.
    fn carry_of(&self, tensors: &[Tensor]) -> Result<Self::Carry>;
}

/// What a training step asks of a task's forward pass.
pub struct Pass<'p> {
    /// Everything random in the pass depends on it alone: dropout, sampled classes.
    pub seed: u64,
    /// Targets of this step in the batches of all workers.
    pub all_targets: u64,
    /// The task ends each of its phases.
    pub phases: &'p mut Phases,
}

/// The loss of one worker's batch. Workers add both numbers up: the sums to the mean loss of all targets, the targets to
/// [`Pass::all_targets`].
pub struct LossSum {
    /// Scalar: the sum over the batch's targets of the cross-entropy in nats, each weighted by 1 / `all_targets`.
    ///
    /// The weight is part of the sum because the loss computes its gradients in the forward pass, in the precision of its
    /// matrix products: to divide them afterwards would round them differently.
    pub sum: Tensor,
    /// Targets of the batch.
    pub targets: u64,
}

/// Seconds that the phases of a step took, in their order.
#[derive(Debug)]
pub struct Phases {
    began: Instant,
    /// Name and seconds of each phase that has ended.
    pub seconds: Vec<(&'static str, f64)>,
}

impl Phases {
    /// The first phase begins now.
    pub fn begin() -> Self {
        Self {
            began: Instant::now(),
            seconds: Vec::new(),
        }
    }

    /// The phase ends now, and the next one begins.
    pub fn end(&mut self, name: &'static str) {
        let took = std::mem::replace(&mut self.began, Instant::now()).elapsed();
        self.seconds.push((name, took.as_secs_f64()));
    }
}
