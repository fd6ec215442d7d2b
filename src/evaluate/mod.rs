//! `minicopilot evaluate`: how good and how fast the server is, as an editor sees it.
//!
//! Starts the real server, types files into it over standard input and output, and counts its answers with the
//! project's one set of metrics. Nothing here looks inside the server.

mod identifiers;
mod latency;
mod lines;
mod page;
mod report;
mod sample;
mod typist;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tower_lsp::ls_types::Uri;

use crate::files::python_files;
use crate::lsp::Client;
pub use identifiers::{Identifiers, run as ask_identifiers};
pub use latency::{Speed, Typing, run as type_keys};
pub use lines::{Lines, run as cut_lines};
pub use page::page;
pub use report::Report;
pub use sample::Sample;
use typist::{Counts, Typist};

/// What is measured, and how.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Which targets.
    pub sample: Sample,
    /// Each path is a project that the server is opened in; else every file is a lone buffer.
    pub in_project: bool,
    /// Where Python is installed that imports are from; nothing of them is read if there is none.
    pub environment: Option<&'a Path>,
    /// A checkpoint's folder; the model inside the binary if there is none.
    pub model: Option<&'a Path>,
}

impl Setting<'_> {
    /// The server's settings: figures are not to depend on what is installed where they are made.
    fn options(&self) -> Value {
        let folder = self.environment.unwrap_or(Path::new("none"));
        json!({"pythonEnvironment": folder.to_string_lossy()})
    }
}

/// Measures the server on the `.py` files at `paths`.
pub fn run(paths: &[PathBuf], setting: Setting<'_>) -> anyhow::Result<Report> {
    let files = python_files::find(paths)?;
    if files.is_empty() {
        bail!("no .py file among the paths given");
    }
    let (files, blocks) = sample::draw(files, setting.sample)?;
    let mut progress = Progress::new(
        blocks.iter().map(|block| block.targets().len()).sum(),
        "tokens",
    );
    let mut counts = Counts::default();
    let began = Instant::now();
    for (project, blocks) in projects(
        paths,
        &files,
        &blocks,
        |block| block.file,
        setting.in_project,
    ) {
        let mut client = start_server(setting, project)?;
        for block in blocks {
            let file = &files[block.file];
            let text = python_files::read(file)?;
            let mut tell = |targets| progress.show(targets);
            Typist::type_block(
                &mut client,
                file,
                &text,
                block.targets(),
                &mut counts,
                &mut tell,
            )
            .with_context(|| format!("while typing {}", file.display()))?;
        }
        client
            .shutdown()
            .context("the server did not end as it should")?;
    }
    progress.clear();
    let took = began.elapsed();
    Ok(Report::new(
        &counts,
        blocks.len(),
        files.len(),
        setting,
        took,
    ))
}

/// What was drawn, by the path that its file lies below if each is a project.
fn projects<'a, T>(
    paths: &'a [PathBuf],
    files: &[PathBuf],
    drawn: &'a [T],
    file: impl Fn(&T) -> usize,
    in_project: bool,
) -> Vec<(Option<&'a PathBuf>, Vec<&'a T>)> {
    let mut projects: Vec<(Option<&PathBuf>, Vec<&T>)> = Vec::new();
    for one in drawn {
        let is_above = |path: &&PathBuf| in_project && files[file(one)].starts_with(path);
        let project = paths.iter().find(is_above);
        match projects.last_mut() {
            Some((last, all)) if *last == project => all.push(one),
            _ => projects.push((project, vec![one])),
        }
    }
    projects
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

/// A server for what lies in a folder, or for lone buffers.
fn start_server(setting: Setting<'_>, folder: Option<&PathBuf>) -> anyhow::Result<Client> {
    let mut client = Client::start(server_command(setting.model)?)?;
    let root = folder.map(|folder| uri_of(folder)).transpose()?;
    client.initialize(json!({
        "processId": std::process::id(),
        "rootUri": root,
        "initializationOptions": setting.options(),
        // The typist counts bytes.
        "capabilities": {"general": {"positionEncodings": ["utf-8"]}},
    }))?;
    Ok(client)
}

/// A path as the protocol writes it.
fn uri_of(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    let uri =
        Uri::from_file_path(&path).with_context(|| format!("{} is no path", path.display()))?;
    Ok(uri.as_str().to_owned())
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
