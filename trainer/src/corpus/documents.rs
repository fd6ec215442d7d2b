//! The files that pass the filters, as numbered tokens, ordered by the SHA-256 of their paths. All later decisions
//! follow this order, so the manifest's order does not matter. A file is never a duplicate of a file in a package that
//! was not selected.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::filter::Tokens;

/// All files, and their vocabulary.
#[derive(Default)]
pub struct Documents {
    pub list: Vec<Document>,
    /// The distinct tokens, by number.
    pub words: Vec<String>,
    numbers: FxHashMap<String, u32>,
}

/// A file.
pub struct Document {
    /// SHA-256 of the path.
    key: [u8; 32],
    /// `package/` and the path in the archive.
    pub path: String,
    /// Index of its package in the manifest.
    pub package: usize,
    pub test: bool,
    pub tokens: Vec<u32>,
}

impl Document {
    pub fn new(path: String, package: usize, test: bool, tokens: Vec<u32>) -> Self {
        Self {
            key: Sha256::digest(&path).into(),
            path,
            package,
            test,
            tokens,
        }
    }
}

impl Documents {
    pub fn add(&mut self, path: String, package: usize, test: bool, tokens: &Tokens) {
        let tokens = tokens.iter().map(|token| self.number(token)).collect();
        self.list.push(Document::new(path, package, test, tokens));
    }

    /// Sorts the documents by key. Call it once all documents are added.
    pub fn sort(&mut self) {
        self.list.sort_unstable_by_key(|document| document.key);
    }

    /// Documents over tokens that are already numbered.
    #[cfg(test)]
    pub fn of(list: Vec<Document>, words: Vec<String>) -> Self {
        Self {
            list,
            words,
            ..Self::default()
        }
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.numbers.get(word) {
            return number;
        }
        let number = self.words.len() as u32;
        self.numbers.insert(word.to_owned(), number);
        self.words.push(word.to_owned());
        number
    }
}
