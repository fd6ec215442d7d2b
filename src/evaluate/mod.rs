//! `minicopilot evaluate`: how good and how fast the server is, as an editor sees it.
//!
//! Starts the real server, types files into it over standard input and output, and counts its answers with the
//! project's one set of metrics. Nothing here looks inside the server.

mod report;
mod typist;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use minicopilot_harness::Client;
use serde_json::json;
use tracing::warn;

use crate::model::SplitMix64;
use crate::source;
pub use report::Report;
use typist::{Counts, Typist};

/// How much of the files is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Tokens after which to stop; 0 for never.
    pub tokens: u64,
    /// The order in which files are taken.
    pub seed: u64,
}

/// Measures the server on the `.py` files at `paths`, with the model in a folder or the one inside the binary.
pub fn run(paths: &[PathBuf], sample: Sample, model: Option<&Path>) -> anyhow::Result<Report> {
    let mut files = source::find(paths)?;
    if files.is_empty() {
        bail!("no .py file among the paths given");
    }
    shuffle(&mut files, sample.seed);
    let limit = if sample.tokens == 0 {
        u64::MAX
    } else {
        sample.tokens
    };

    let mut client = start_server(model)?;
    let mut progress = Progress::new(limit);
    let mut counts = Counts::default();
    let mut measured = 0;
    let began = Instant::now();
    for file in &files {
        if counts.tokens >= limit {
            break;
        }
        let text = match source::read(file) {
            Ok(text) => text,
            Err(error) => {
                warn!("{error:#}; it is left out");
                continue;
            }
        };
        let mut typist = Typist::open(&mut client, measured).context("cannot open a document")?;
        typist
            .type_file(&text, limit, &mut counts, &mut |tokens| {
                progress.show(tokens);
            })
            .with_context(|| format!("while typing {}", file.display()))?;
        measured += 1;
    }
    progress.clear();
    let took = began.elapsed();
    client
        .shutdown()
        .context("the server did not end as it should")?;
    Ok(Report::new(&counts, measured, files.len(), sample, took))
}

fn start_server(model: Option<&Path>) -> anyhow::Result<Client> {
    let program = std::env::current_exe().context("cannot find this program on disk")?;
    let mut command = Command::new(program);
    command.arg("serve");
    if let Some(folder) = model {
        command.arg("--model").arg(folder);
    }
    let mut client = Client::start(command)?;
    client.initialize(json!({
        "processId": std::process::id(),
        "rootUri": null,
        // The typist counts bytes.
        "capabilities": {"general": {"positionEncodings": ["utf-8"]}},
    }))?;
    Ok(client)
}

/// Fisher and Yates, from the end.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = SplitMix64::new(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
    }
}

/// How far it is, on a terminal.
struct Progress {
    limit: u64,
    shown: Option<Instant>,
}

impl Progress {
    fn new(limit: u64) -> Self {
        let shown = io::stderr().is_terminal().then(Instant::now);
        Self { limit, shown }
    }

    fn show(&mut self, tokens: u64) {
        if let Some(shown) = &mut self.shown
            && shown.elapsed() > Duration::from_millis(200)
        {
            *shown = Instant::now();
            let of = if self.limit == u64::MAX {
                String::new()
            } else {
                format!(" of {}", self.limit)
            };
            // A terminal that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r{tokens}{of} tokens measured");
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
