//! `trainer train`: rate, forward, backward, clip, update, log, in one loop that can be read from top to bottom; and
//! what surrounds it, so that a run can be stopped at any moment and continued as if it never had been.

mod config;
mod folder;
mod learner;
mod optimizer;
mod progress;
mod run;

pub use config::{Experiment, Loader};
pub use folder::{BEST, CONFIG, LAST, LOG};
pub use learner::{Learner, PHASES, Step};
pub use progress::{bar, bytes_bar};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use candle_core::{Device, Tensor};
use minicopilot::model::State;

use crate::data::{Batch, Dataset, SEQUENCE_LEN, Sequences, Split, Streams};
use crate::evaluate;
use crate::interrupt::Interrupt;
use progress::Progress;
use run::{Position, Run};

/// Arguments of `trainer train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment; may be left out with --resume, which takes the run's own
    #[arg(long, value_name = "TOML", required_unless_present = "resume")]
    config: Option<PathBuf>,
    /// A folder made by `trainer prepare`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The run's folder: config.toml, metrics.jsonl, checkpoints last/ and best/
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Continue the run in RUN from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// Begin with this checkpoint's weights instead of fresh ones
    #[arg(long, value_name = "CHECKPOINT", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// In place of the experiment's seed
    #[arg(long)]
    seed: Option<u64>,
    /// Several runs, one for each of these seeds, in RUN/seed-N
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N,N,...",
        conflicts_with = "seed"
    )]
    seeds: Vec<u64>,
    /// In place of the experiment's token budget
    #[arg(long)]
    max_tokens: Option<u64>,
    /// Stop after so many minutes (with --seeds: all runs together), to be continued with --resume
    #[arg(long)]
    max_minutes: Option<f64>,
    /// How often to save, at most 10
    #[arg(long, default_value_t = 5.0, value_name = "MINUTES")]
    save_every: f64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs, or all tokens.
    Finished,
    /// Validation stopped improving.
    EarlyStopped,
    /// `--max-minutes`.
    OutOfTime,
    /// SIGINT or SIGTERM.
    Interrupted,
}

/// Runs `trainer train`.
pub fn main(args: &Args, interrupt: &Interrupt) -> Result<String> {
    ensure!(
        args.save_every > 0.0 && args.save_every <= 10.0,
        "--save-every must lie between 0 and 10 minutes"
    );
    ensure!(
        args.max_minutes.is_none_or(|minutes| minutes >= 0.0),
        "--max-minutes must not be negative"
    );
    let device = device(&args.device)?;
    let dataset = Dataset::open(&args.data)?;
    for split in [Split::Train, Split::Validation] {
        ensure!(
            !dataset.files(split).is_empty(),
            "{} holds no {split} part; see `trainer prepare --help`",
            args.data.display()
        );
    }
    let runs: Vec<(PathBuf, Option<u64>)> = if args.seeds.is_empty() {
        vec![(args.out.clone(), args.seed)]
    } else {
        let run = |&seed: &u64| (args.out.join(format!("seed-{seed}")), Some(seed));
        args.seeds.iter().map(run).collect()
    };
    if !args.resume {
        // Before the first run has taken its hours.
        for (out, _) in &runs {
            folder::ensure_free(out)?;
        }
    }
    let began = Instant::now();
    for (out, seed) in &runs {
        // Of several runs the later ones may not have begun when the first was stopped.
        let resume = args.resume && (runs.len() == 1 || out.join(folder::CONFIG).exists());
        let experiment = experiment(args, out, *seed)?;
        let mut run = Run::open(
            out,
            resume,
            args.from.as_deref(),
            &experiment,
            &dataset,
            &device,
        )?;
        let ending = train(args, &mut run, &dataset, began, interrupt)?;
        crate::show(&run.summary(ending))?;
        if matches!(ending, Ending::OutOfTime | Ending::Interrupted) {
            break;
        }
    }
    Ok(String::new()) // each run's summary has been shown as it ended
}

/// The experiment of the run in `out`: as given, or its own.
fn experiment(args: &Args, out: &Path, seed: Option<u64>) -> Result<Experiment> {
    let path = args
        .config
        .clone()
        .unwrap_or_else(|| out.join(folder::CONFIG));
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the experiment {}", path.display()))?;
    let mut experiment = Experiment::parse(&text).with_context(|| path.display().to_string())?;
    if let Some(seed) = seed {
        experiment.training.seed = seed;
    }
    if args.max_tokens.is_some() {
        experiment.training.max_tokens = args.max_tokens;
    }
    Ok(experiment)
}

