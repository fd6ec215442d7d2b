//! The handle to the indexer thread.

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

/// A handle to the indexer thread, which ends when the last handle is dropped.
#[derive(Clone)]
pub struct Indexer {
    messages: Sender<Message>,
    contexts: Contexts,
}

impl Indexer {
    /// Starts the thread with an empty index.
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

    /// Indexes the Python files of a scope. Replaces the current index.
    pub fn index(&self, scope: IndexScope) {
        self.send(Message::Index(scope));
    }

    /// Sends the text of a document that was opened, edited or saved. The thread will select its context again.
    pub fn document_edited(&self, uri: &Uri, text: &Arc<String>) {
        self.contexts.add(uri);
        self.send(Message::DocumentEdited(uri.clone(), Arc::clone(text)));
    }

    /// Sends a document's text and the byte offset where the edited line ends. The thread will select its context
    /// again.
    pub fn line_edited(&self, uri: &Uri, text: &Arc<String>, line_end: usize) {
        self.contexts.add(uri);
        self.send(Message::LineEdited(uri.clone(), Arc::clone(text), line_end));
    }

    /// Tells the thread that a document was closed.
    pub fn document_closed(&self, uri: &Uri) {
        self.contexts.remove(uri);
        self.send(Message::DocumentClosed(uri.clone()));
    }

    /// Tells the thread that files were changed, created or deleted on disk.
    pub fn files_changed(&self, paths: Vec<PathBuf>) {
        self.send(Message::FilesChanged(paths));
    }

    /// The project context of a document, if one has been published.
    pub fn project_context(&self, uri: &Uri) -> Option<Arc<ProjectContext>> {
        self.contexts.get(uri)
    }

    /// Waits until all earlier messages have been processed.
    pub async fn settled(&self) -> Status {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::Settle(sender));
        receiver.await.unwrap_or_default()
    }

    fn send(&self, message: Message) {
        // If the thread is gone, documents have no project context.
        let _ = self.messages.send(message);
    }
}
