//! The indexer's thread: takes one message after another, and chooses contexts once no more arrive for a while.

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

/// How long changes are gathered before contexts are chosen anew.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// The number of changed files above which the whole workspace is read again, rather than file by file.
const MAX_SINGLE_REREADS: usize = 32;

/// What the thread owns.
pub(super) struct IndexerThread {
    completer: Arc<Completer>,
    project: ProjectFiles,
    libraries: Libraries,
    open: OpenDocuments,
    contexts: Contexts,
}

impl IndexerThread {
    /// Without folders and documents; publishes to `contexts`.
    pub(super) fn new(completer: Arc<Completer>, contexts: Contexts) -> Self {
        Self {
            project: ProjectFiles::new(completer.vocabulary()),
            completer,
            libraries: Libraries::none(),
            open: OpenDocuments::default(),
            contexts,
        }
    }

    /// Works until the last sender is gone.
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
            // Unwind safety: what may be half-written is the index, and that is thrown away.
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
                // After a wait for the whole project there is no further wait.
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
                let bytes_below = text.len() - line_end;
                self.touch(uri, text, Some(bytes_below));
            }
            Message::DocumentClosed(uri) => {
                self.open.close(&uri);
                // The index may have text of it that was not saved.
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
                // The receiver may be gone.
                let _ = sender.send(status);
            }
        }
    }

    /// Makes a document the one edited last; the one edited longest ago may lose its context.
    fn touch(&mut self, uri: Uri, text: Arc<String>, bytes_below: Option<usize>) {
        if let Some(dropped) = self.open.touch(uri, text, bytes_below) {
            self.contexts.publish(&dropped.uri, None);
        }
    }

    /// Reads the files of these folders and of the open documents, and finds the environment that the setting names.
    fn read_workspace(&mut self, folders: Vec<PathBuf>, environment: String) {
        self.libraries = Libraries::open(environment, &folders);
        let vocabulary = self.completer.vocabulary();
        self.project
            .read_folders(vocabulary, folders, self.open.all());
        self.open.mark_all_stale();
    }

    /// Reads files again that may have changed, be new or be gone.
    fn reread(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.libraries.forget(&mut self.project.index, path);
            self.project.reread(self.completer.vocabulary(), path);
        }
        self.open.mark_all_stale();
    }

    /// Chooses the contexts of the stale documents, the one edited last first, and publishes those that differ.
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

/// The project context of a document and its fingerprint, if that is not the one that the document has. An empty context is
/// none.
fn choose_context(
    completer: &Completer,
    project: &mut ProjectFiles,
    libraries: &mut Libraries,
    open: &OpenDocument,
) -> Option<(u64, Option<Arc<ProjectContext>>)> {
    let vocabulary = completer.vocabulary();
    let imports = Imports::of_text(&open.text);
    let below_begins = open.text.len().saturating_sub(open.bytes_below);
    let below = project.index.below(vocabulary, &open.text, below_begins);
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
        below,
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

/// Lowers this thread's priority where a thread can have one of its own, so that reading files does not slow typing down.
pub(super) fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        debug!("cannot lower the thread's priority: {error}");
    }
}
