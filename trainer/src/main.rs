//! `trainer`: build and prepare a corpus, train, measure quality and speed, report, export.

mod baseline;
mod bench;
mod corpus;
mod data;
mod evaluate;
mod export;
mod gate;
mod http;
mod interrupt;
mod memory;
mod prepare;
mod report;
mod shuffle;
#[cfg(test)]
mod test_server;
mod train;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
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
    /// Join a checkpoint to the buffer
    Gate(gate::Args),
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
        Command::Gate(args) => gate::main(&args, &interrupt),
        Command::Report(args) => report::main(&args),
        Command::Export(args) => export::main(&args, &interrupt),
    };
    let result = result.and_then(|text| show(&text));
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

/// A command's result, to standard output. That whoever reads it has seen enough, as in `trainer evaluate … | head`, is no
/// failure.
pub fn show(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// One line on stderr: what, where, remedy.
fn failed(error: &anyhow::Error) -> ExitCode {
    // With standard error gone too, the exit status has to do.
    let _ = writeln!(std::io::stderr(), "trainer: {error:#}");
    ExitCode::FAILURE
}
