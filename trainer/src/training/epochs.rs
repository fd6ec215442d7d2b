//! The training loop: epoch by epoch, batch by batch, until a stopping condition holds.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::learner::Learner;
use super::run::Run;
use super::summary::Ending;
use crate::host::{Host, Progress, Unit};
use crate::tasks::Task;

/// Time limits of a run, and how often it is saved.
pub struct Limits {
    /// Start of the time limit.
    pub began: Instant,
    /// The time limit.
    pub time: Option<Duration>,
    /// Interval between checkpoints.
    pub save_every: Duration,
}

/// Trains until a stopping condition holds.
pub fn train<T: Task>(
    run: &mut Run<T>,
    data: &T::Data,
    limits: &Limits,
    host: &dyn Host,
) -> Result<Ending> {
    let settings = run.experiment.training.clone();
    let budget = settings
        .max_tokens
        .unwrap_or(u64::MAX)
        .min(run.learner.task.epoch_targets(data) * settings.epochs as u64);
    if run.has_stopped_improving() {
        return Ok(Ending::EarlyStopped); // the resumed run has already ended
    }
    let progress = host.progress(Unit::Tokens, budget, run.progress.tokens);
    let mut saved = Instant::now();

    while run.progress.epoch < settings.epochs as u64 && run.progress.tokens < budget {
        let epoch = run.learner.task.batches(data, run.progress.epoch);
        for batch in epoch.skip(run.progress.batch as usize) {
            let share = run.progress.tokens as f64 / budget as f64;
            let rate = settings.rate(run.progress.step, share);
            let step = run.step(&batch, rate)?;
            run.log_step(&step, rate)?;
            progress.set(run.progress.tokens);
            progress.message(&format!("loss {:.3}", step.loss));

            if run.progress.tokens >= budget {
                break;
            }
            let due = settings.validate_every.is_some_and(|every| {
                run.progress.tokens / every > (run.progress.tokens - step.tokens) / every
            });
            if due && !validate(run, data, &*progress)? {
                return Ok(Ending::EarlyStopped);
            }
            let ending = limits.ending(host, &run.learner)?;
            if ending.is_some() || saved.elapsed() > limits.save_every {
                run.save_last()?;
                saved = Instant::now();
            }
            if let Some(ending) = ending {
                return Ok(ending);
            }
        }
        run.end_epoch();
        if run.progress.validated_step == Some(run.progress.step) {
            run.save_last()?;
        } else if !validate(run, data, &*progress)? {
            return Ok(Ending::EarlyStopped);
        }
        saved = Instant::now();
    }
    Ok(Ending::Finished)
}

impl Limits {
    /// The stopping condition that holds now, if any; all workers agree.
    fn ending<T: Task>(&self, host: &dyn Host, learner: &Learner<T>) -> Result<Option<Ending>> {
        if learner.any(host.cancelled())? {
            return Ok(Some(Ending::Interrupted));
        }
        let is_over = self.time.is_some_and(|limit| self.began.elapsed() > limit);
        Ok(learner.any(is_over)?.then_some(Ending::OutOfTime))
    }
}

/// Validates and saves. Returns false if the loss has not improved for too long.
fn validate<T: Task>(run: &mut Run<T>, data: &T::Data, progress: &dyn Progress) -> Result<bool> {
    progress.message("validating");
    let learner = &run.learner;
    let figures = learner
        .optimizer
        .with_average(|| learner.task.validate(data))??;
    run.log_validation(&figures)?;
    progress.note(&run.progress.validation_line());
    run.save_last()?;
    Ok(!run.has_stopped_improving())
}
