//! The command line: parses arguments into the library's settings. Runs nothing itself.

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
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download pinned packages and make a corpus of their source code
    Corpus(CorpusArgs),
    /// Build a vocabulary and encode the splits of a corpus
    Prepare(PrepareArgs),
    /// Train a model
    Train(TrainArgs),
    /// Measure training speed on this machine
    Bench(BenchArgs),
    /// Measure a checkpoint
    #[command(subcommand)]
    Evaluate(EvaluateCommand),
    /// Fit a gate and a reranker for a checkpoint
    Gate(GateArgs),
    /// Compare runs in one HTML page
    Report(ReportArgs),
    /// Write a checkpoint for distribution
    Export(ExportArgs),
}
