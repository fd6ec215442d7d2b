//! The handle to the indexer's thread.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::oneshot;
use tower_lsp::ls_types::Uri;

use super::contexts::Contexts;
use super::message::{IndexScope, Message, Status};
use super::thread::{IndexerThread, lower_priority};
use crate::completion::Completer;
use crate::context::ProjectContext;

/// A handle to the thread, which ends when the last handle is dropped.
#[derive(Clone)]
pub struct Indexer {
    messages: Sender<Message>,
    contexts: Contexts,
}

impl Indexer {
    /// Starts the thread, with no folders yet.
    pub fn start(completer: Arc<Completer>) -> io::Result<Self> {
        let (messages, received) = channel();
        let contexts = Contexts::default();
        let thread = IndexerThread::new(completer, contexts.clone());
        thread::Builder::new()
            .name("indexer".to_owned())
            .spawn(move || {
                lower_priority();
                thread.run(&received);
            })?;
        Ok(Self { messages, contexts })
    }

    /// Reads the Python files of a scope, in place of those that were indexed.
    pub fn index(&self, scope: IndexScope) {
        self.send(Message::Index(scope));
    }

    /// A document was opened, edited or saved, and has this text. Its context is chosen soon.
    pub fn document_edited(&self, uri: &Uri, text: &Arc<String>) {
        self.contexts.add(uri);
        self.send(Message::DocumentEdited(uri.clone(), Arc::clone(text)));
    }

    /// A document has this text, and the line that ends at this byte offset is being edited. Its context is chosen soon.
    pub fn line_edited(&self, uri: &Uri, text: &Arc<String>, line_end: usize) {
        self.contexts.add(uri);
        self.send(Message::LineEdited(uri.clone(), Arc::clone(text), line_end));
    }

    /// A document was closed.
    pub fn document_closed(&self, uri: &Uri) {
        self.contexts.remove(uri);
        self.send(Message::DocumentClosed(uri.clone()));
    }

    /// Files were changed, created or deleted on the disk.
    pub fn files_changed(&self, paths: Vec<PathBuf>) {
        self.send(Message::FilesChanged(paths));
    }

    /// The project context of a document, if one has been chosen.
    pub fn project_context(&self, uri: &Uri) -> Option<Arc<ProjectContext>> {
        self.contexts.get(uri)
    }

    /// Waits until every message sent so far has been dealt with.
    pub async fn settled(&self) -> Status {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::Settle(sender));
        receiver.await.unwrap_or_default()
    }

    fn send(&self, message: Message) {
        // Should the thread be gone, documents have no project context.
        let _ = self.messages.send(message);
    }
}
