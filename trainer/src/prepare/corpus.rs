//! Reads all sources into one spool: numbers tokens, drops duplicates, and records skipped files.

use std::path::Path;

use anyhow::Result;
use indicatif::HumanCount;
use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use super::document::{Chunk, Content, Document, Skip};
use super::ordered::ordered;
use super::source::Source;
use super::spool::{Entry, Spool, SpoolWriter};
use crate::data::Skipped;
use crate::host::{Host, Unit, ensure_running};

/// The result of reading all sources.
pub struct Corpus {
    /// The distinct tokens, by provisional number.
    pub words: Vec<String>,
    pub packages: Vec<Package>,
    pub spool: Spool,
    pub skipped: Skipped,
    /// Files of the test sources whose tokens also occur in a file of the other sources. They are kept.
    pub test_also_in_training: u64,
    /// SHA-256 over every file of the sources in order: path, package, and token hash or skip reason.
    pub fingerprint: Sha256,
}

/// A package, and its totals in the sources other than the test sources.
pub struct Package {
    pub name: String,
    pub files: u64,
    pub tokens: u64,
}

/// Reads the sources in order into a temporary file in `folder`.
pub fn read(sources: &[Source], folder: &Path, threads: usize, host: &dyn Host) -> Result<Corpus> {
    let mut reader = CorpusReader::new(SpoolWriter::create(folder)?);
    let total = sources.iter().map(|source| source.bytes).sum();
    let progress = host.progress(Unit::Bytes, total, 0);
    for source in sources {
        ordered(
            threads,
            |sink| source.read(sink),
            Chunk::new,
            |chunk| {
                ensure_running(host)?;
                progress.add(chunk.bytes);
                reader.add(chunk, source.test)?;
                progress.message(&format!("{} tokens", HumanCount(reader.tokens)));
                Ok(())
            },
        )?;
    }
    drop(progress);
    reader.finish()
}

/// Consumes tokenised chunks in source order.
struct CorpusReader {
    numbers: FxHashMap<String, u32>,
    packages: Vec<Package>,
    package_numbers: FxHashMap<String, u32>,
    /// Token hashes of the test sources and of the others.
    seen: [FxHashSet<u128>; 2],
    spool: SpoolWriter,
    skipped: Skipped,
    test_also_in_training: u64,
    fingerprint: Sha256,
    tokens: u64,
}

impl CorpusReader {
    fn new(spool: SpoolWriter) -> Self {
        Self {
            numbers: FxHashMap::default(),
            packages: Vec::new(),
            package_numbers: FxHashMap::default(),
            seen: Default::default(),
            spool,
            skipped: Skipped::default(),
            test_also_in_training: 0,
            fingerprint: Sha256::new(),
            tokens: 0,
        }
    }

    fn add(&mut self, chunk: Chunk, test: bool) -> Result<()> {
        // Maps the chunk's numbers to global ones. Filled only for kept files, so tokens of duplicates alone get no
        // number.
        let mut ours = vec![None; chunk.words.len()];
        for Document {
            path,
            package,
            content,
        } in chunk.documents
        {
            let content = content.and_then(|content| self.first_of_its_kind(content, test));
            self.note(&path, &package, content.as_ref(), test);
            let Content { mut tokens, .. } = match content {
                Ok(content) => content,
                Err(skip) => {
                    self.skipped.add(&path, skip.why, &skip.detail);
                    continue;
                }
            };
            self.tokens += tokens.len() as u64;
            for token in &mut tokens {
                let word = *token as usize;
                *token = *ours[word]
                    .get_or_insert_with(|| number(&mut self.numbers, &chunk.words[word]));
            }
            let package = self.package(package, tokens.len() as u64, test);
            self.spool.push(&Entry {
                path,
                package,
                test,
                tokens,
            })?;
        }
        Ok(())
    }

    fn first_of_its_kind(&mut self, content: Content, test: bool) -> Result<Content, Skip> {
        if !self.seen[usize::from(test)].insert(content.hash) {
            return Err(Skip::new("the same tokens as an earlier file", ""));
        }
        self.test_also_in_training += u64::from(test && self.seen[0].contains(&content.hash));
        Ok(content)
    }

    /// Updates the fingerprint.
    fn note(&mut self, path: &str, package: &str, content: Result<&Content, &Skip>, test: bool) {
        for text in [path, package] {
            self.fingerprint.update((text.len() as u64).to_le_bytes());
            self.fingerprint.update(text);
        }
        self.fingerprint
            .update([u8::from(test), u8::from(content.is_ok())]);
        match content {
            Ok(content) => self.fingerprint.update(content.hash.to_le_bytes()),
            Err(skip) => self.fingerprint.update(skip.why),
        }
    }

    fn package(&mut self, name: String, tokens: u64, test: bool) -> u32 {
        let number = number(&mut self.package_numbers, &name);
        if number as usize == self.packages.len() {
            self.packages.push(Package {
                name,
                files: 0,
                tokens: 0,
            });
        }
        if !test {
            let package = &mut self.packages[number as usize];
            package.files += 1;
            package.tokens += tokens;
        }
        number
    }

    fn finish(self) -> Result<Corpus> {
        let mut words = vec![String::new(); self.numbers.len()];
        for (word, number) in self.numbers {
            words[number as usize] = word;
        }
        Ok(Corpus {
            words,
            packages: self.packages,
            spool: self.spool.finish()?,
            skipped: self.skipped,
            test_also_in_training: self.test_also_in_training,
            fingerprint: self.fingerprint,
        })
    }
}

/// A word's number; new words get the next one.
fn number(numbers: &mut FxHashMap<String, u32>, word: &str) -> u32 {
    if let Some(&number) = numbers.get(word) {
        return number;
    }
    let number = numbers.len() as u32;
    numbers.insert(word.to_owned(), number);
    number
}
