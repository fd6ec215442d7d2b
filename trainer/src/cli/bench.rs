//! Arguments of `trainer bench`.

use std::path::PathBuf;

use minicopilot::model::MatmulPrecision;

use super::values::precision;
use crate::bench::Settings;

/// Arguments of `trainer bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// The experiment whose network and batch are measured
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// A Python interpreter that can import torch, to benchmark PyTorch as well
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Lanes per batch; overrides the experiment
    #[arg(long)]
    lanes: Option<usize>,
    /// Seconds per turn
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,
    /// Turns per contender; the fastest counts
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// One turn of this program in this precision, as JSON (used for the child processes)
    #[arg(long, hide = true, value_parser = precision)]
    pub turn: Option<MatmulPrecision>,
}

impl BenchArgs {
    /// The library settings for these arguments.
    pub fn settings(self) -> Settings {
        Settings {
            config: self.config,
            torch: self.torch,
            device: self.device,
            lanes: self.lanes,
            seconds: self.seconds,
            rounds: self.rounds,
        }
    }
}
