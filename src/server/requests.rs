//! Runs requests about documents: the completer answers on the inference thread, and outdated requests are cancelled.

use std::sync::Arc;
use std::time::Instant;

use tower_lsp::ls_types::Uri;
use tracing::{debug, error};

use super::documents::Document;
use super::indexer::Indexer;
use super::inference::{self, Inference, Outcome};
use super::supersede::Supersede;
use crate::completion::{
    Answer, Completer, CompletionSession, Effort, InlineCompletion, NextTokens, Options,
};
use crate::inference::EngineError;

/// Runs requests, and reads documents before they are requested.
pub struct RequestRunner {
    completer: Arc<Completer>,
    indexer: Indexer,
    inference: Inference<Uri, CompletionSession>,
    supersede: Supersede<(Uri, Method)>,
}

/// The context of a request on the inference thread.
struct Job<'a> {
    completer: &'a Completer,
    session: &'a mut CompletionSession,
    text: &'a str,
    /// Returns whether the request has been cancelled.
    stop: &'a dyn Fn() -> bool,
}

/// Requests of different methods do not supersede each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Method {
    /// `textDocument/completion`.
    Completion,
    /// `minicopilot/nextTokens`.
    NextTokens,
    /// `textDocument/inlineCompletion`.
    InlineCompletion,
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// A newer request of the same method arrived for the document, or the document was closed.
    Outdated,
    /// The model failed; the log says how.
    Failed,
}

impl inference::Session for CompletionSession {
    fn bytes(&self) -> usize {
        self.bytes()
    }
}

impl RequestRunner {
    /// Runs requests with `completer` on the thread of `inference`.
    pub fn new(
        completer: Arc<Completer>,
        indexer: Indexer,
        inference: Inference<Uri, CompletionSession>,
    ) -> Self {
        Self {
            completer,
            indexer,
            inference,
            supersede: Supersede::default(),
        }
    }

    /// The thread that reads the project's files.
    pub fn indexer(&self) -> &Indexer {
        &self.indexer
    }

    /// The candidates at a byte offset of a document. Dropping the future cancels the request. After a
    /// [truncated](Answer::Truncated) answer, the document should be [read](RequestRunner::read).
    pub async fn complete(
        &self,
        uri: Uri,
        document: &Document,
        cursor: usize,
        options: Options,
    ) -> Result<Answer, RequestError> {
        let method = Method::Completion;
        self.supersede.cancel(&(uri.clone(), method));
        let complete = move |completer: &Completer,
                             session: &mut CompletionSession,
                             text: &str,
                             effort: Effort| {
            let answer = completer.complete(session, text, cursor, &options, effort)?;
            Ok((!matches!(answer, Answer::Unavailable)).then_some(answer))
        };
        // On this thread, if no network pass is needed.
        let context = self.indexer.project_context(&uri);
        let immediate = self.inference.try_run_now(&uri, |session| {
            if !session.has_project_context(context.as_ref()) {
                return None;
            }
            let answer = complete(&self.completer, session, &document.text, Effort::Immediate);
            // The inference thread reports the error.
            answer.ok().flatten()
        });
        if let Some(answer) = immediate {
            return Ok(answer);
        }
        let request = move |job: Job| {
            let stop = job.stop;
            complete(job.completer, job.session, job.text, Effort::Full { stop })
        };
        self.run(method, uri, document, request).await
    }

    /// The `k` most probable next tokens at a byte offset of a document. Dropping the future cancels the request.
    pub async fn next_tokens(
        &self,
        uri: Uri,
        document: &Document,
        cursor: usize,
        k: usize,
    ) -> Result<NextTokens, RequestError> {
        let request = move |job: Job| {
            let (completer, session) = (job.completer, job.session);
            completer.next_tokens(session, job.text, cursor, k, job.stop)
        };
        self.run(Method::NextTokens, uri, document, request).await
    }

