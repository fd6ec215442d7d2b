//! Builds the vocabulary and writes the shards from the spool.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use minicopilot::files::write_synced;
use minicopilot::python::{self, Kind};
use minicopilot::tokenizer::{TokenId, Vocabulary};

use super::corpus::Corpus;
use super::split::Assignment;
use crate::data::shard::ShardWriter;
use crate::data::{Counts, Pieces, Split, TOKENIZER};
use crate::host::{Host, Unit, ensure_running};

/// Names of token classes; the last is the class of `<s>`, `</s>`, `<INDENT>` and `<DEDENT>`.
const CLASSES: [&str; 7] = [
    "name", "keyword", "number", "string", "operator", "eol", "special",
];

/// Builds the vocabulary of the training split.
pub fn count(
    corpus: &Corpus,
    assignment: &Assignment,
    pieces: Option<Pieces>,
    size: usize,
    host: &dyn Host,
) -> Result<Vocabulary> {
    let mut counts = vec![0_u64; corpus.words.len()];
    let mut split_of = assignment.start();
    let progress = host.progress(Unit::Tokens, corpus.spool.tokens(), 0);
    progress.message("counting");
    corpus.spool.each(|entry| {
        ensure_running(host)?;
        progress.add(entry.tokens.len() as u64);
        if split_of(entry) == Split::Train {
            entry
                .tokens
                .iter()
                .for_each(|&token| counts[token as usize] += 1);
        }
        Ok(())
    })?;
    drop(progress);
    let counts = corpus
        .words
        .iter()
        .zip(counts)
        .filter(|&(_, count)| count > 0)
        .map(|(word, count)| (word.clone(), count));
    Ok(match pieces {
        None => Vocabulary::from_counts(counts, size),
        Some(Pieces::Bpe) => Vocabulary::from_pieces(counts, size),
    })
}

/// The ids of each distinct token.
struct Encoding {
    ids: Vec<u16>,
    /// The end of each token's ids.
    ends: Vec<usize>,
}

impl Encoding {
    fn new(words: &[String], vocabulary: &Vocabulary) -> Self {
        let (mut all, mut ids, mut ends) =
            (Vec::new(), Vec::new(), Vec::with_capacity(words.len()));
        for word in words {
            ids.clear();
            vocabulary.encode(word, &mut ids);
            all.extend(ids.iter().map(|id| id.get() as u16));
            ends.push(all.len());
        }
        Self { ids: all, ends }
    }

    fn of(&self, word: usize) -> &[u16] {
        let begin = word.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.ids[begin..self.ends[word]]
    }
}

/// Writes everything except the report to `folder`; returns the counts of each split, in the order of [`Split::ALL`]. A
/// [`TokenId`] is encoded as its number, in 16 bits.
pub fn encode(
    corpus: &Corpus,
    assignment: &Assignment,
    vocabulary: &Vocabulary,
    folder: &Path,
    host: &dyn Host,
) -> Result<[Counts; 3]> {
    let encoding = Encoding::new(&corpus.words, vocabulary);
    let classes: Vec<u8> = corpus.words.iter().map(|word| class(word)).collect();
    let [train, validation, test] = Split::ALL;
    let create = |split| SplitWriter::create(folder, split, vocabulary.has_pieces());
    let mut writers = [create(train)?, create(validation)?, create(test)?];

    let mut split_of = assignment.start();
    let (mut ids, mut unknown) = (Vec::new(), String::new());
    let progress = host.progress(Unit::Tokens, corpus.spool.tokens(), 0);
    progress.message("encoding");
    corpus.spool.each(|entry| {
        ensure_running(host)?;
        progress.add(entry.tokens.len() as u64);
        ids.clear();
        unknown.clear();
        let writer = &mut writers[split_of(entry) as usize];
        for &token in &entry.tokens {
            let token = token as usize;
            let of_token = encoding.of(token);
            ids.extend(of_token);
            writer.classes[usize::from(classes[token])] += 1;
            if of_token.iter().any(|&id| is_unknown(id)) {
                if !unknown.is_empty() {
                    unknown.push(' ');
                }
                unknown.push_str(&corpus.words[token]);
            }
        }
        writer.counts.tokens += entry.tokens.len() as u64;
        writer.push(&entry.path, &ids, &unknown)
    })?;
    drop(progress);

    let json = vocabulary.to_tokenizer_json()?;
    write_synced(&folder.join(TOKENIZER), &json).with_context(|| unwritable(TOKENIZER))?;
    let [train, validation, test] = writers.map(|writer| writer.finish(vocabulary.len()));
    Ok([train?, validation?, test?])
}

/// Writes the three files of a split and counts its tokens.
struct SplitWriter {
    split: Split,
    shard: ShardWriter,
    paths: BufWriter<File>,
    unknown: BufWriter<File>,
    counts: Counts,
    classes: [u64; CLASSES.len()],
}

impl SplitWriter {
    fn create(folder: &Path, split: Split, has_pieces: bool) -> Result<Self> {
        let shard = ShardWriter::create(&folder.join(split.shard()))
            .with_context(|| unwritable(&split.shard()))?;
        let text = |name: String| {
            let file = File::create_new(folder.join(&name)).with_context(|| unwritable(&name))?;
            anyhow::Ok(BufWriter::new(file))
        };
        Ok(Self {
            split,
            shard,
            paths: text(split.paths())?,
            unknown: text(split.unknown())?,
            counts: Counts {
                pieces: has_pieces.then_some(0),
                ..Counts::default()
            },
            classes: [0; CLASSES.len()],
        })
    }

    fn push(&mut self, path: &str, ids: &[u16], unknown: &str) -> Result<()> {
        self.counts.files += 1;
        if let Some(pieces) = &mut self.counts.pieces {
            *pieces += ids.len() as u64;
        }
        self.counts.unknown += ids.iter().filter(|&&id| is_unknown(id)).count() as u64;
        self.shard
            .push(ids)
            .with_context(|| unwritable(&self.split.shard()))?;
        writeln!(self.paths, "{}", serde_json::to_string(path)?)
            .with_context(|| unwritable(&self.split.paths()))?;
        writeln!(self.unknown, "{unknown}").with_context(|| unwritable(&self.split.unknown()))
    }

    fn finish(self, vocabulary_size: usize) -> Result<Counts> {
        let Self {
            split,
            shard,
            paths,
            unknown,
            mut counts,
            classes,
        } = self;
        shard
            .finish(vocabulary_size)
            .with_context(|| unwritable(&split.shard()))?;
        for (file, name) in [(paths, split.paths()), (unknown, split.unknown())] {
            let file = file
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error);
            file.and_then(|file| file.sync_all())
                .with_context(|| unwritable(&name))?;
        }
        counts.oov_rate = counts.unknown as f64 / counts.tokens.max(1) as f64;
        counts.classes = CLASSES
            .map(str::to_owned)
            .into_iter()
            .zip(classes)
            .collect();
        Ok(counts)
    }
}

/// Index of a token's class in [`CLASSES`].
fn class(word: &str) -> u8 {
    if [python::START, python::END, python::INDENT, python::DEDENT].contains(&word) {
        return 6;
    }
    match python::surface_kind(word) {
        Kind::Name => 0,
        Kind::Keyword => 1,
        Kind::Number => 2,
        Kind::String => 3,
        Kind::Operator => 4,
        Kind::Eol => 5,
    }
}

fn is_unknown(id: u16) -> bool {
    TokenId::new(id.into()) == TokenId::UNK
}

fn unwritable(name: &str) -> String {
    format!("cannot write {name} in the --out folder; free up space or choose another --out")
}
