//! From a source's raw files to numbered tokens, many at a time, on any thread.
//!
//! Tokens are numbered within their chunk, in the order in which they first occur. Knows nothing of other chunks.

use std::path::PathBuf;

use minicopilot::python;
use minicopilot::tokenizer::RESERVED;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// Source files as they were found, to be made into a [`Chunk`].
#[derive(Default)]
pub struct RawChunk {
    pub files: Vec<Raw>,
    /// How much of the sources' bytes this is, for the progress bar.
    pub bytes: u64,
}

/// One file of a source.
pub struct Raw {
    /// The name that the source gives it.
    pub path: String,
    /// The package that the source says it belongs to.
    pub package: Option<String>,
    pub body: Body,
}

/// What a source holds of a file.
pub enum Body {
    /// py150 tokens without separators, and where each ends.
    Tokens { text: Vec<u8>, ends: Vec<usize> },
    /// py150 tokens separated by spaces.
    Line(Vec<u8>),
    /// Python source, still to be read.
    Python(PathBuf),
    /// Something that cannot be used.
    Broken(Skip),
}

/// Why a file is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The kind of reason, by which skipped files are counted.
    pub why: &'static str,
    /// What more there is to say of this file.
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

/// Some files of a source, tokenised.
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
    /// What the source says, else the path's first folder, or the path if it has none.
    pub package: String,
    pub content: Result<Content, Skip>,
}

/// A file's tokens.
pub struct Content {
    /// The first 128 bits of SHA-256 over the tokens, each followed by a space: equal for equal token streams.
    pub hash: u128,
    /// Indices into [`Chunk::words`], `<s>` first and `</s>` last.
    pub tokens: Vec<u32>,
}

/// Longest Python source that is read: far beyond any written by people, far below what memory holds.
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

/// The tokens seen so far in a chunk.
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
                    // A token's end inside a character: two halves that only together are UTF-8.
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
                    return Err(Skip::new("not Python source", "it holds NUL bytes"));
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
        // A vocabulary over white space could not hold it, or would take it for its own.
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

/// A file whose tokens are being added.
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
                format!("it begins {head:?}"),
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
