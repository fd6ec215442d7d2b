//! `trainer report`: one HTML page that compares runs, made of their logs alone.
//!
//! Nothing is computed here that the logs do not hold, means and intervals over seeds aside: figures come from
//! `metrics.jsonl` and from what `trainer evaluate --out` has written. What is not there is a dash.

mod curves;
mod escape;
mod format;
mod gradients;
mod groups;
mod logs;
mod original;
mod page;
mod quality;
mod svg;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use logs::Run;
use minicopilot::files::write_whole;

/// Arguments of `trainer report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders of runs, or of the runs that `train --seeds` has made; those that differ in the seed alone are also shown
    /// as one
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The page
    #[arg(long, value_name = "HTML")]
    out: PathBuf,
}

/// Runs `trainer report`.
pub fn main(args: &Args) -> Result<String> {
    let page = report(&args.runs)?;
    write_whole(&args.out, page.as_bytes())
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    Ok(format!("{}\n", args.out.display()))
}

/// The page of the runs in `folders`.
fn report(folders: &[PathBuf]) -> Result<String> {
    let mut seen = BTreeSet::new();
    let mut runs = folders
        .iter()
        .flat_map(|folder| logs::runs_in(folder))
        .map(|folder| {
            let run = Run::read(&folder)?;
            let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            ensure!(
                seen.insert(place),
                "{} is named twice; name each run once",
                folder.display()
            );
            run.notes
                .iter()
                .for_each(|note| eprintln!("trainer: {note}"));
            Ok(run)
        })
        .collect::<Result<Vec<Run>>>()?;
    // Folders of the same name are called by their paths.
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for run in &mut runs {
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = run.folder.display().to_string();
        }
    }
    let groups = groups::groups(&runs);
    Ok(page::page(&runs, &groups))
}
