//! The project's files as tokens, at 4 bytes each.

use std::sync::Arc;

use super::columns::columns;
use super::files::{Counted, Files, Totals};
use super::imports::{ImportPaths, Imports};
use super::library::Library;
use super::names::NameTable;
use crate::python;
use crate::symbols::ModuleRef;
use crate::tokenizer::{TokenId, Vocabulary};

/// Files by path. Paths are relative to one common root, with `/` between their parts.
#[derive(Debug)]
pub struct WorkspaceIndex {
    pub(super) names: NameTable,
    pub(super) files: Files<File>,
    /// The top-level modules of the project, cached on first use.
    pub(super) top_modules: Option<Arc<[Box<str>]>>,
    /// Files outside the project.
    pub(super) libraries: Files<Library>,
    /// Number of files read so far.
    pub(super) version: u64,
}

/// A file of the project.
#[derive(Debug)]
pub(super) struct File {
    pub(super) version: u64,
    pub(super) names: ModuleRef,
    /// Numbers in the name table, starting with `<s>`.
    pub(super) tokens: Vec<u32>,
    /// Indentation columns of its lines; empty if unknown.
    pub(super) columns: Vec<u8>,
    pub(super) imports: Imports,
    pub(super) resolved: ImportPaths,
}

impl Counted for File {
    fn totals(&self) -> Totals {
        let imports = self.imports.bytes() + self.resolved.bytes();
        Totals {
            tokens: self.tokens.len(),
            bytes: 4 * self.tokens.len() + self.columns.len() + imports,
        }
    }
}

impl WorkspaceIndex {
    /// Creates an empty index.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        Self {
            names: NameTable::new(vocabulary),
            files: Files::default(),
            top_modules: None,
            libraries: Files::default(),
            version: 0,
        }
    }

    /// Adds or replaces a file, given its tokens from `<s>` on, each an id and its text. The indentation is unknown.
    /// Returns whether the index has changed.
    pub fn insert<'a>(
        &mut self,
        path: &str,
        tokens: impl Iterator<Item = (TokenId, &'a str)>,
    ) -> bool {
        let tokens: Vec<(TokenId, &str)> = tokens.collect();
        let imports = Imports::of(tokens.iter().map(|&(_, text)| text));
        self.replace(path, tokens.into_iter(), Vec::new(), imports)
    }

    /// Adds or replaces a file, given its text. Returns whether the index has changed.
    pub fn read(&mut self, vocabulary: &Vocabulary, path: &str, text: &str) -> bool {
        let lexed = python::lex(text);
        let spelled: Vec<String> = lexed
            .iter()
            .map(|&token| python::spelling(text, token))
            .collect();
        let spelled = || std::iter::once(python::START).chain(spelled.iter().map(|token| &**token));
        let imports = Imports::of(spelled());
        let tokens = spelled().map(|token| (vocabulary.id(token), token));
        self.replace(path, tokens, columns(text, &lexed), imports)
    }

    fn replace<'a>(
        &mut self,
        path: &str,
        tokens: impl Iterator<Item = (TokenId, &'a str)>,
        columns: Vec<u8>,
        imports: Imports,
    ) -> bool {
        let tokens: Vec<u32> = tokens
            .map(|(id, text)| self.names.intern(id, text))
            .collect();
        let before = self.files.get(path);
        if before.is_some_and(|file| file.tokens == tokens && file.columns == columns) {
            return false;
        }
        let names = self.module_name(path);
        self.version += 1;
        let file = File {
            version: self.version,
            names,
            tokens,
            columns,
            resolved: imports.resolve(path),
            imports,
        };
        if self.files.insert(path, file).is_none() {
            self.top_modules = None;
        }
        true
    }

    /// Whether the index contains a file.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Number of tokens in all files.
    pub fn tokens(&self) -> usize {
        self.files.totals().tokens
    }

    /// Removes a file. Returns whether the index contained it.
    pub fn remove(&mut self, path: &str) -> bool {
        let is_there = self.files.remove(path).is_some();
        if is_there {
            self.top_modules = None;
        }
        is_there
    }

    /// Removes a file, or all files below a folder.
    pub fn remove_below(&mut self, path: &str) {
        let folder = format!("{path}/");
        let mut gone: Vec<Box<str>> = Vec::new();
        for other in self.files.keys() {
            if **other == *path || other.starts_with(&folder) {
                gone.push(other.clone());
            }
        }
        gone.iter().for_each(|path| {
            self.remove(path);
        });
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Removes all files and their names. Earlier [fingerprints](WorkspaceIndex::state_of) do not recur.
    pub fn clear(&mut self, vocabulary: &Vocabulary) {
        let version = self.version;
        *self = Self::new(vocabulary);
        self.version = version;
    }

    /// Whether the index is empty.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Memory in bytes, excluding libraries.
    pub fn bytes(&self) -> usize {
        self.files.totals().bytes + self.names.bytes() + 200 * self.files.len()
    }
}