    /// The rest of the line at a byte offset of a document, if its probability is at least `min_probability`. Dropping the
    /// future cancels the request.
    pub async fn line(
        &self,
        uri: Uri,
        document: &Document,
        cursor: usize,
        min_probability: f32,
    ) -> Result<Option<InlineCompletion>, RequestError> {
        let request = move |job: Job| {
            let (completer, session, stop) = (job.completer, job.session, job.stop);
            let line = completer.line(session, job.text, cursor, min_probability, stop)?;
            Ok((!stop()).then_some(line))
        };
        self.run(Method::InlineCompletion, uri, document, request)
            .await
    }

    /// Runs a request on the inference thread and cancels the older request of the same method. A long request must
    /// poll [`Job::stop`] and return `None` once it is true, so that no other request waits for an outdated one.
    async fn run<T: Send + 'static>(
        &self,
        method: Method,
        uri: Uri,
        document: &Document,
        request: impl FnOnce(Job) -> Result<Option<T>, EngineError> + Send + 'static,
    ) -> Result<T, RequestError> {
        let outdated = self.supersede.start((uri.clone(), method));
        let completer = Arc::clone(&self.completer);
        let text = Arc::clone(&document.text);
        let (indexer, of_uri) = (self.indexer.clone(), uri.clone());
        let arrived = Instant::now();
        let answer = self.inference.submit(uri, move |session, stop| {
            session.set_project_context(indexer.project_context(&of_uri));
            let queued = arrived.elapsed();
            let answer = request(Job {
                completer: &completer,
                session,
                text: &text,
                stop,
            });
            debug!(?method, ?queued, took = ?arrived.elapsed(), "answered");
            match answer {
                Ok(Some(found)) => (Ok(found), Outcome::Done),
                Ok(None) => (Err(RequestError::Outdated), Outcome::Done),
                Err(error) => {
                    error!("{error}");
                    (Err(RequestError::Failed), Outcome::Failed)
                }
            }
        });
        tokio::select! {
            biased;
            // A job that panics drops its sender.
            answer = answer => answer.unwrap_or(Err(RequestError::Failed)),
            _ = outdated => Err(RequestError::Outdated),
        }
    }

    /// Lets the model read a document up to a byte offset while no request is queued, unless it has already been read.
    pub fn read_ahead(&self, uri: Uri, document: Document, cursor: usize) {
        // Most keystrokes continue a word and change no token that the model reads, so they do not wake the thread
        // unless it is still reading an older text.
        let context = self.indexer.project_context(&uri);
        let is_read = |session: &mut CompletionSession| {
            let (completer, text) = (&self.completer, &document.text);
            let is_read = session.has_project_context(context.as_ref())
                && matches!(
                    completer.read(session, text, cursor, Effort::Immediate),
                    Ok(true)
                );
            is_read.then_some(())
        };
        if !self.inference.has_read_all() || self.inference.try_run_now(&uri, is_read).is_none() {
            self.read(uri, document, cursor);
        }
    }

    /// Lets the model read a document up to a byte offset while no request is queued.
    pub fn read(&self, uri: Uri, document: Document, cursor: usize) {
        let completer = Arc::clone(&self.completer);
        let (indexer, of_uri) = (self.indexer.clone(), uri.clone());
        self.inference.read_ahead(uri, move |session, stop| {
            session.set_project_context(indexer.project_context(&of_uri));
            match completer.read(session, &document.text, cursor, Effort::Full { stop }) {
                Ok(true) => Outcome::Done,
                Ok(false) => Outcome::Stopped,
                Err(error) => {
                    error!("{error}");
                    Outcome::Failed
                }
            }
        });
    }

    /// Changes the memory budget of the model's states of all documents, in bytes.
    pub fn set_memory(&self, bytes: usize) {
        self.inference.set_budget(bytes);
    }

    /// Drops the state of a closed document and cancels its requests.
    pub fn forget(&self, uri: Uri) {
        for method in [
            Method::Completion,
            Method::NextTokens,
            Method::InlineCompletion,
        ] {
            self.supersede.cancel(&(uri.clone(), method));
        }
        self.inference.forget(uri);
    }
}
