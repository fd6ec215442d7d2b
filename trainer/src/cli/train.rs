//! Arguments of `trainer train`.

use std::path::PathBuf;

use minicopilot::model::MatmulPrecision;

use super::values::precision;
use crate::training::Settings;

/// Arguments of `trainer train`.
#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// The experiment; optional with --resume, which uses the run's own
    #[arg(long, value_name = "TOML", required_unless_present = "resume")]
    config: Option<PathBuf>,
    /// A folder written by `trainer prepare`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The run's folder: config.toml, metrics.jsonl, checkpoints last/ and best/
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Continue the run in RUN from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// Start from this checkpoint's weights
    #[arg(long, value_name = "CHECKPOINT", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Overrides the experiment's seed
    #[arg(long)]
    seed: Option<u64>,
    /// One run for each of these seeds, in RUN/seed-N
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N,N,...",
        conflicts_with = "seed"
    )]
    seeds: Vec<u64>,
    /// Overrides the experiment's token budget
    #[arg(long)]
    max_tokens: Option<u64>,
    /// Overrides the experiment's precision, also of a run that is resumed: `trainer bench` shows which one is faster here
    #[arg(long, value_name = "f32|bf16", value_parser = precision)]
    precision: Option<MatmulPrecision>,
    /// Stop after this many minutes (with --seeds: all runs together); --resume continues the run
    #[arg(long)]
    max_minutes: Option<f64>,
    /// Minutes between checkpoints, at most 10
    #[arg(long, default_value_t = 5.0, value_name = "MINUTES")]
    save_every: f64,
}

impl TrainArgs {
    /// The library settings for these arguments.
    pub fn settings(self) -> Settings {
        Settings {
            config: self.config,
            data: self.data,
            out: self.out,
            resume: self.resume,
            from: self.from,
            device: self.device,
            seed: self.seed,
            seeds: self.seeds,
            max_tokens: self.max_tokens,
            precision: self.precision,
            max_minutes: self.max_minutes,
            save_every: self.save_every,
        }
    }
}
