//! Tokenises a source's raw files, many at a time, on any thread.
//!
//! Tokens are numbered within their chunk by first occurrence. Chunks are independent of each other.

use std::path::PathBuf;

use minicopilot::python;
use minicopilot::tokenizer::RESERVED;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// Source files as read, input of a [`Chunk`].
#[derive(Default)]
pub struct RawChunk {
    pub files: Vec<Raw>,
    /// The share of the source's bytes, for the progress bar.
    pub bytes: u64,
}

/// One file of a source.
pub struct Raw {
    /// The file's name in the source.
    pub path: String,
    /// The file's package in the source, if given.
    pub package: Option<String>,
    pub body: Body,
}

/// The contents of a file in a source.
pub enum Body {
    /// py150 tokens without separators, and the end of each.
    Tokens { text: Vec<u8>, ends: Vec<usize> },
    /// py150 tokens separated by spaces.
    Line(Vec<u8>),
    /// A Python source file that is not read yet.
    Python(PathBuf),
    /// A file that cannot be used.
    Broken(Skip),
}

/// Why a file is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The reason, by which skipped files are counted.
    pub why: &'static str,
    /// Details about this file.
    pub detail: String,
}

impl Skip {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers pass literals, paths and errors alike"
    )]
    pub fn new(why: &'static str, detail: impl ToString) -> Self {
        let detail = detail.to_string();
        Self { why, detail }
    }
}

/// A tokenised chunk of a source's files.
pub struct Chunk {
    /// The distinct tokens of these files.
    pub words: Vec<String>,
    pub documents: Vec<Document>,
    /// As in [`RawChunk`].
    pub bytes: u64,
}

/// One file, tokenised.
pub struct Document {
    pub path: String,
    /// The source's package, else the first folder of the path, else the path itself.
    pub package: String,
    pub content: Result<Content, Skip>,
}

/// A file's tokens.
pub struct Content {
    /// The first 128 bits of SHA-256 over the tokens, each followed by a space.
    pub hash: u128,
    /// Indices into [`Chunk::words`], starting with `<s>` and ending with `</s>`.
    pub tokens: Vec<u32>,
}

/// Maximum size of a Python source: far above any hand-written file, far below available memory.
const LONGEST_SOURCE: u64 = 64 << 20;

impl Chunk {
    /// Tokenises the files of a raw chunk.
    pub fn new(raw: RawChunk) -> Self {
        let mut words = Words::default();
        let documents = raw.files.into_iter().map(|file| {
            let package = file
                .package
                .unwrap_or_else(|| first_folder(&file.path).to_owned());
            let content = words.content(file.body);
            Document {
                path: file.path,
                package,
                content,
            }
        });
        let documents = documents.collect();
        Self {
            words: words.list,
            documents,
            bytes: raw.bytes,
        }
    }
}

fn first_folder(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    path.split_once('/').map_or(path, |(folder, _)| folder)
}

/// The vocabulary of a chunk so far.
#[derive(Default)]
struct Words {
    numbers: FxHashMap<String, u32>,
    list: Vec<String>,
}

impl Words {
    fn content(&mut self, body: Body) -> Result<Content, Skip> {
        match body {
            Body::Broken(skip) => Err(skip),
            Body::Tokens { text, ends } => {
                let text = utf8(&text)?;
                let mut file = File::new(self);
                let mut start = 0;
                for end in ends {
                    // A token boundary inside a character: neither half is UTF-8.
                    file.push(text.get(start..end).ok_or_else(not_utf8)?)?;
                    start = end;
                }
                file.finish()
            }
            Body::Line(line) => {
                let mut file = File::new(self);
                for token in utf8(&line)?.split(' ').filter(|token| !token.is_empty()) {
                    file.push(token)?;
                }
                file.finish()
            }
            Body::Python(path) => {
                let unreadable = |error| Skip::new("cannot be read", error);
                let bytes = std::fs::metadata(&path).map_err(unreadable)?.len();
                if bytes > LONGEST_SOURCE {
                    return Err(Skip::new("longer than 64 MiB", format!("{bytes} bytes")));
                }
                let bytes = std::fs::read(&path).map_err(unreadable)?;
                if bytes.contains(&0) {
                    return Err(Skip::new("not Python source", "it contains NUL bytes"));
                }
                let text = python::decode(&bytes);
                let mut file = File::new(self);
                file.push(python::START)?;
                let mut surface = String::new();
                for token in python::lex(&text) {
                    python::surface(&text, token, &mut surface);
                    file.push(&surface)?;
                }
                file.push(python::END)?;
                file.finish()
            }
        }
    }

    fn number(&mut self, token: &str) -> Result<u32, Skip> {
        if let Some(&number) = self.numbers.get(token) {
            return Ok(number);
        }
        // A vocabulary over white space cannot represent it, or reserves it.
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(Skip::new(
                "a token is empty or holds white space",
                format!("{token:?}"),
            ));
        }
        if RESERVED.contains(&token) {
            return Err(Skip::new("holds a reserved token", token));
        }
        let number = self.list.len() as u32;
        self.numbers.insert(token.to_owned(), number);
        self.list.push(token.to_owned());
        Ok(number)
    }
}

/// Collects the tokens of a file.
struct File<'w> {
    words: &'w mut Words,
    tokens: Vec<u32>,
    spelled: String,
}

impl<'w> File<'w> {
    fn new(words: &'w mut Words) -> Self {
        Self {
            words,
            tokens: Vec::new(),
            spelled: String::new(),
        }
    }

    fn push(&mut self, token: &str) -> Result<(), Skip> {
        self.tokens.push(self.words.number(token)?);
        self.spelled.push_str(token);
        self.spelled.push(' ');
        Ok(())
    }

    fn finish(self) -> Result<Content, Skip> {
        let spelled = &self.spelled;
        if self.tokens.len() < 2 || !spelled.starts_with("<s> ") || !spelled.ends_with(" </s> ") {
            let head: String = spelled.chars().take(40).collect();
            return Err(Skip::new(
                "not from <s> to </s>",
                format!("it starts with {head:?}"),
            ));
        }
        let digest = Sha256::digest(spelled.as_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        Ok(Content {
            hash: u128::from_le_bytes(hash),
            tokens: self.tokens,
        })
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Skip> {
    std::str::from_utf8(bytes).map_err(|error| Skip::new("not UTF-8", error))
}

fn not_utf8() -> Skip {
    Skip::new("not UTF-8", "a token ends inside a character")
}