/// `cpu`, `cuda` or `cuda:N`.
pub fn device(name: &str) -> Result<Device> {
    let index = match name.split_once(':') {
        None if name == "cpu" => return Ok(Device::Cpu),
        None if name == "cuda" => 0,
        Some(("cuda", index)) => index
            .parse()
            .with_context(|| format!("--device {name}: not a number behind the colon"))?,
        _ => bail!("--device {name}: expected cpu, cuda or cuda:N"),
    };
    let advice = if cfg!(feature = "cuda") {
        "check the driver with nvidia-smi, or use --device cpu"
    } else {
        "this trainer was built without CUDA: build it with --features cuda, or use --device cpu"
    };
    let device = Device::new_cuda(index).map_err(|error| {
        let cause = error.to_string();
        anyhow::anyhow!(
            "--device {name}: {}; {advice}",
            cause.lines().next().unwrap_or("no such device")
        )
    })?;
    #[cfg(feature = "cuda")]
    crate::memory::keep_freed_gpu_memory(&device)?;
    Ok(device)
}

/// Trains until something ends it; `began` is when the time limit started to run.
fn train(
    args: &Args,
    run: &mut Run,
    dataset: &Dataset,
    began: Instant,
    interrupt: &Interrupt,
) -> Result<Ending> {
    let settings = run.experiment.training.clone();
    let shards = dataset.files(Split::Train);
    let budget = settings
        .max_tokens
        .unwrap_or(u64::MAX)
        .min(epoch_tokens(dataset, settings.loader) * settings.epochs as u64);
    if run.has_stopped_improving() {
        return Ok(Ending::EarlyStopped); // a resume of what has ended
    }
    let progress = Progress::new(budget, run.position.tokens);
    let mut saved = Instant::now();

    while run.position.epoch < settings.epochs as u64 && run.position.tokens < budget {
        let Position { epoch, batch, .. } = run.position;
        let batches: Box<dyn Iterator<Item = Batch>> = match settings.loader {
            Loader::Sequences => {
                Box::new(Sequences::new(shards, settings.lanes, settings.seed, epoch))
            }
            Loader::Streams => Box::new(Streams::new(
                shards,
                settings.lanes,
                settings.steps,
                settings.seed,
                epoch,
            )),
        };
        for batch in batches.skip(batch as usize) {
            let rate = settings.rate(
                run.position.step,
                run.position.tokens as f64 / budget as f64,
            );
            let step = run.step(&batch, rate)?;
            run.log_step(&step, rate)?;
            progress.advance(run.position.tokens, step.loss);

            if run.position.tokens >= budget {
                break;
            }
            let due = settings.validate_every.is_some_and(|every| {
                run.position.tokens / every > (run.position.tokens - step.tokens) / every
            });
            if due && !validate(run, dataset, &progress)? {
                return Ok(Ending::EarlyStopped);
            }
            let ending = if interrupt.requested() {
                Some(Ending::Interrupted)
            } else if args
                .max_minutes
                .is_some_and(|m| began.elapsed().as_secs_f64() > m * 60.0)
            {
                Some(Ending::OutOfTime)
            } else {
                None
            };
            if ending.is_some() || saved.elapsed() > Duration::from_secs_f64(args.save_every * 60.0)
            {
                run.save_last()?;
                saved = Instant::now();
            }
            if let Some(ending) = ending {
                return Ok(ending);
            }
        }
        run.position.epoch += 1;
        run.position.batch = 0;
        run.learner.state = None;
        let is_validated = run.position.validated_step == Some(run.position.step);
        if is_validated {
            run.save_last()?;
        } else if !validate(run, dataset, &progress)? {
            return Ok(Ending::EarlyStopped);
        }
        saved = Instant::now();
    }
    Ok(Ending::Finished)
}

/// Measures on the validation part and saves; `false` if it has not improved for too long.
fn validate(run: &mut Run, dataset: &Dataset, progress: &Progress) -> Result<bool> {
    let settings = &run.experiment.training;
    progress.note("validating");
    let measured = evaluate::measure(
        &run.learner.model,
        1.0,
        dataset,
        Split::Validation,
        settings.validation_tokens,
        &|_| true,
    )?;
    run.log_validation(&measured.whole.metrics.figures())?;
    progress.print(&run.validation_line());
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

/// The carried state, moved to `device`.
fn state_on(tensors: &[Tensor], device: &Device) -> Result<State> {
    let tensors: Vec<Tensor> = tensors
        .iter()
        .map(|t| t.to_device(device))
        .collect::<candle_core::Result<_>>()?;
    Ok(State::from_tensors(&tensors)?)
}
