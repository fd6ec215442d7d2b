//! RequestRunner about documents: asked of the completer on the inference thread, and given up when they no longer count.

use std::sync::Arc;
use std::time::Instant;

use tower_lsp::ls_types::Uri;
use tracing::{debug, error};

use super::documents::Document;
use super::indexer::Indexer;
use super::inference::{self, Inference, Outcome};
use super::supersede::Supersede;
use crate::completion::{
    Completer, CompletionSession, Completions, InlineCompletion, NextTokens, Options,
};
use crate::inference::EngineError;

/// The model, and who waits for it.
pub struct RequestRunner {
    completer: Arc<Completer>,
    indexer: Indexer,
    inference: Inference<Uri, CompletionSession>,
    supersede: Supersede<(Uri, Method)>,
}

/// The answer of [`RequestRunner::complete`].
pub struct CompletionOutcome {
    pub completions: Completions,
    /// It rests on the last tokens alone: the rest had better be [read](RequestRunner::read) before the next question.
    pub is_early: bool,
}

/// Says whether an answer is no longer wanted.
type Stop<'a> = &'a dyn Fn() -> bool;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Method {
    /// `textDocument/completion`.
    Completion,
    /// `minicopilot/nextTokens`.
    NextTokens,
    /// `textDocument/inlineCompletion`.
    InlineCompletion,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// A newer one of its method was asked about the document, or the document was closed.
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
    /// RequestRunner to `completer`, whose network runs on the thread of `inference`.
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

    /// The candidates at a place in a document. Dropping the future takes the question back.
    pub async fn complete(
        &self,
        uri: Uri,
        document: &Document,
        cursor: usize,
        options: Options,
    ) -> Result<CompletionOutcome, RequestError> {
        let method = Method::Completion;
        self.supersede.cancel(&(uri.clone(), method));
        // Here and now, if that takes no arithmetic.
        let around = self.indexer.project_context(&uri);
        let at_once = self.inference.at_once(&uri, |session| {
            let stands = session.has_project_context(around.as_ref());
            let text = &document.text;
            let at_once = || {
                self.completer
                    .complete_at_once(session, text, cursor, &options)
            };
            stands.then(at_once)?
        });
        if let Some(completions) = at_once {
            let is_early = false;
            return Ok(CompletionOutcome {
                completions,
                is_early,
            });
        }
        let question = move |completer: &Completer,
                             session: &mut CompletionSession,
                             text: &str,
                             stop: Stop| {
            let early = completer.complete_early(session, text, cursor, &options)?;
            let is_early = early.is_some();
            let completions = match early {
                Some(early) => early,
                None if completer.read(session, text, cursor, stop)? => {
                    completer.complete(session, text, cursor, &options)?
                }
                None => return Ok(None),
            };
            Ok(Some(CompletionOutcome {
                completions,
                is_early,
            }))
        };
        self.ask(method, uri, document, question).await
    }

    /// The likeliest next tokens at a place in a document. Dropping the future takes the question back.
    pub async fn next_tokens(
        &self,
        uri: Uri,
        document: &Document,
        cursor: usize,
        k: usize,
    ) -> Result<NextTokens, RequestError> {
        let question = move |completer: &Completer,
                             session: &mut CompletionSession,
                             text: &str,
                             stop: Stop| {
            if !completer.read(session, text, cursor, stop)? {
                return Ok(None);
            }
            completer.next_tokens(session, text, cursor, k).map(Some)
        };
        self.ask(Method::NextTokens, uri, document, question).await
    }

    /// What the line at a place in a document goes on with, if it is at least so likely. Dropping the future takes the
    /// question back.
    pub async fn line(
        &self,
        uri: Uri,
        document: &Document,
        cursor: usize,
        likely: f32,
    ) -> Result<Option<InlineCompletion>, RequestError> {
        let question = move |completer: &Completer,
                             session: &mut CompletionSession,
                             text: &str,
                             stop: Stop| {
            let line = completer.line(session, text, cursor, likely, stop)?;
            Ok((!stop()).then_some(line))
        };
        self.ask(Method::InlineCompletion, uri, document, question)
            .await
    }

    /// Asks on the inference thread, and puts the question of the same method before it out of date. A question that
    /// takes long asks the function it is given whether to stop, so that nothing waits for what nobody wants any more, and
    /// then finds nothing.
    async fn ask<T: Send + 'static>(
        &self,
        method: Method,
        uri: Uri,
        document: &Document,
        question: impl FnOnce(
            &Completer,
            &mut CompletionSession,
            &str,
            Stop,
        ) -> Result<Option<T>, EngineError>
        + Send
        + 'static,
    ) -> Result<T, RequestError> {
        let outdated = self.supersede.start((uri.clone(), method));
        let completer = Arc::clone(&self.completer);
        let text = Arc::clone(&document.text);
        let (indexer, of) = (self.indexer.clone(), uri.clone());
        let asked = Instant::now();
        let answer = self.inference.ask(uri, move |session, stop| {
            session.set_project_context(indexer.project_context(&of));
            let queued = asked.elapsed();
            let answer = question(&completer, session, &text, stop);
            debug!(?method, ?queued, took = ?asked.elapsed(), "answered");
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
            // A job that panicked sends nothing.
            answer = answer => answer.unwrap_or(Err(RequestError::Failed)),
            _ = outdated => Err(RequestError::Outdated),
        }
    }

    /// Lets the model read a document up to a place while nobody asks anything.
    pub fn read_ahead(&self, uri: Uri, document: Document, cursor: usize) {
        // Most letters go on with a word and change nothing that was read: no thread need be woken for them, unless it
        // still reads what stood there before.
        let around = self.indexer.project_context(&uri);
        let is_read = |session: &mut CompletionSession| {
            let known = session.has_project_context(around.as_ref())
                && self.completer.is_read(session, &document.text, cursor);
            known.then_some(())
        };
        if !self.inference.has_read_all() || self.inference.at_once(&uri, is_read).is_none() {
            self.read(uri, document, cursor);
        }
    }

    /// Lets the model read a document up to a place, whatever that is, while nobody asks anything.
    pub fn read(&self, uri: Uri, document: Document, cursor: usize) {
        let completer = Arc::clone(&self.completer);
        let (indexer, of) = (self.indexer.clone(), uri.clone());
        self.inference.read_ahead(uri, move |session, stop| {
            session.set_project_context(indexer.project_context(&of));
            match completer.read(session, &document.text, cursor, stop) {
                Ok(true) => Outcome::Done,
                Ok(false) => Outcome::Stopped,
                Err(error) => {
                    error!("{error}");
                    Outcome::Failed
                }
            }
        });
    }

    /// Changes how many bytes what was read of all documents may take.
    pub fn set_memory(&self, bytes: usize) {
        self.inference.set_budget(bytes);
    }

    /// Forgets a document that was closed; who still asks about it is answered.
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
