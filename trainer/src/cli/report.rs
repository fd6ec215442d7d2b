//! Arguments of `trainer report`.

use std::path::PathBuf;

/// Arguments of `trainer report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Folders of runs, or of the runs that `train --seeds` has made; those that differ in the seed alone are also shown
    /// as one
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// The page
    #[arg(long, value_name = "HTML")]
    pub out: PathBuf,
}
