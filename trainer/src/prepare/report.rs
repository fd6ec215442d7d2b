//! What `prepare` says of its work: `prepare.json`, and a summary for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use minicopilot::files::write_synced;
use minicopilot::tokenizer::{RESERVED, Vocabulary};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::corpus::Corpus;
use super::document::Skip;
use super::encode::Counts;
use super::source::Source;
use super::split::Assignment;
use super::{Args, SplitBy};
use crate::data::Split;

/// Version of everything that decides the output's bytes.
const FORMAT: u32 = 1;
/// Skipped files that are named, of each kind.
const EXAMPLES: usize = 5;

/// The contents of `prepare.json`: nothing in it depends on when, where or how fast it was made.
#[derive(Serialize)]
pub struct Report<'a> {
    format: u32,
    fingerprint: String,
    settings: Settings<'a>,
    vocabulary: VocabularyPart,
    splits: BTreeMap<String, Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_out_packages: Option<Vec<&'a str>>,
    test_files_also_in_training: u64,
    skipped: &'a Skipped,
}

#[derive(Serialize)]
struct Settings<'a> {
    sources: &'a [Source],
    split_by: SplitBy,
    validation: f64,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vocabulary: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vocabulary_size: Option<u32>,
}

#[derive(Serialize)]
struct VocabularyPart {
    tokens: usize,
    fingerprint: String,
    /// Distinct tokens in all splits.
    distinct: usize,
}

impl<'a> Report<'a> {
    pub fn new(
        args: &'a Args,
        sources: &'a [Source],
        corpus: &'a Corpus,
        assignment: &Assignment,
        vocabulary: &Vocabulary,
        splits: [Counts; 3],
    ) -> Self {
        let vocabulary = VocabularyPart {
            tokens: vocabulary.len(),
            fingerprint: vocabulary.fingerprint(),
            distinct: corpus.words.len(),
        };
        Self {
            format: FORMAT,
            fingerprint: fingerprint(args, corpus, &vocabulary.fingerprint),
            settings: Settings {
                sources,
                split_by: args.split_by,
                validation: args.validation,
                seed: args.seed,
                vocabulary: args.vocabulary.as_deref(),
                vocabulary_size: args.vocabulary.is_none().then_some(args.vocabulary_size),
            },
            vocabulary,
            splits: Split::ALL
                .iter()
                .map(Split::to_string)
                .zip(splits)
                .collect(),
            held_out_packages: assignment.held_out(&corpus.packages),
            test_files_also_in_training: corpus.test_also_in_training,
            skipped: &corpus.skipped,
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_synced(path, &json).context(
            "cannot write prepare.json in the --out folder; free space or choose another --out",
        )
    }

    /// A table and what else is worth knowing.
    pub fn summary(&self, out: &Path) -> String {
        let mut text = format!(
            "{:12} {:>9} {:>13} {:>8}\n",
            out.display(),
            "files",
            "tokens",
            "OOV"
        );
        for split in Split::ALL {
            let Some(counts) = self.splits.get(&split.to_string()) else {
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
        let VocabularyPart {
            tokens, distinct, ..
        } = self.vocabulary;
        let reserved = RESERVED.len();
        let frequent = tokens - reserved;
        let _ = writeln!(
            text,
            "vocabulary: {frequent} of {distinct} distinct tokens, and {reserved} reserved ones"
        );
        if let Some(packages) = &self.held_out_packages {
            let _ = writeln!(text, "held out: {} packages", packages.len());
        }
        if self.test_files_also_in_training > 0 {
            let _ = writeln!(
                text,
                "test files that also stand in training or validation: {}",
                self.test_files_also_in_training
            );
        }
        if !self.skipped.0.is_empty() {
            let _ = writeln!(text, "skipped: {}", self.skipped);
        }
        text
    }
}

/// SHA-256 over what the files hold and the settings that decide what becomes of them; not where they were found.
fn fingerprint(args: &Args, corpus: &Corpus, vocabulary: &str) -> String {
    let mut hash: Sha256 = corpus.fingerprint.clone();
    let Args {
        split_by,
        validation,
        seed,
        ..
    } = args;
    hash.update(format!(
        "{FORMAT} {split_by:?} {validation} {seed} {vocabulary}"
    ));
    minicopilot::files::fingerprint::finish(hash)
}

/// Files that were left out, by reason.
#[derive(Debug, Default, Serialize)]
pub struct Skipped(BTreeMap<&'static str, Group>);

#[derive(Debug, Default, Serialize)]
struct Group {
    files: u64,
    examples: Vec<String>,
}

impl Skipped {
    pub fn add(&mut self, path: &str, skip: &Skip) {
        let group = self.0.entry(skip.why).or_default();
        group.files += 1;
        if group.examples.len() < EXAMPLES {
            let detail = if skip.detail.is_empty() {
                String::new()
            } else {
                format!(": {}", skip.detail)
            };
            group.examples.push(format!("{path}{detail}"));
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing was skipped");
        }
        let groups = self.0.iter().map(|(why, group)| {
            let first = group.examples.first().map_or("", String::as_str);
            format!("{} ({why}, such as {first})", group.files)
        });
        f.write_str(&groups.collect::<Vec<_>>().join("; "))
    }
}
