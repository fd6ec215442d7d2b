//! Questions about documents: asked of the completer on the inference thread, and given up when they no longer count.

use std::sync::Arc;
use std::time::Instant;

use tower_lsp::ls_types::Uri;
use tracing::{debug, error};

use super::documents::Document;
use super::inference::{self, Inference, Outcome};
use super::latest::Latest;
use crate::completer::{Completer, Session};
use crate::engine::EngineError;

/// The model, and who waits for it.
pub struct Questions {
    completer: Arc<Completer>,
    inference: Inference<Uri, Session>,
    latest: Latest<(Uri, Method)>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `textDocument/completion`.
    Completion,
    /// `minicopilot/nextTokens`.
    NextTokens,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// A newer one of its method was asked about the document, or the document was closed.
    Outdated,
    /// The model failed; the log says how.
    Failed,
}

impl inference::Session for Session {
    fn bytes(&self) -> usize {
        self.bytes()
    }
}

impl Questions {
    /// Questions to `completer`, whose network runs on the thread of `inference`.
    pub fn new(completer: Completer, inference: Inference<Uri, Session>) -> Self {
        Self {
            completer: Arc::new(completer),
            inference,
            latest: Latest::default(),
        }
    }

    /// Asks about a place in a document, and puts the question of the same method before it out of date. Dropping the
    /// future takes the question back.
    pub async fn ask<T: Send + 'static>(
        &self,
        method: Method,
        uri: Uri,
        document: &Document,
        cursor: usize,
        question: impl FnOnce(&Completer, &mut Session, &str) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let outdated = self.latest.begin((uri.clone(), method));
        let completer = Arc::clone(&self.completer);
        let text = Arc::clone(&document.text);
        let asked = Instant::now();
        let answer = self.inference.ask(uri, move |session, stop| {
            let queued = asked.elapsed();
            // A long text is read in pieces, so that nothing waits for a question that nobody asks any more.
            let answer = match completer.read(session, &text, cursor, stop) {
                Ok(true) => question(&completer, session, &text),
                Ok(false) => return (Err(NoAnswer::Outdated), Outcome::Done),
                Err(error) => Err(error),
            };
            debug!(?method, ?queued, took = ?asked.elapsed(), "answered");
            match answer {
                Ok(found) => (Ok(found), Outcome::Done),
                Err(error) => {
                    error!("{error}");
                    (Err(NoAnswer::Failed), Outcome::Failed)
                }
            }
        });
        tokio::select! {
            biased;
            // A job that panicked sends nothing.
            answer = answer => answer.unwrap_or(Err(NoAnswer::Failed)),
            _ = outdated => Err(NoAnswer::Outdated),
        }
    }

    /// Answers here and now, if `question` finds that it takes no arithmetic. Questions of the method before it are out
    /// of date in either case.
    pub fn ask_at_once<T>(
        &self,
        method: Method,
        uri: &Uri,
        document: &Document,
        question: impl FnOnce(&Completer, &mut Session, &str) -> Option<T>,
    ) -> Option<T> {
        self.latest.end(&(uri.clone(), method));
        self.inference.at_once(uri, |session| {
            question(&self.completer, session, &document.text)
        })
    }

    /// Lets the model read a document up to a place while nobody asks anything.
    pub fn read_ahead(&self, uri: Uri, document: Document, cursor: usize) {
        // Most letters go on with a word and change nothing that was read: no thread need be woken for them, unless it
        // still reads what stood there before.
        let is_read = |session: &mut Session| {
            let known = self.completer.is_read(session, &document.text, cursor);
            known.then_some(())
        };
        if self.inference.has_read_all() && self.inference.at_once(&uri, is_read).is_some() {
            return;
        }
        let completer = Arc::clone(&self.completer);
        self.inference.read_ahead(uri, move |session, stop| {
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

    /// Forgets a document that was closed; who still asks about it is answered.
    pub fn forget(&self, uri: Uri) {
        for method in [Method::Completion, Method::NextTokens] {
            self.latest.end(&(uri.clone(), method));
        }
        self.inference.forget(uri);
    }
}
