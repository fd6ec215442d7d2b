//! Arguments of `trainer evaluate` and its subcommands.

use std::path::PathBuf;

use clap::Subcommand;

use crate::data::Split;
use crate::evaluation::{Subject, context, model};
use crate::replay::ReplayContext;

/// Measure a checkpoint
#[derive(Debug, Subcommand)]
pub enum EvaluateCommand {
    /// The network alone; the default
    Model(ModelArgs),
    /// The network combined with its context, as the server runs it: the mixture with and without its reranker
    Context(ContextArgs),
    /// The f32 network and the served int8 engine, and how often they agree
    Quantized(QuantizedArgs),
}

/// Arguments shared by all subcommands.
#[derive(Debug, clap::Args)]
struct SubjectArgs {
    /// A checkpoint folder
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// A folder written by `trainer prepare`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which split
    #[arg(long, value_enum, default_value_t = Split::Validation)]
    split: Split,
    /// Measure only as many files, from the first, as contain N tokens
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_tokens: Option<u64>,
}

impl SubjectArgs {
    fn subject(self) -> Subject {
        Subject {
            checkpoint: self.checkpoint,
            data: self.data,
            split: self.split,
            max_tokens: self.max_tokens,
        }
    }
}

/// Arguments of `trainer evaluate model`.
#[derive(Debug, clap::Args)]
pub struct ModelArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Also measure a back-off trigram, counted on the checkpoint's training tokens
    #[arg(long)]
    baseline: bool,
    /// Write the metrics with all details (calibration, token classes, positions in the file); `trainer report` reads
    /// RUN/evaluation-*.json
    #[arg(long, value_name = "JSON")]
    out: Option<PathBuf>,
    /// Also trace the gradient of single predictions back through the network; the JSON of --out then holds its norm by
    /// distance
    #[arg(long, requires = "out")]
    gradients: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl ModelArgs {
    /// The library settings for these arguments.
    pub fn settings(self) -> model::Settings {
        model::Settings {
            subject: self.subject.subject(),
            device: self.device,
            baseline: self.baseline,
            out: self.out,
            gradients: self.gradients,
        }
    }
}

/// Arguments of `trainer evaluate context`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct ContextArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Use the other files of each file's package as the workspace, as in an editor with the project open
    #[arg(long)]
    project: bool,
    /// Use the other files of each file's package as an installed library, of which only the declarations are read
    #[arg(long, conflicts_with = "project")]
    libraries: bool,
    /// Also use the text after the cursor: each file is typed in blocks of 20 lines, above the rest of it
    #[arg(long)]
    suffix: bool,
    /// Also measure without this expert; may be repeated
    #[arg(long, value_name = "EXPERT")]
    without: Vec<String>,
    /// Use the f32 network instead of the served int8 engine
    #[arg(long)]
    full_precision: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl ContextArgs {
    /// The library settings for these arguments.
    pub fn settings(self) -> context::Settings {
        context::Settings {
            subject: self.subject.subject(),
            context: ReplayContext {
                project: self.project,
                libraries: self.libraries,
                suffix: self.suffix,
            },
            without: self.without,
            full_precision: self.full_precision,
        }
    }
}

/// Arguments of `trainer evaluate quantized`.
#[derive(Debug, clap::Args)]
pub struct QuantizedArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl QuantizedArgs {
    /// The checkpoint and the files to measure.
    pub fn subject(self) -> Subject {
        self.subject.subject()
    }
}
