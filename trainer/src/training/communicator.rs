//! Collective communication of a data-parallel run. Workers hold the same parameters and different batches; after every
//! step all of them have the same summed gradients.

use anyhow::Result;

use super::gradients::Gradients;

/// One worker's connection to all workers.
pub trait Communicator {
    /// Whether this worker saves, logs and talks to the user.
    fn is_main(&self) -> bool;

    /// The sum of `count` over all workers.
    fn sum(&self, count: u64) -> Result<u64>;

    /// All-reduce: replaces the gradients, the loss and the number of targets by their sums over all workers.
    fn all_reduce(
        &self,
        gradients: &mut Gradients,
        loss: &mut f64,
        targets: &mut u64,
    ) -> Result<()>;

    /// Whether any worker wants to stop. All workers then stop after the same step.
    fn any(&self, stop: bool) -> Result<bool>;
}

/// The only worker of a single-process run.
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
