//! The command line: parses arguments, makes one call, prints text or JSON and sets the exit status. Each command that does
//! more than call the library has its own module.
//!
//! Only results go to standard output. Exit status: 0 success, 1 failure (one line on standard error), 2 usage error, 130
//! interrupted.

mod complete;
mod doctor;
mod earlier;
mod evaluate;
mod info;
mod line;
mod log;
mod model;
mod number;
mod output;
mod tokens;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use self::earlier::Translated;
use self::evaluate::Measurement;
use self::line::LineArguments;
use self::model::ModelArgument;
use self::output::{one_line, print};
use crate::server;

const INTERRUPTED: i32 = 130;

#[derive(Debug, Parser)]
#[command(
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit status: 0 success, 1 failure, 2 usage error, 130 interrupted."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the language server on standard input and output (started by editors)
    Serve {
        /// Accepted for editors that pass it; standard input and output are always used
        #[arg(long)]
        stdio: bool,
        /// Write a log to this file, including the time of each step of each answer
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
        #[command(flatten)]
        model: ModelArgument,
    },
    /// Show the five most probable completions at a position in a file, or with --line the rest of the line
    ///
    /// Only the text of the file up to the cursor is taken into account: no other files and no installed packages.
    Complete {
        /// File, line and column; both are 1-based, and the column is in characters
        #[arg(value_name = "FILE:LINE:COL")]
        place: complete::Place,
        /// Show where each completion comes from: the experts of the model that predict it, or another source
        ///
        /// An expert is shown if its share is at least 1 %, before members are raised to their minimum probability and
        /// before reranking.
        #[arg(long, conflicts_with = "line")]
        why: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        line: LineArguments,
        #[command(flatten)]
        model: ModelArgument,
    },
    /// Print the py150 tokens of Python files, one file per line
    Tokens {
        /// Python files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON list per line
        #[arg(long)]
        json: bool,
        /// Print `null` for a file that CPython 3.11's tokenize rejects
        #[arg(long)]
        strict: bool,
    },
    /// Describe the model
    Info {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        model: ModelArgument,
    },
    /// Test and time the model on this machine, for a bug report
    Doctor {
        #[command(flatten)]
        model: ModelArgument,
    },
    /// Measure the quality and latency of the server on Python files
    #[command(subcommand)]
    Evaluate(Measurement),
    /// Print a shell completion script, as in `source <(minicopilot completions bash)`
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages to a folder, such as ~/.local/share/man/man1
    Manual {
        /// The folder; created if missing
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Runs the program with the process's arguments.
pub fn run() -> ExitCode {
    let Translated { arguments, warning } = Translated::new(std::env::args_os());
    let command = Arguments::parse_from(arguments).command;
    if let Some(warning) = warning {
        let _ = writeln!(io::stderr(), "minicopilot: {warning}");
    }
    exit_on_interrupt();
    match start_log(&command).and_then(|()| execute(command)) {
        Ok(code) => code,
        // The reader has closed the pipe, as in `minicopilot tokens … | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is closed too, only the exit status remains.
            let _ = writeln!(io::stderr(), "minicopilot: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn start_log(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Serve {
            log: Some(path), ..
        } => log::to_file(path)?,
        Command::Serve { log: None, .. } => log::to_standard_error(),
        _ => log::as_messages(),
    }
    Ok(())
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { model, .. } => serve(&model),
        Command::Complete {
            place,
            why,
            json,
            line,
            model,
        } => match line.search() {
            Some(search) => line::run(&model.load()?, &place, &search, json),
            None => complete::run(&model.completer()?, &place, why, json),
        },
        Command::Tokens {
            files,
            json,
            strict,
        } => tokens::run(&files, json, strict),
        Command::Info { json, model } => info::run(&model.load()?, json),
        Command::Doctor { model } => doctor::run(|| model.load()),
        Command::Evaluate(measurement) => {
            print(&evaluate::run(&measurement)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "minicopilot", &mut script);
            print(&String::from_utf8(script)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Manual { folder } => {
            std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(Arguments::command(), &folder))
                .with_context(|| {
                    format!("cannot write the manual pages to {}", folder.display())
                })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn serve(model: &ModelArgument) -> anyhow::Result<ExitCode> {
    if io::stdin().is_terminal() {
        let hint = "minicopilot serve waits for an editor to speak the Language Server Protocol on standard input.\n\
            Editors start it themselves: see editors/ in the repository. To try the model by hand:\n\
            minicopilot complete FILE:LINE:COL. Ctrl-C ends this.";
        let _ = writeln!(io::stderr(), "{hint}");
    }
    let orderly = server::serve(model.completer()?)?;
    Ok(if orderly {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Ctrl-C ends the process with exit status 130. There is no state to save.
fn exit_on_interrupt() {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        // Without the handler, the signal still ends the process.
        if let Ok(runtime) = runtime
            && runtime
                .block_on(async { tokio::signal::ctrl_c().await })
                .is_ok()
        {
            std::process::exit(INTERRUPTED);
        }
    });
}
