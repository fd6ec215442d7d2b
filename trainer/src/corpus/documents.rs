//! The files that the filters keep, as numbered tokens, in the one order in which everything later is decided: that of
//! the SHA-256 of their paths. The order of the manifest thus decides nothing; a package that was not asked for takes no
//! file of another as its duplicate.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::filter::Tokens;

/// All files, and the tokens that they are made of.
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
    /// Index of its package in the manifest's order.
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

    /// To be called when all are there.
    pub fn sort(&mut self) {
        self.list.sort_unstable_by_key(|document| document.key);
    }

    /// These files, with tokens that are numbered already.
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
