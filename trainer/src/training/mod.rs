//! Trains a network. A run can be stopped at any time and resumed with the same result as an uninterrupted run.
//!
//! [`train`] opens each run of a command. The loop over its batches is in [`epochs`]: rate, forward, backward, clip,
//! update, log.

mod communicator;
mod epochs;
pub(crate) mod folder;
mod gradients;
mod learner;
pub(crate) mod log;
mod optimizer;
mod progress;
mod run;
mod slices;
mod start;
mod summary;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use minicopilot::model::MatmulPrecision;

pub(crate) use self::communicator::Solo;
pub(crate) use self::learner::Learner;
use self::run::Run;
pub use self::summary::{Ending, Summary};
use crate::data::{Dataset, Split};
use crate::device;
use crate::experiment::Experiment;
use crate::host::Host;

/// Settings of training.
#[derive(Debug)]
pub struct Settings {
    /// The experiment; None uses the run's own.
    pub config: Option<PathBuf>,
    /// A folder of prepared data.
    pub data: PathBuf,
    /// The run's folder.
    pub out: PathBuf,
    /// Continue the run in `out` from its last checkpoint.
    pub resume: bool,
    /// Start from the weights of this checkpoint.
    pub from: Option<PathBuf>,
    /// `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Overrides the experiment's seed.
    pub seed: Option<u64>,
    /// One run for each of these seeds, in `out/seed-N`.
    pub seeds: Vec<u64>,
    /// Overrides the experiment's token budget.
    pub max_tokens: Option<u64>,
    /// Overrides the experiment's precision.
    pub precision: Option<MatmulPrecision>,
    /// Stop after this many minutes, all runs together.
    pub max_minutes: Option<f64>,
    /// Minutes between checkpoints, at most 10.
    pub save_every: f64,
}

/// Trains one run, or one per seed; calls `ended` as each run ends.
pub fn train(
    settings: &Settings,
    host: &dyn Host,
    ended: &mut dyn FnMut(&Summary) -> Result<()>,
) -> Result<()> {
    ensure!(
        settings.save_every > 0.0 && settings.save_every <= 10.0,
        "--save-every must be between 0 and 10 minutes"
    );
    ensure!(
        settings.max_minutes.is_none_or(|minutes| minutes >= 0.0),
        "--max-minutes must not be negative"
    );
    let device = device::open(&settings.device)?;
    let dataset = Dataset::open(&settings.data)?;
    for split in [Split::Train, Split::Validation] {
        ensure!(
            !dataset.files(split).is_empty(),
            "{} has no {split} split; see `trainer prepare --help`",
            settings.data.display()
        );
    }
    let runs = runs(settings);
    if !settings.resume {
        // Checked before the first run takes hours.
        for (out, _) in &runs {
            folder::ensure_free(out)?;
        }
    }
    let limits = epochs::Limits {
        began: Instant::now(),
        time: settings
            .max_minutes
            .map(|minutes| Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX)),
        save_every: Duration::from_secs_f64(settings.save_every * 60.0),
    };
    for (out, seed) in &runs {
        // Later runs may not have started when an earlier one was stopped.
        let resume = settings.resume && (runs.len() == 1 || out.join(folder::CONFIG).exists());
        let experiment = experiment(settings, out, *seed)?;
        let mut run = Run::open(
            out,
            resume,
            settings.from.as_deref(),
            &experiment,
            &dataset,
            &device,
            Box::new(Solo),
        )?;
        let ending = epochs::train(&mut run, &dataset, &limits, host)?;
        ended(&run.summary(ending))?;
        if matches!(ending, Ending::OutOfTime | Ending::Interrupted) {
            break;
        }
    }
    Ok(())
}

/// The folders of the runs, and the seed that overrides the experiment's in each.
fn runs(settings: &Settings) -> Vec<(PathBuf, Option<u64>)> {
    if settings.seeds.is_empty() {
        return vec![(settings.out.clone(), settings.seed)];
    }
    let run = |&seed: &u64| (settings.out.join(format!("seed-{seed}")), Some(seed));
    settings.seeds.iter().map(run).collect()
}

/// The experiment of the run in `out`: the given one, or the run's own.
fn experiment(settings: &Settings, out: &Path, seed: Option<u64>) -> Result<Experiment> {
    let path = settings
        .config
        .clone()
        .unwrap_or_else(|| out.join(folder::CONFIG));
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the experiment {}", path.display()))?;
    let mut experiment = Experiment::parse(&text).with_context(|| path.display().to_string())?;
    if let Some(seed) = seed {
        experiment.training.seed = seed;
    }
    if let Some(precision) = settings.precision {
        experiment.training.precision = precision;
    }
    if settings.max_tokens.is_some() {
        experiment.training.max_tokens = settings.max_tokens;
    }
    Ok(experiment)
}
