//! `trainer`: prepare a corpus, train, evaluate.

mod data;
mod evaluate;
mod export;
mod shuffle;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds the vocabulary, trains, measures and exports minicopilot's models
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model
    Train(train::Args),
    /// Measure a checkpoint
    Evaluate(evaluate::Args),
    /// Write a checkpoint as it is distributed
    Export(export::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => {
            train::main(&args).map(|ending| ending == train::Ending::Interrupted)
        }
        Command::Evaluate(args) => evaluate::main(&args).map(|()| false),
        Command::Export(args) => export::main(&args).map(|()| false),
    };
    match result {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(130),
        Err(error) => {
            eprintln!("trainer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
