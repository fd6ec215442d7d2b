//! `minicopilot evaluate`: how good and how fast the server is, as an editor sees it.
//!
//! Starts the real server, types files into it over standard input and output, and counts its answers with the
//! project's one set of metrics. Nothing here looks inside the server.

mod latency;
mod report;
mod sample;
mod typist;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use minicopilot_harness::Client;
use serde_json::json;

use crate::source;
pub use latency::{Speed, Typing, run as type_keys};
pub use report::Report;
pub use sample::Sample;
use typist::{Counts, Typist};

/// Measures the server on the `.py` files at `paths`, with the model in a folder or the one inside the binary.
pub fn run(paths: &[PathBuf], sample: Sample, model: Option<&Path>) -> anyhow::Result<Report> {
    let files = source::find(paths)?;
    if files.is_empty() {
        bail!("no .py file among the paths given");
    }
    let (files, blocks) = sample::draw(files, sample)?;
    let mut progress = Progress::new(
        blocks.iter().map(|block| block.targets().len()).sum(),
        "tokens",
    );
    let mut client = start_server(model)?;
    let mut counts = Counts::default();
    let began = Instant::now();
    for (number, block) in blocks.iter().enumerate() {
        let file = &files[block.file];
        let text = source::read(file)?;
        let mut tell = |targets| progress.show(targets);
        Typist::type_block(
            &mut client,
            number,
            &text,
            block.targets(),
            &mut counts,
            &mut tell,
        )
        .with_context(|| format!("while typing {}", file.display()))?;
    }
    progress.clear();
    let took = began.elapsed();
    client
        .shutdown()
        .context("the server did not end as it should")?;
    Ok(Report::new(
        &counts,
        blocks.len(),
        files.len(),
        sample.seed,
        took,
    ))
}

/// This program as a server.
fn server_command(model: Option<&Path>) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("cannot find this program on disk")?;
    let mut command = Command::new(program);
    command.arg("serve");
    if let Some(folder) = model {
        command.arg("--model").arg(folder);
    }
    Ok(command)
}

fn start_server(model: Option<&Path>) -> anyhow::Result<Client> {
    let mut client = Client::start(server_command(model)?)?;
    client.initialize(json!({
        "processId": std::process::id(),
        "rootUri": null,
        // The typist counts bytes.
        "capabilities": {"general": {"positionEncodings": ["utf-8"]}},
    }))?;
    Ok(client)
}

/// How far it is, on a terminal.
struct Progress {
    all: usize,
    what: &'static str,
    shown: Option<Instant>,
}

impl Progress {
    fn new(all: usize, what: &'static str) -> Self {
        let shown = io::stderr().is_terminal().then(Instant::now);
        Self { all, what, shown }
    }

    fn show(&mut self, done: u64) {
        if let Some(shown) = &mut self.shown
            && shown.elapsed() > Duration::from_millis(200)
        {
            *shown = Instant::now();
            // A terminal that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r{done} of {} {}", self.all, self.what);
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
