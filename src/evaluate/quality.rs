//! Candidate quality: types a sample of blocks into the server and scores its answers.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};

use super::progress::Progress;
use super::report::Report;
use super::sample::{self, projects};
use super::server::{Setting, start_server};
use super::typist::{Counts, Typist};
use crate::files::python_files;

/// Measures the server on the `.py` files at `paths`.
pub fn run(paths: &[PathBuf], setting: Setting<'_>) -> anyhow::Result<Report> {
    let files = python_files::find(paths)?;
    if files.is_empty() {
        bail!("no .py file was found in the given paths");
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
            .context("the server did not shut down cleanly")?;
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
