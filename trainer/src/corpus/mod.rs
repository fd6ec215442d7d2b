//! Corpus builder: turns a manifest of packages into the Parquet files that [`crate::prepare`] reads.
//!
//! [`download`] fetches the manifest's files from the user's package index and checks them. [`archive`] streams their
//! Python files, [`filter`] selects and lexes them, [`documents`] orders them, [`duplicates`] deduplicates them, and
//! `write` writes Parquet after the limit per package is applied. Memory holds all tokens as numbers: about 0.6 GB
//! for the whole manifest. No package code is executed, and nothing is unpacked.

mod archive;
mod documents;
mod download;
mod duplicates;
mod filter;
mod index;
mod manifest;
mod pip;
mod report;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use indicatif::HumanCount;
use rayon::prelude::*;

use self::documents::{Document, Documents};
use self::filter::Rule;
use self::manifest::Item;
use self::pip::Pip;
use self::report::REPORT;
pub use self::report::Report;
use self::write::Row;
use crate::host::{Host, Unit};
use crate::http::{Client, PAUSE};

/// Subfolder of the downloads.
const DOWNLOADS: &str = "downloads";
/// Output files of the training and the test split.
const PARTS: [&str; 2] = ["train.parquet", "test.parquet"];
/// Maximum tokens per package in the training and the test split. The file that reaches the limit is the last one.
const LIMITS: [u64; 2] = [3_000_000, 1_250_000];

/// Settings of a corpus build.
#[derive(Debug)]
pub struct Settings {
    /// The list of packages: `trainer/corpus/manifest.tsv`, or one like it.
    pub manifest: PathBuf,
    /// The folder to write. Downloads are kept in it, so that a second call continues where the first one ended.
    pub out: PathBuf,
    /// Only these packages of the manifest; all if empty.
    pub packages: Vec<String>,
    /// Keep duplicates, and all files of a large package.
    pub keep_duplicates: bool,
    /// Mark where blocks begin and end.
    pub blocks: bool,
}

/// Downloads and filters the packages. The report is also written to the folder as `corpus.json`.
pub fn build(settings: &Settings, host: &dyn Host) -> Result<Report> {
    let pip = Pip::find();
    let client = Client::new(pip.certificates.as_deref(), PAUSE, host)?;
    build_from(settings, &client, &pip.index, host)
}

/// Builds from the package index at `index`.
fn build_from(
    settings: &Settings,
    client: &Client<'_>,
    index: &str,
    host: &dyn Host,
) -> Result<Report> {
    let items = manifest::read(&settings.manifest, &settings.packages)?;
    check_out(&settings.out)?;
    let files = download::all(client, index, &items, &settings.out.join(DOWNLOADS), host)?;
    let mut report = Report::new(&items, settings.keep_duplicates);
    let documents = read(client, &items, &files, settings.blocks, &mut report, host)?;
    let rules = if settings.keep_duplicates {
        vec![None; documents.list.len()]
    } else {
        limited(
            &documents,
            duplicates::find(&documents, || client.check())?,
            items.len(),
        )
    };
    let mut kept = [Vec::new(), Vec::new()];
    for (document, rule) in documents.list.iter().zip(rules) {
        if let Some(rule) = rule {
            report.left_out(document.package, rule);
        } else {
            report.kept(document.package, document.tokens.len() as u64);
            kept[usize::from(document.test)].push(row(document, &items));
        }
    }
    for (rows, name) in kept.iter().zip(PARTS) {
        client.check()?;
        let path = settings.out.join(name);
        if !rows.is_empty() {
            write::write(&path, rows, &documents.words)?;
        } else if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            bail!("{}: cannot be removed: {error}", path.display());
        }
    }
    report.write(&settings.out)?;
    Ok(report)
}

fn row<'a>(document: &'a Document, items: &'a [Item]) -> Row<'a> {
    Row {
        path: &document.path,
        package: &items[document.package].package,
        tokens: &document.tokens,
    }
}

/// Fails on a folder that holds such files but no report: another program wrote them.
fn check_out(out: &Path) -> Result<()> {
    let name = out.display();
    let is_ours = out.join(REPORT).is_file();
    for part in PARTS {
        ensure!(
            is_ours || !out.join(part).exists(),
            "{name}: contains a {part} that `trainer corpus` did not write; choose another --out"
        );
    }
    fs::create_dir_all(out).with_context(|| format!("{name}: cannot be created"))?;
    // The report is written now, so that a stop between the two splits does not block the next run.
    if !is_ours {
        Report::new(&[], false).write(out)?;
    }
    Ok(())
}

/// The files that pass the filters, in document order.
fn read(
    client: &Client<'_>,
    items: &[Item],
    files: &[PathBuf],
    blocks: bool,
    report: &mut Report,
    host: &dyn Host,
) -> Result<Documents> {
    let total = items.iter().map(|item| item.bytes).sum();
    let progress = host.progress(Unit::Bytes, total, 0);
    let mut documents = Documents::default();
    for (package, (item, file)) in items.iter().zip(files).enumerate() {
        client.check()?;
        let count = HumanCount(documents.list.len() as u64);
        progress.message(&format!("{count} files"));
        let members = archive::python_files(file, filter::LONGEST)?;
        let filtered: Vec<_> = members
            .par_iter()
            .map(|member| filter::tokens(&member.path, member.bytes.as_deref(), blocks))
            .collect();
        for (member, tokens) in members.iter().zip(filtered) {
            match tokens {
                Ok(tokens) => {
                    let path = format!("{}/{}", item.package, member.path);
                    documents.add(path, package, item.test, &tokens);
                }
                Err(rule) => report.left_out(package, rule),
            }
        }
        progress.add(item.bytes);
    }
    drop(progress);
    documents.sort();
    Ok(documents)
}

/// Applies the rules and the limit per package.
fn limited(
    documents: &Documents,
    mut rules: Vec<Option<Rule>>,
    packages: usize,
) -> Vec<Option<Rule>> {
    let mut tokens = vec![0; packages];
    for (document, rule) in documents.list.iter().zip(&mut rules) {
        let tokens = &mut tokens[document.package];
        if rule.is_some() {
            continue;
        }
        if *tokens >= LIMITS[usize::from(document.test)] {
            *rule = Some(Rule::Limit);
        } else {
            *tokens += document.tokens.len() as u64;
        }
    }
    rules
}
