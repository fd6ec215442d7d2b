//! `trainer`: build and prepare a corpus, train, measure quality and speed, report, export.

mod baseline;
mod bench;
mod corpus;
mod data;
mod evaluate;
mod export;
mod http;
mod interrupt;
mod memory;
mod prepare;
mod report;
mod shuffle;
#[cfg(test)]
mod test_server;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use interrupt::Interrupt;

/// Builds the vocabulary, trains, measures and exports minicopilot's models
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Download pinned packages and make a corpus of their source code
    Corpus(corpus::Args),
    /// Make a vocabulary and encoded parts of a corpus
    Prepare(prepare::Args),
    /// Train a model
    Train(train::Args),
    /// Measure training speed on this machine
    Bench(bench::Args),
    /// Measure a checkpoint
    Evaluate(evaluate::Args),
    /// Compare runs in one HTML page
    Report(report::Args),
    /// Write a checkpoint as it is distributed
    Export(export::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(
        cli.command,
        Command::Train(_) | Command::Bench(_) | Command::Evaluate(_)
    ) {
        memory::keep_freed_pages();
    }
    let interrupt = match Interrupt::catch() {
        Ok(interrupt) => interrupt,
        Err(error) => return failed(&error),
    };
    let result = match cli.command {
        Command::Corpus(args) => corpus::main(&args, &interrupt),
        Command::Prepare(args) => prepare::main(&args, &interrupt),
        Command::Train(args) => train::main(&args, &interrupt),
        Command::Bench(args) => bench::main(&args),
        Command::Evaluate(args) => evaluate::main(&args, &interrupt),
        Command::Report(args) => report::main(&args),
        Command::Export(args) => export::main(&args, &interrupt),
    };
    match result {
        result if interrupt.requested() => {
            if let Err(error) = result {
                failed(&error);
            }
            ExitCode::from(interrupt::STATUS)
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// One line on stderr: what, where, remedy.
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("trainer: {error:#}");
    ExitCode::FAILURE
}
