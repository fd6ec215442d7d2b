//! Arguments of `trainer export`.

use std::path::PathBuf;

use crate::export::Settings;

/// Arguments of `trainer export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// A checkpoint folder, such as RUN/best
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Metrics from `trainer evaluate model --json`, stored in config.json and shown in the model card
    #[arg(long, value_name = "JSON")]
    test_metrics: Option<PathBuf>,
    /// Fit the softmax temperature on the validation split of this prepared folder
    #[arg(long, value_name = "DIR")]
    calibrate: Option<PathBuf>,
    /// Text about data, licences and limitations, appended to the model card
    #[arg(long, value_name = "MARKDOWN")]
    notes: Option<PathBuf>,
    /// Keep the weights in full precision
    #[arg(long)]
    f32: bool,
}

impl ExportArgs {
    /// The library settings for these arguments.
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
