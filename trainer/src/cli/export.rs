//! Arguments of `trainer export`.

use std::path::PathBuf;

use crate::export::Settings;

/// Arguments of `trainer export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// A checkpoint folder, such as RUN/best
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Where the exported folder goes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Figures by `trainer evaluate model --json`, to be kept in config.json and shown in the card
    #[arg(long, value_name = "JSON")]
    test_metrics: Option<PathBuf>,
    /// Fit the temperature of the probabilities shown on the validation part of this prepared folder
    #[arg(long, value_name = "DIR")]
    calibrate: Option<PathBuf>,
    /// A text about data, licences and limits, appended to the card
    #[arg(long, value_name = "MARKDOWN")]
    notes: Option<PathBuf>,
    /// Keep the weights as they are, in full precision
    #[arg(long)]
    f32: bool,
}

impl ExportArgs {
    /// What they ask for.
    pub fn settings(self) -> Settings {
        Settings {
            checkpoint: self.checkpoint,
            out: self.out,
            test_metrics: self.test_metrics,
            calibrate: self.calibrate,
            notes: self.notes,
            full_precision: self.f32,
        }
    }
}
