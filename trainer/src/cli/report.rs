//! Arguments of `trainer report`.

use std::path::PathBuf;

/// Arguments of `trainer report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Folders of runs, or of the runs of one `train --seeds`; runs that differ only in the seed are also shown as one
    /// group
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "HTML")]
    pub out: PathBuf,
}
