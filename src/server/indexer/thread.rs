//! The indexer thread: processes messages in order and selects contexts when no more arrive for a while.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tower_lsp::ls_types::Uri;
#[cfg(target_os = "linux")]
use tracing::debug;
use tracing::error;

use super::contexts::Contexts;
use super::libraries::Libraries;
use super::message::{Message, Status};
use super::open::{OpenDocument, OpenDocuments};
use super::project::ProjectFiles;
use crate::completion::Completer;
use crate::context::{ImportableModules, ProjectContext};
use crate::workspace::{ContextSelection, Imports};

/// How long changes are collected before contexts are selected again.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// Maximum number of changed files that are read one by one; above it, the whole workspace is read again.
const MAX_SINGLE_REREADS: usize = 32;

/// The state of the indexer thread.
pub(super) struct IndexerThread {
    completer: Arc<Completer>,
    project: ProjectFiles,
    libraries: Libraries,
    open: OpenDocuments,
    contexts: Contexts,
}

impl IndexerThread {
    /// Creates the state without folders and documents. Contexts are published to `contexts`.
    pub(super) fn new(completer: Arc<Completer>, contexts: Contexts) -> Self {
        Self {
            project: ProjectFiles::new(completer.vocabulary()),
            completer,
            libraries: Libraries::none(),
            open: OpenDocuments::default(),
            contexts,
        }
    }

    /// Processes messages until the last sender is dropped.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let mut stale_since: Option<Instant> = None;
        loop {
            let message = match stale_since {
                None => messages.recv().map_err(RecvTimeoutError::from),
                Some(since) => messages.recv_timeout(DEBOUNCE.saturating_sub(since.elapsed())),
            };
            if matches!(message, Err(RecvTimeoutError::Disconnected)) {
                return;
            }
            // Unwind safety: a panic can leave only the index inconsistent, and that is discarded.
            let done = catch_unwind(AssertUnwindSafe(|| match message {
                Ok(message) => self.handle(message),
                Err(_) => self.refresh_contexts(),
            }));
            if done.is_err() {
                error!("reading the project panicked; its files and libraries are no longer used");
                self.libraries = Libraries::none();
                self.project.clear(self.completer.vocabulary());
            }
            stale_since = self
                .open
                .has_stale()
                .then(|| stale_since.unwrap_or_else(Instant::now));
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Index(scope) => {
                self.project.set_budget(scope.budget);
                self.read_workspace(scope.folders, scope.environment);
                // Reading the project took long enough: select the contexts without a further wait.
                self.refresh_contexts();
            }
            Message::DocumentEdited(uri, text) => {
                self.touch(uri, text, None);
                let vocabulary = self.completer.vocabulary();
                let edited = self.open.last();
                if edited.is_some_and(|edited| self.project.read_open(vocabulary, edited)) {
                    self.open.mark_all_stale();
                }
            }
            Message::LineEdited(uri, text, line_end) => {
                let suffix_bytes = text.len() - line_end;
                self.touch(uri, text, Some(suffix_bytes));
            }
            Message::DocumentClosed(uri) => {
                self.open.close(&uri);
                // The index may contain unsaved text of the document.
                if let Some(path) = uri.to_file_path() {
                    self.reread(&[path.into_owned()]);
                }
            }
            Message::FilesChanged(paths) => {
                if paths.len() > MAX_SINGLE_REREADS || paths.iter().any(|path| path.is_dir()) {
                    let setting = self.libraries.setting().to_owned();
                    self.read_workspace(self.project.folders().to_vec(), setting);
                } else {
                    self.reread(&paths);
                }
            }
            Message::Settle(sender) => {
                self.refresh_contexts();
                let index = &self.project.index;
                let status = Status {
                    files: index.len(),
                    tokens: index.tokens(),
                    bytes: index.bytes(),
                    is_full: self.project.is_full(),
                    lacks_environment: self.libraries.lacks_environment(),
                };
                // The receiver may have been dropped.
                let _ = sender.send(status);
            }
        }
    }

    /// Makes a document the most recently edited one. The least recently edited one may lose its context.
    fn touch(&mut self, uri: Uri, text: Arc<String>, suffix_bytes: Option<usize>) {
        if let Some(dropped) = self.open.touch(uri, text, suffix_bytes) {
            self.contexts.publish(&dropped.uri, None);
        }
    }

    /// Indexes the files of these folders and the open documents, and opens the environment that the setting names.
    fn read_workspace(&mut self, folders: Vec<PathBuf>, environment: String) {
        self.libraries = Libraries::open(environment, &folders);
        let vocabulary = self.completer.vocabulary();
        self.project
            .read_folders(vocabulary, folders, self.open.all());
        self.open.mark_all_stale();
    }

    /// Reads files that may be changed, new or deleted.
    fn reread(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.libraries.forget(&mut self.project.index, path);
            self.project.reread(self.completer.vocabulary(), path);
        }
        self.open.mark_all_stale();
    }

    /// Selects the contexts of stale documents, most recently edited first, and publishes those that have changed.
    fn refresh_contexts(&mut self) {
        for open in self.open.with_context() {
            if !std::mem::take(&mut open.is_stale) {
                continue;
            }
            let chosen = choose_context(
                &self.completer,
                &mut self.project,
                &mut self.libraries,
                open,
            );
            if let Some((fingerprint, context)) = chosen {
                open.fingerprint = Some(fingerprint);
                self.contexts.publish(&open.uri, context);
            }
        }
    }
}

/// Selects the project context of a document. Returns it with its fingerprint, or `None` if the fingerprint has not
/// changed. An empty context is returned as `None`.
fn choose_context(
    completer: &Completer,
    project: &mut ProjectFiles,
    libraries: &mut Libraries,
    open: &OpenDocument,
) -> Option<(u64, Option<Arc<ProjectContext>>)> {
    let vocabulary = completer.vocabulary();
    let imports = Imports::of_text(&open.text);
    let suffix_start = open.text.len().saturating_sub(open.suffix_bytes);
    let suffix = project.index.suffix(vocabulary, &open.text, suffix_start);
    let path = open.uri.to_file_path().map(Cow::into_owned);
    let path = path.and_then(|path| project.to_index_path(&path));
    let path = path.unwrap_or_default();
    let mut found = libraries.find(vocabulary, project, &imports);
    let file = path.rsplit('/').next().unwrap_or_default();
    let importable = ImportableModules {
        installed: libraries.top_modules(),
        own: project.index.top_modules(),
        document: file.strip_suffix(".py").unwrap_or(file).into(),
    };
    let imported = project.index.imported(&path, &imports);
    for path in &imported {
        found.submodules.extend(project.index.modules_in(path));
    }
    let selection = ContextSelection {
        suffix,
        near: project.index.nearest(&path, &imports),
        imported,
        libraries: found.paths.iter().map(|path| &**path).collect(),
        submodules: found.submodules,
        importable,
    };
    let fingerprint = project.index.state_of(&selection);
    if open.fingerprint == Some(fingerprint) {
        return None;
    }
    let context = project.index.surroundings(&path, &selection);
    let context = (!context.is_empty()).then(|| Arc::new(context));
    Some((fingerprint, context))
}

/// Lowers the thread's priority where the system supports it, so that indexing does not slow typing down.
pub(super) fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        debug!("cannot lower the thread's priority: {error}");
    }
}
