//! Report: one HTML page that compares runs, generated from their logs.
//!
//! Only means and confidence intervals over seeds are computed here. Figures come from `metrics.jsonl` and from the
//! files of `trainer evaluate model --out`. A missing value is a dash.

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
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use minicopilot::files::write_whole;

use self::logs::Run;
use crate::host::Host;

/// Writes the page `out` about the runs in `folders`. Each folder is a run or contains the runs of `train --seeds`.
pub fn write(folders: &[PathBuf], out: &Path, host: &dyn Host) -> Result<()> {
    let page = report(folders, host)?;
    write_whole(out, page.as_bytes()).with_context(|| format!("cannot write {}", out.display()))
}

/// The page for the runs in `folders`.
fn report(folders: &[PathBuf], host: &dyn Host) -> Result<String> {
    let mut seen = BTreeSet::new();
    let mut runs = folders
        .iter()
        .flat_map(|folder| logs::runs_in(folder))
        .map(|folder| {
            let run = Run::read(&folder)?;
            let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            ensure!(
                seen.insert(place),
                "{} is given twice; give each run once",
                folder.display()
            );
            run.notes
                .iter()
                .for_each(|note| host.note(&format!("trainer: {note}")));
            Ok(run)
        })
        .collect::<Result<Vec<Run>>>()?;
    // Folders with the same name are called by their paths.
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for run in &mut runs {
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = run.folder.display().to_string();
        }
    }
    let groups = groups::groups(&runs);
    Ok(page::page(&runs, &groups))
}
