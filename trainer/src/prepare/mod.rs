//! `trainer prepare`: sources -> vocabulary and encoded parts.
//!
//! Sources are read once. Each distinct token gets a provisional number, and the files go as such numbers into a
//! temporary file; when all are read, files are assigned to parts, tokens of the training part are counted, and the
//! temporary file is copied through the table from provisional numbers to ids. Memory holds the distinct tokens, a
//! hash and a path for each file, and nothing that grows with the tokens.

mod parquet;
mod source;
mod spill;
mod split;
mod summary;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use minicopilot::checkpoint::{replace_folder, write_synced};
use minicopilot::vocabulary::{MAX_LEN, RESERVED, UNK, Vocabulary};
use serde::Serialize;

use crate::data::shard::ShardWriter;
use crate::data::{REPORT, Split, TOKENIZER};
use crate::interrupt::Interrupt;
use spill::{Prepared, Spill};
use summary::Summary;

/// Arguments of `trainer prepare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Parquet files (columns path, code and optionally package), CodeXGLUE text files (one file of code a line, its
    /// tokens separated by a space), or folders of .py files
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Sources of the test part, encoded with the vocabulary of the training part
    #[arg(long, num_args = 1.., value_name = "SOURCE")]
    test: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What is never in both training and validation
    #[arg(long, value_enum, default_value_t = SplitBy::File)]
    split_by: SplitBy,
    /// Share of the validation part: of the files, or of the tokens when split by package
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    validation: f64,
    /// Decides which files or packages are held out
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Tokens in the vocabulary, <PAD> and <UNK> not counted
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    vocabulary_size: usize,
    /// Take this tokenizer.json, or that of this folder, instead of counting
    #[arg(long, value_name = "PATH")]
    vocabulary: Option<PathBuf>,
    /// Replace an earlier output in DIR
    #[arg(long)]
    force: bool,
}

/// What is never in both training and validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// A file, as in the original experiment
    File,
    /// A package: the parquet column, else the path's first folder
    Package,
}

/// Runs `trainer prepare`.
pub fn main(args: &Args, interrupt: &Interrupt) -> Result<()> {
    ensure!(
        (0.0..1.0).contains(&args.validation),
        "--validation must lie in [0, 1)"
    );
    let most = MAX_LEN - RESERVED.len();
    ensure!(
        (1..=most).contains(&args.vocabulary_size),
        "--vocabulary-size must lie between 1 and {most}"
    );
    check_output(&args.out, args.force)?;
    let given = args
        .vocabulary
        .as_deref()
        .map(read_vocabulary)
        .transpose()?;

    let parent = args
        .out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let mut summary = Summary::default();
    let mut spill = Spill::create(parent)?;
    source::read_all(&args.sources, false, &mut spill, &mut summary, interrupt)?;
    source::read_all(&args.test, true, &mut spill, &mut summary, interrupt)?;
    let mut prepared = spill.finish()?;
    if prepared.files.iter().all(|file| file.is_test) {
        bail!(
            "the sources hold no file that could be read; nothing was written{}",
            summary.reasons()
        );
    }
    split::assign(
        &mut prepared.files,
        args.split_by,
        args.validation,
        args.seed,
    );
    let vocabulary = given.map_or_else(|| count(&prepared, args.vocabulary_size), Ok)?;

    replace_folder(&args.out, |folder| {
        write(
            args,
            folder,
            &prepared,
            &vocabulary,
            &mut summary,
            interrupt,
        )
        .map_err(|error| io::Error::other(format!("{error:#}")))
    })
    .with_context(|| {
        format!(
            "cannot write {}; nothing of it was kept",
            args.out.display()
        )
    })?;
    summary.print(&args.out, &vocabulary);
    Ok(())
}

/// Only an empty folder or, if asked to, an earlier output may be written over.
fn check_output(out: &Path, force: bool) -> Result<()> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        ensure!(
            out.join(REPORT).exists(),
            "{} is not empty and was not made by `trainer prepare`",
            out.display()
        );
        ensure!(
            force,
            "{} already holds prepared data; give --force to replace it",
            out.display()
        );
    }
    ensure!(!out.is_file(), "{} is a file, not a folder", out.display());
    Ok(())
}

fn read_vocabulary(path: &Path) -> Result<Vocabulary> {
    let path = if path.is_dir() {
        path.join(TOKENIZER)
    } else {
        path.to_owned()
    };
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Vocabulary::from_tokenizer_json(&bytes).with_context(|| path.display().to_string())
}

/// The vocabulary of the training part.
fn count(prepared: &Prepared, size: usize) -> Result<Vocabulary> {
    let mut counts = vec![0u64; prepared.tokens.len()];
    prepared.each(|file, tokens| {
        if file.split == Split::Train {
            tokens.iter().for_each(|&token| counts[token as usize] += 1);
        }
        Ok(())
    })?;
    let counts = prepared
        .tokens
        .iter()
        .zip(counts)
        .filter(|&(_, count)| count > 0);
    Ok(Vocabulary::from_counts(
        counts.map(|(token, count)| (token.to_string(), count)),
        size,
    ))
}

/// Fills the new folder.
fn write(
    args: &Args,
    folder: &Path,
    prepared: &Prepared,
    vocabulary: &Vocabulary,
    summary: &mut Summary,
    interrupt: &Interrupt,
) -> Result<()> {
    let ids: Vec<u16> = prepared
        .tokens
        .iter()
        .map(|token| vocabulary.id(token) as u16)
        .collect();
    let classes: Vec<_> = prepared
        .tokens
        .iter()
        .map(|token| summary::class(token))
        .collect();
    let mut writers = Vec::new();
    for split in Split::ALL {
        writers.push((
            ShardWriter::create(&folder.join(split.shard()))?,
            String::new(),
        ));
    }
    prepared.each(|file, tokens| {
        ensure!(!interrupt.requested(), "interrupted");
        let encoded: Vec<u16> = tokens.iter().map(|&token| ids[token as usize]).collect();
        let unknown = encoded.iter().filter(|&&id| u32::from(id) == UNK).count();
        summary.count(
            file.split,
            unknown as u64,
            tokens.iter().map(|&token| classes[token as usize]),
        );
        let (writer, paths) = &mut writers[file.split as usize];
        paths.push_str(&serde_json::to_string(&file.path)?);
        paths.push('\n');
        Ok(writer.push(&encoded)?)
    })?;
    for ((writer, paths), split) in writers.into_iter().zip(Split::ALL) {
        writer.finish(vocabulary.len())?;
        write_synced(&folder.join(split.paths()), paths.as_bytes())?;
    }
    write_synced(&folder.join(TOKENIZER), &vocabulary.to_tokenizer_json()?)?;
    let report = summary.report(args, prepared, vocabulary);
    write_synced(&folder.join(REPORT), &serde_json::to_vec_pretty(&report)?)?;
    Ok(())
}
