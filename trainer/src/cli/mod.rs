//! The command line: arguments, and the settings that they come to. Nothing here does any work.

mod bench;
mod corpus;
mod earlier;
mod evaluate;
mod export;
mod gate;
mod prepare;
mod report;
mod train;
mod values;

use clap::{Parser, Subcommand};

pub use self::bench::BenchArgs;
pub use self::corpus::CorpusArgs;
pub use self::earlier::Translated;
pub use self::evaluate::{ContextArgs, EvaluateCommand, ModelArgs, QuantizedArgs};
pub use self::export::ExportArgs;
pub use self::gate::GateArgs;
pub use self::prepare::PrepareArgs;
pub use self::report::ReportArgs;
pub use self::train::TrainArgs;

/// Builds the vocabulary, trains, measures and exports minicopilot's models
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download pinned packages and make a corpus of their source code
    Corpus(CorpusArgs),
    /// Make a vocabulary and encoded parts of a corpus
    Prepare(PrepareArgs),
    /// Train a model
    Train(TrainArgs),
    /// Measure training speed on this machine
    Bench(BenchArgs),
    /// Measure a checkpoint
    #[command(subcommand)]
    Evaluate(EvaluateCommand),
    /// Join a checkpoint to the buffer
    Gate(GateArgs),
    /// Compare runs in one HTML page
    Report(ReportArgs),
    /// Write a checkpoint as it is distributed
    Export(ExportArgs),
}
