//! The program `trainer`: parses arguments, calls the library once, prints text or JSON, and returns an exit status.
//!
//! Exit status: 0 success, 1 failure (one line on standard error), 2 usage error, 130 interrupted.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use trainer::cli::{Cli, Command, EvaluateCommand, Translated};
use trainer::evaluation::{context, model, quantized};
use trainer::host::Host;
use trainer::terminal::{self, Terminal};
use trainer::{bench, corpus, export, gate, memory, prepare, report, training};

fn main() -> ExitCode {
    let Translated { arguments, warning } = Translated::new(std::env::args_os());
    let command = Cli::parse_from(arguments).command;
    if let Some(warning) = warning {
        complain(&warning);
    }
    if matches!(
        command,
        Command::Train(_) | Command::Bench(_) | Command::Evaluate(_)
    ) {
        memory::keep_freed_pages();
    }
    let host = match Terminal::open() {
        Ok(host) => host,
        Err(error) => return failed(&error),
    };
    let result = run(command, &host);
    match result {
        result if host.cancelled() => {
            if let Err(error) = result {
                failed(&error);
            }
            ExitCode::from(terminal::STATUS)
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Runs a command and prints its result.
fn run(command: Command, host: &dyn Host) -> Result<()> {
    match command {
        Command::Corpus(args) => print(&corpus::build(&args.settings(), host)?.to_string()),
        Command::Prepare(args) => {
            let settings = args.settings();
            let report = prepare::prepare(&settings, host)?;
            print(&prepare::summary(&report, &settings.out))
        }
        Command::Train(args) => training::train(&args.settings(), host, &mut |summary| {
            print(&summary.to_string())
        }),
        Command::Bench(args) => {
            let (json, turn) = (args.json, args.turn);
            let settings = args.settings();
            if let Some(precision) = turn {
                let turn = bench::turn(&settings, precision)?;
                return print(&(serde_json::to_string(&turn)? + "\n"));
            }
            let found = bench::compare(&settings, host)?;
            print(&if json {
                found.to_json()?
            } else {
                found.to_string()
            })
        }
        Command::Evaluate(command) => print(&evaluate(command, host)?),
        Command::Gate(args) => print(&gate::fit(&args.settings(), host)?.to_string()),
        Command::Report(args) => {
            report::write(&args.runs, &args.out, host)?;
            print(&format!("{}\n", args.out.display()))
        }
        Command::Export(args) => print(&export::export(&args.settings(), host)?.to_string()),
    }
}

/// The output of an evaluation; empty if it was cancelled.
fn evaluate(command: EvaluateCommand, host: &dyn Host) -> Result<String> {
    let text = match command {
        EvaluateCommand::Model(args) => {
            let json = args.json;
            let found = model::evaluate(&args.settings(), host)?;
            found.map(|found| {
                if json {
                    found.to_json()
                } else {
                    Ok(found.to_string())
                }
            })
        }
        EvaluateCommand::Context(args) => {
            let json = args.json;
            let found = context::evaluate(&args.settings(), host)?;
            found.map(|found| {
                if json {
                    found.to_json()
                } else {
                    Ok(found.to_string())
                }
            })
        }
        EvaluateCommand::Quantized(args) => {
            let json = args.json;
            let found = quantized::evaluate(&args.subject(), host)?;
            found.map(|found| {
                if json {
                    found.to_json()
                } else {
                    Ok(found.to_string())
                }
            })
        }
    };
    Ok(text.transpose()?.unwrap_or_default())
}

/// Prints a result. A closed pipe, as in `trainer evaluate … | head`, is not an error.
fn print(text: &str) -> Result<()> {
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

/// Prints one line on standard error: the file, the cause, the remedy.
fn failed(error: &anyhow::Error) -> ExitCode {
    complain(&format!("{error:#}"));
    ExitCode::FAILURE
}

fn complain(line: &str) {
    // If standard error is closed too, the exit status has to suffice.
    let _ = writeln!(std::io::stderr(), "trainer: {line}");
}
