//! How the workers of a data-parallel run agree. Each has the same parameters and its own batches; after every step all
//! have added up the same gradients.

use anyhow::Result;

use super::gradients::Gradients;

/// One worker's link to all of them.
pub trait Communicator {
    /// Whether this worker saves, logs and talks to the user.
    fn is_main(&self) -> bool;

    /// The sum of `count` over all workers.
    fn sum(&self, count: u64) -> Result<u64>;

    /// Replaces the gradients, and the loss and the number of targets that they belong to, by their sums over all workers.
    fn all_reduce(
        &self,
        gradients: &mut Gradients,
        loss: &mut f64,
        targets: &mut u64,
    ) -> Result<()>;

    /// Whether any worker wants to stop: all of them stop after the same step, or none.
    fn any(&self, stop: bool) -> Result<bool>;
}

/// The only worker of a run on one machine.
pub struct Solo;

impl Communicator for Solo {
    fn is_main(&self) -> bool {
        true
    }

    fn sum(&self, count: u64) -> Result<u64> {
        Ok(count)
    }

    fn all_reduce(&self, _: &mut Gradients, _: &mut f64, _: &mut u64) -> Result<()> {
        Ok(())
    }

    fn any(&self, stop: bool) -> Result<bool> {
        Ok(stop)
    }
}
