//! Prepares a corpus for training: sources -> vocabulary and encoded splits.
//!
//! [`corpus`] reads the sources once: each distinct token gets a provisional number, and files are spooled as numbers
//! to an unnamed temporary file. Then [`split`] assigns the files, the training tokens are counted, and [`encode`]
//! copies the files through a table from provisional numbers to ids. Memory holds the distinct tokens and 16 bytes per
//! file; nothing else grows with the corpus. Everything happens in source order, so the output does not depend on the
//! number of threads.

mod chunks;
mod corpus;
mod document;
mod encode;
mod folder;
mod hub;
mod ordered;
mod parquet;
mod report;
mod source;
mod split;
mod spool;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use minicopilot::files::replace_folder;
use minicopilot::tokenizer::Vocabulary;

use self::corpus::Corpus;
use self::hub::Hub;
pub use self::report::summary;
use self::source::Source;
use self::split::Assignment;
use crate::data::{Pieces, PrepareReport, REPORT, RecordedSettings, SplitBy, TOKENIZER};
use crate::host::Host;

/// Settings of a preparation.
#[derive(Debug)]
pub struct Settings {
    /// Parquet or text files, Python files, folders of them, or data sets of the hub (`hf://…`).
    pub sources: Vec<PathBuf>,
    /// Sources of the test split.
    pub test: Vec<PathBuf>,
    /// The folder to write.
    pub out: PathBuf,
    /// Replace what an earlier call wrote into `out`.
    pub force: bool,
    /// The unit that is never divided between training and validation.
    pub split_by: SplitBy,
    /// Fraction of the files, or of the tokens when split by package, to hold out.
    pub validation: f64,
    /// Random seed for choosing the held-out files.
    pub seed: u64,
    /// The packages to hold out, instead of a choice by share and seed.
    pub hold_out: Vec<String>,
    /// A `tokenizer.json`, or a folder with one, to use instead of building a vocabulary from the training split.
    pub vocabulary: Option<PathBuf>,
    /// Otherwise, the number of most frequent training tokens in the vocabulary.
    pub vocabulary_size: u32,
    /// Build a vocabulary of pieces of tokens instead of whole tokens.
    pub pieces: Option<Pieces>,
    /// Threads that read sources; one per core if None.
    pub threads: Option<NonZero<usize>>,
}

/// Prepares a corpus. The report is also written to the folder as `prepare.json`.
pub fn prepare(settings: &Settings, host: &dyn Host) -> Result<PrepareReport> {
    prepare_with(settings, &Hub::of_environment(), host)
}

fn prepare_with(settings: &Settings, hub: &Hub, host: &dyn Host) -> Result<PrepareReport> {
    let out = &settings.out;
    check_out(out, settings.force)?;
    // Checked before the sources are read, which may take an hour.
    let given = settings
        .vocabulary
        .as_deref()
        .map(read_vocabulary)
        .transpose()?;
    ensure!(
        settings.pieces.is_none() || settings.vocabulary_size as usize >= Vocabulary::min_pieces(),
        "--vocabulary-size {} is too small for --pieces, which needs {} for single characters and bytes",
        settings.vocabulary_size,
        Vocabulary::min_pieces()
    );
    let threads = settings
        .threads
        .or_else(|| thread::available_parallelism().ok());
    let sources = source::all(&settings.sources, &settings.test, hub, host)?;

    let parent = out.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent)
        .with_context(|| format!("{}: cannot be created", parent.display()))?;
    let corpus = corpus::read(&sources, parent, threads.map_or(1, NonZero::get), host)?;
    ensure!(
        corpus.spool.files() > 0,
        "the sources contain no readable file; {}",
        corpus.skipped
    );

    let assignment = assignment(&corpus, settings)?;
    let vocabulary = match given {
        Some(vocabulary) => vocabulary,
        None => encode::count(
            &corpus,
            &assignment,
            settings.pieces,
            settings.vocabulary_size as usize,
            host,
        )?,
    };
    let mut report = None;
    replace_folder(out, |folder| {
        let mut write = || {
            let splits = encode::encode(&corpus, &assignment, &vocabulary, folder, host)?;
            let recorded = recorded_settings(settings, &sources);
            let made = report::report(recorded, &corpus, &assignment, &vocabulary, splits);
            report::write(&made, &folder.join(REPORT))?;
            report = Some(made);
            anyhow::Ok(())
        };
        write().map_err(io::Error::other)
    })
    .with_context(|| format!("{}: nothing was written", out.display()))?;
    report.context("the folder was replaced without a report")
}

fn assignment(corpus: &Corpus, settings: &Settings) -> Result<Assignment> {
    if !settings.hold_out.is_empty() {
        return Assignment::of_packages(corpus, &settings.hold_out);
    }
    Assignment::new(
        corpus,
        settings.split_by,
        settings.validation,
        settings.seed,
    )
}

/// The settings that `prepare.json` records.
fn recorded_settings(settings: &Settings, sources: &[Source]) -> RecordedSettings {
    let Settings {
        vocabulary,
        vocabulary_size,
        pieces,
        ..
    } = settings;
    RecordedSettings {
        sources: sources.iter().map(report::recorded).collect(),
        split_by: settings.split_by,
        validation: settings.validation,
        seed: settings.seed,
        hold_out: settings.hold_out.clone(),
        vocabulary: vocabulary.clone(),
        vocabulary_size: vocabulary.is_none().then_some(*vocabulary_size),
        pieces: pieces.filter(|_| vocabulary.is_none()),
    }
}

/// Fails unless the folder is free, or holds an earlier output and `force` is set.
fn check_out(folder: &Path, force: bool) -> Result<()> {
    let out = folder.display();
    ensure!(
        folder.file_name().is_some(),
        "--out {out}: name a folder, such as ./data"
    );
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("{out}: cannot be used as --out"))?,
    };
    if entries.count() > 0 {
        ensure!(
            folder.join(REPORT).is_file() && folder.join(TOKENIZER).is_file(),
            "{out}: not empty and not written by `trainer prepare`; choose another --out"
        );
        ensure!(
            force,
            "{out}: already contains a prepared corpus; replace it with --force, or choose another --out"
        );
    }
    Ok(())
}

fn read_vocabulary(path: &Path) -> Result<Vocabulary> {
    let file = if path.is_dir() {
        path.join(TOKENIZER)
    } else {
        path.to_owned()
    };
    let bytes = fs::read(&file)
        .with_context(|| format!("{}: cannot be read as --vocabulary", file.display()))?;
    Vocabulary::from_tokenizer_json(&bytes)
        .with_context(|| format!("{}: cannot be used as --vocabulary", file.display()))
}
