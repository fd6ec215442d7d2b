//! `trainer prepare`: sources -> vocabulary and encoded splits.
//!
//! Sources are read once, see [`corpus`]: each distinct token gets a provisional number, and files go as such numbers
//! into an unnamed temporary file. When all are read, [`split`] assigns them, the training part's tokens are counted,
//! and the files are copied through a table from provisional numbers to ids, see [`encode`]. Memory holds the distinct
//! tokens and 16 bytes for each file, and nothing else that grows with the corpus. Everything happens in the order of
//! the sources, so that the number of threads changes no byte of the output.

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
use minicopilot::tokenizer::{MAX_LEN, RESERVED, Vocabulary};
use serde::Serialize;

use self::hub::Hub;
use self::report::Report;
use crate::data::{REPORT, TOKENIZER};
use crate::interrupt::Interrupt;

/// Arguments of `trainer prepare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Parquet files (columns path, code and optionally package), CodeXGLUE text (.txt: one file a line, tokens
    /// separated by a space), .py files, folders of them (names that begin with a dot are left out), or a data set of
    /// the Hugging Face hub: hf://OWNER/NAME[@REVISION][/PART]
    #[arg(value_name = "SOURCE", required_unless_present_all = ["test", "vocabulary"])]
    sources: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What is held out for validation: single files, or whole packages (the parquet column, else a path's first folder)
    #[arg(long, value_enum, default_value_t = SplitBy::File)]
    split_by: SplitBy,
    /// Share of the files, or of the tokens when split by package, that is held out
    #[arg(long, default_value_t = 0.2, value_name = "SHARE", value_parser = share)]
    validation: f64,
    /// Another seed holds out others
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Tokens in the vocabulary, `<PAD>` and `<UNK>` not counted
    #[arg(long, default_value_t = 10_000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=(MAX_LEN - RESERVED.len()) as i64))]
    vocabulary_size: u32,
    /// Use this tokenizer.json, or the one in this folder, instead of counting one
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "vocabulary_size")]
    vocabulary: Option<PathBuf>,
    /// Sources of the test split, encoded with the same vocabulary
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    test: Vec<PathBuf>,
    /// Replace what an earlier `trainer prepare` wrote into DIR
    #[arg(long)]
    force: bool,
    /// Threads that read sources [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

/// What is never torn apart between training and validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// A file, as in the original experiment
    File,
    /// A package: validation then resembles a test set that is made of other packages
    Package,
}

/// Runs `trainer prepare`.
pub fn main(args: &Args, interrupt: &Interrupt) -> Result<String> {
    prepare(args, &Hub::of_environment(), interrupt)
}

/// Does it all; returns the summary for people.
fn prepare(args: &Args, hub: &Hub, interrupt: &Interrupt) -> Result<String> {
    check_out(args)?;
    let given = args
        .vocabulary
        .as_deref()
        .map(read_vocabulary)
        .transpose()?;
    let threads = args
        .threads
        .or_else(|| thread::available_parallelism().ok());
    let sources = source::all(&args.sources, &args.test, hub, interrupt)?;

    let parent = args.out.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent)
        .with_context(|| format!("{}: cannot be created", parent.display()))?;
    let corpus = corpus::read(&sources, parent, threads.map_or(1, NonZero::get), interrupt)?;
    ensure!(
        corpus.spool.files() > 0,
        "the sources hold no file that could be read; {}",
        corpus.skipped
    );

    let assignment = split::Assignment::new(&corpus, args.split_by, args.validation, args.seed)?;
    let vocabulary = match given {
        Some(vocabulary) => vocabulary,
        None => encode::count(
            &corpus,
            &assignment,
            args.vocabulary_size as usize,
            interrupt,
        )?,
    };
    let mut summary = String::new();
    replace_folder(&args.out, |folder| {
        let mut write = || {
            let splits = encode::encode(&corpus, &assignment, &vocabulary, folder, interrupt)?;
            let report = Report::new(args, &sources, &corpus, &assignment, &vocabulary, splits);
            summary = report.summary(&args.out);
            report.write(&folder.join(REPORT))
        };
        write().map_err(io::Error::other)
    })
    .with_context(|| format!("{}: nothing was written", args.out.display()))?;
    Ok(summary)
}

/// An earlier output is replaced only when asked to, anything else never.
fn check_out(args: &Args) -> Result<()> {
    let out = args.out.display();
    ensure!(
        args.out.file_name().is_some(),
        "{out}: give --out a folder with a name of its own"
    );
    let entries = match fs::read_dir(&args.out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("{out}: cannot be used as --out"))?,
    };
    if entries.count() > 0 {
        ensure!(
            args.out.join(REPORT).is_file() && args.out.join(TOKENIZER).is_file(),
            "{out}: not empty, and not made by `trainer prepare`; choose another --out"
        );
        ensure!(
            args.force,
            "{out}: holds a prepared corpus; replace it with --force, or choose another --out"
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

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to less than 1".to_owned()),
    }
}

/// An error when somebody has asked to stop.
fn check(interrupt: &Interrupt) -> Result<()> {
    ensure!(!interrupt.requested(), "interrupted; nothing was written");
    Ok(())
}
