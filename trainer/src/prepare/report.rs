//! Builds `prepare.json` and its human-readable summary.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use minicopilot::files::write_synced;
use minicopilot::tokenizer::{RESERVED, Vocabulary};
use sha2::Digest;
use sha2::Sha256;

use super::corpus::Corpus;
use super::source::Source;
use super::split::Assignment;
use crate::data::{Counts, PrepareReport, RecordedSettings, RecordedSource, Split, VocabularyPart};

/// Version of all rules that determine the output's bytes.
const FORMAT: u32 = 1;

/// The report of a finished corpus. `splits` are in the order of [`Split::ALL`].
pub fn report(
    settings: RecordedSettings,
    corpus: &Corpus,
    assignment: &Assignment,
    vocabulary: &Vocabulary,
    splits: [Counts; 3],
) -> PrepareReport {
    let vocabulary = VocabularyPart {
        tokens: vocabulary.len(),
        fingerprint: vocabulary.fingerprint(),
        distinct: corpus.words.len(),
    };
    PrepareReport {
        format: FORMAT,
        fingerprint: fingerprint(&settings, corpus, &vocabulary.fingerprint),
        settings,
        vocabulary,
        splits: Split::ALL
            .iter()
            .map(Split::to_string)
            .zip(splits)
            .collect(),
        held_out_packages: assignment.held_out(&corpus.packages),
        test_files_also_in_training: corpus.test_also_in_training,
        skipped: corpus.skipped.clone(),
    }
}

/// A source as recorded in the report.
pub fn recorded(source: &Source) -> RecordedSource {
    RecordedSource {
        path: source.name.clone(),
        kind: source.kind,
        test: source.test,
    }
}

/// Writes the report to `path`.
pub fn write(report: &PrepareReport, path: &Path) -> Result<()> {
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    write_synced(path, &json).context(
        "cannot write prepare.json in the --out folder; free up space or choose another --out",
    )
}

/// A table of the splits of the folder `out`, and remarks.
pub fn summary(report: &PrepareReport, out: &Path) -> String {
    let mut text = format!(
        "{:12} {:>9} {:>13} {:>8}\n",
        out.display(),
        "files",
        "tokens",
        "OOV"
    );
    for split in Split::ALL {
        let Some(counts) = report.counts(split) else {
            continue;
        };
        let Counts {
            files,
            tokens,
            oov_rate,
            ..
        } = counts;
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "{split:12} {files:9} {tokens:13} {:7.2} %",
            100.0 * oov_rate
        );
    }
    text += &vocabulary_line(report);
    if let Some(packages) = &report.held_out_packages {
        let _ = writeln!(text, "held out: {} packages", packages.len());
    }
    if report.test_files_also_in_training > 0 {
        let _ = writeln!(
            text,
            "test files that also occur in training or validation: {}",
            report.test_files_also_in_training
        );
    }
    if !report.skipped.is_empty() {
        let _ = writeln!(text, "skipped: {}", report.skipped);
    }
    text
}

/// What the vocabulary consists of.
fn vocabulary_line(report: &PrepareReport) -> String {
    let VocabularyPart {
        tokens, distinct, ..
    } = report.vocabulary;
    let reserved = RESERVED.len();
    let entries = tokens - reserved;
    let train = report.counts(Split::Train);
    let pieces = train.and_then(|counts| Some((counts.pieces?, counts.tokens)));
    if let Some((pieces, tokens)) = pieces {
        let each = pieces as f64 / tokens.max(1) as f64;
        return format!(
            "vocabulary: {entries} pieces, and {reserved} reserved entries; {each:.3} pieces per training token\n"
        );
    }
    format!("vocabulary: {entries} of {distinct} distinct tokens, and {reserved} reserved ones\n")
}

/// SHA-256 over the contents of the files and the settings that affect the output, independent of file locations.
fn fingerprint(settings: &RecordedSettings, corpus: &Corpus, vocabulary: &str) -> String {
    let mut hash: Sha256 = corpus.fingerprint.clone();
    let RecordedSettings {
        split_by,
        validation,
        seed,
        hold_out,
        ..
    } = settings;
    hash.update(format!(
        "{FORMAT} {split_by:?} {validation} {seed} {vocabulary}"
    ));
    for package in hold_out {
        hash.update(format!(" {package}"));
    }
    minicopilot::files::fingerprint::finish(hash)
}
