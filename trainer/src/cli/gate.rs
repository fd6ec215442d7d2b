//! Arguments of `trainer gate`.

use std::path::PathBuf;

use crate::gate::Settings;

/// Arguments of `trainer gate`.
#[derive(Debug, clap::Args)]
pub struct GateArgs {
    /// A checkpoint written by `trainer export`
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// A folder written by `trainer prepare --split-by package`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder for the checkpoint with its gate
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of targets to fit the gate and the reranker on
    #[arg(long, default_value_t = 1_200_000)]
    tokens: u64,
    /// Passes over these targets
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    /// Random seed for the initial weights
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

impl GateArgs {
    /// The library settings for these arguments.
    pub fn settings(self) -> Settings {
        Settings {
            checkpoint: self.checkpoint,
            data: self.data,
            out: self.out,
            tokens: self.tokens,
            epochs: self.epochs,
            seed: self.seed,
        }
    }
}
