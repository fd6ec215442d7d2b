//! The loop of a run: epoch by epoch, batch by batch, until something ends it.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::run::Run;
use super::summary::Ending;
use crate::data::{Batch, Dataset, SEQUENCE_LEN, Sequences, Split, Streams};
use crate::evaluation::language_model;
use crate::experiment::{Loader, TrainingSettings};
use crate::host::{Host, Progress, Unit};

/// How long a run may take, and how often it is saved.
pub struct Limits {
    /// When the time limit started to run.
    pub began: Instant,
    /// The time limit.
    pub time: Option<Duration>,
    /// Time between two saved checkpoints.
    pub save_every: Duration,
}

/// Trains until something ends it.
pub fn train(run: &mut Run, dataset: &Dataset, limits: &Limits, host: &dyn Host) -> Result<Ending> {
    let settings = run.experiment.training.clone();
    let budget = settings
        .max_tokens
        .unwrap_or(u64::MAX)
        .min(epoch_tokens(dataset, settings.loader) * settings.epochs as u64);
    if run.has_stopped_improving() {
        return Ok(Ending::EarlyStopped); // a resume of a run that has ended
    }
    let progress = host.progress(Unit::Tokens, budget, run.progress.tokens);
    let mut saved = Instant::now();

    while run.progress.epoch < settings.epochs as u64 && run.progress.tokens < budget {
        let epoch = batches(dataset, &settings, run.progress.epoch);
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
            if due && !validate(run, dataset, &*progress)? {
                return Ok(Ending::EarlyStopped);
            }
            let ending = limits.ending(host);
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
        } else if !validate(run, dataset, &*progress)? {
            return Ok(Ending::EarlyStopped);
        }
        saved = Instant::now();
    }
    Ok(Ending::Finished)
}

impl Limits {
    /// Why the run must end now, if it must.
    fn ending(&self, host: &dyn Host) -> Option<Ending> {
        if host.cancelled() {
            return Some(Ending::Interrupted);
        }
        let is_over = self.time.is_some_and(|limit| self.began.elapsed() > limit);
        is_over.then_some(Ending::OutOfTime)
    }
}

/// The batches of an epoch, in their order.
fn batches<'d>(
    dataset: &'d Dataset,
    settings: &TrainingSettings,
    epoch: u64,
) -> Box<dyn Iterator<Item = Batch> + 'd> {
    let shards = dataset.files(Split::Train);
    let &TrainingSettings {
        lanes, steps, seed, ..
    } = settings;
    match settings.loader {
        Loader::Sequences => Box::new(Sequences::new(shards, lanes, seed, epoch)),
        Loader::Streams => Box::new(Streams::new(shards, lanes, steps, seed, epoch)),
    }
}

/// Measures on the validation part and saves; `false` if it has not improved for too long.
fn validate(run: &mut Run, dataset: &Dataset, progress: &dyn Progress) -> Result<bool> {
    progress.message("validating");
    let measured = language_model::measure(
        &run.learner.model,
        1.0,
        dataset,
        Split::Validation,
        run.experiment.training.validation_tokens,
        &|_| true,
    )?;
    run.log_validation(&measured.whole.metrics.figures())?;
    progress.note(&run.progress.validation_line());
    run.save_last()?;
    Ok(!run.has_stopped_improving())
}

/// Targets of one epoch.
fn epoch_tokens(dataset: &Dataset, loader: Loader) -> u64 {
    let shards = dataset.files(Split::Train);
    let targets = |file| shards.file_len(file) as u64 - 1;
    let most = match loader {
        Loader::Sequences => SEQUENCE_LEN as u64 - 1,
        Loader::Streams => u64::MAX,
    };
    (0..shards.len()).map(|i| targets(i).min(most)).sum()
}
