//! The workspace's files in the index, read from disk or from open documents.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{debug, info};

use super::open::OpenDocument;
use super::paths::to_index_path;
use super::walk::{is_project_file, is_python, is_readable, project_files};
use crate::files::python_files;
use crate::tokenizer::Vocabulary;
use crate::workspace::WorkspaceIndex;

/// The workspace's files, in an index with a memory budget.
pub(super) struct ProjectFiles {
    pub(super) index: WorkspaceIndex,
    folders: Vec<PathBuf>,
    /// Memory budget of the index, in bytes.
    budget: usize,
    is_full: bool,
}

impl ProjectFiles {
    /// Creates an empty index without folders.
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        Self {
            index: WorkspaceIndex::new(vocabulary),
            folders: Vec::new(),
            budget: 0,
            is_full: false,
        }
    }

    /// The workspace's folders.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Changes the memory budget for files that are read from now on.
    pub(super) fn set_budget(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// Whether files were skipped for lack of memory.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The index path of a file, if it is in one of the folders.
    pub(super) fn to_index_path(&self, path: &Path) -> Option<String> {
        to_index_path(&self.folders, path)
    }

    /// Removes all files and folders.
    pub(super) fn clear(&mut self, vocabulary: &Vocabulary) {
        self.folders.clear();
        self.index.clear(vocabulary);
    }

    /// Replaces the index with the files of the folders, then adds the open documents.
    pub(super) fn read_folders(
        &mut self,
        vocabulary: &Vocabulary,
        folders: Vec<PathBuf>,
        open: &[OpenDocument],
    ) {
        let began = Instant::now();
        self.index.clear(vocabulary);
        self.folders = folders;
        self.is_full = false;
        for folder in self.folders.clone() {
            for path in project_files(&folder) {
                self.is_full |= self.index.bytes() > self.budget;
                if self.is_full {
                    break;
                }
                self.read_file(vocabulary, &path);
            }
        }
        for document in open {
            self.read_open(vocabulary, document);
        }
        info!(
            files = self.index.len(),
            tokens = self.index.tokens(),
            bytes = self.index.bytes(),
            is_full = self.is_full,
            took = ?began.elapsed(),
            "finished reading the project"
        );
    }

    /// Indexes the editor's text of an open document if it belongs to the project. Returns whether the index has
    /// changed.
    pub(super) fn read_open(&mut self, vocabulary: &Vocabulary, document: &OpenDocument) -> bool {
        let Some(path) = document.uri.to_file_path() else {
            return false;
        };
        let Some(index_path) = self.to_index_path(&path) else {
            return false;
        };
        // A new document may not have been saved yet.
        let is_new = !path.exists() && is_python(&path) && self.index.bytes() <= self.budget;
        let belongs = is_new || self.index.contains(&index_path);
        belongs && self.index.read(vocabulary, &index_path, &document.text)
    }

    /// Reads a file that may be new or changed. If the path no longer exists, removes it and all files below it.
    pub(super) fn reread(&mut self, vocabulary: &Vocabulary, path: &Path) {
        let Some(index_path) = self.to_index_path(path) else {
            return;
        };
        if !path.exists() {
            self.index.remove_below(&index_path);
        } else if self.index.contains(&index_path)
            || self.index.bytes() <= self.budget && is_project_file(path, &self.folders)
        {
            self.read_file(vocabulary, path);
        }
    }

    /// Reads a file. Removes it from the index if it cannot be read.
    fn read_file(&mut self, vocabulary: &Vocabulary, path: &Path) {
        let Some(index_path) = self.to_index_path(path) else {
            return;
        };
        let text = is_readable(path).then(|| python_files::read(path));
        if let Some(Ok(text)) = &text {
            self.index.read(vocabulary, &index_path, text);
            return;
        }
        if let Some(Err(error)) = text {
            debug!("{error:#}");
        }
        self.index.remove(&index_path);
    }
}
