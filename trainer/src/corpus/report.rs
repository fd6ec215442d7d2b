//! Statistics of a corpus build per package: `corpus.json`, and a human-readable table.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::Path;

use anyhow::{Context, Result};
use minicopilot::files::write_synced;
use serde::Serialize;

use super::filter::Rule;
use super::manifest::Item;

/// The file that marks a folder as a corpus.
pub const REPORT: &str = "corpus.json";
/// Version of all rules that decide which files are kept.
const FORMAT: u32 = 1;

/// The contents of `corpus.json`. Independent of time, place and speed of the build.
#[derive(Serialize)]
pub struct Report {
    format: u32,
    /// Whether duplicates and files beyond the limit per package were kept.
    keeps_duplicates: bool,
    total: Counts,
    packages: Vec<PackagePart>,
}

#[derive(Serialize)]
struct PackagePart {
    package: String,
    version: String,
    file: String,
    sha256: String,
    part: &'static str,
    #[serde(flatten)]
    counts: Counts,
}

/// File counts of a package, or of all packages.
#[derive(Default, Serialize)]
struct Counts {
    /// Python files in the archive.
    seen: u64,
    left_out: BTreeMap<Rule, u64>,
    kept: u64,
    tokens: u64,
}

impl Report {
    pub(super) fn new(items: &[Item], keeps_duplicates: bool) -> Self {
        let package = |item: &Item| PackagePart {
            package: item.package.clone(),
            version: item.version.clone(),
            file: item.file.clone(),
            sha256: item.sha256.clone(),
            part: if item.test { "test" } else { "train" },
            counts: Counts::default(),
        };
        Self {
            format: FORMAT,
            keeps_duplicates,
            total: Counts::default(),
            packages: items.iter().map(package).collect(),
        }
    }

    /// Counts a file of this package that a rule removed.
    pub(super) fn left_out(&mut self, package: usize, rule: Rule) {
        for counts in [&mut self.packages[package].counts, &mut self.total] {
            counts.seen += 1;
            *counts.left_out.entry(rule).or_default() += 1;
        }
    }

    /// Counts a file of this package that was kept.
    pub(super) fn kept(&mut self, package: usize, tokens: u64) {
        for counts in [&mut self.packages[package].counts, &mut self.total] {
            counts.seen += 1;
            counts.kept += 1;
            counts.tokens += tokens;
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(REPORT);
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_synced(&path, &json)
            .with_context(|| format!("{}: cannot be written; free up space there", path.display()))
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEADS: [&str; Rule::ALL.len()] = [
            "folder", "name", "migrat.", "size", "gener.", "refused", "tokens", "same", "near",
            "limit",
        ];
        write!(f, "{:24} {:5} {:>7}", "package", "part", "files")?;
        HEADS.iter().try_for_each(|head| write!(f, " {head:>7}"))?;
        writeln!(f, " {:>7} {:>12}", "kept", "tokens")?;
        let rows = self.packages.iter();
        let rows = rows.map(|row| (row.package.as_str(), row.part, &row.counts));
        for (package, part, counts) in rows.chain([("all", "", &self.total)]) {
            write!(f, "{package:24} {part:5} {:7}", counts.seen)?;
            for rule in Rule::ALL {
                let files = counts.left_out.get(&rule).copied().unwrap_or_default();
                write!(f, " {files:7}")?;
            }
            writeln!(f, " {:7} {:12}", counts.kept, counts.tokens)?;
        }
        Ok(())
    }
}
