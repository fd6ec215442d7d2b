//! The protocol's methods: convert in, one question to the completer, convert out.
//!
//! Documents change before anything is awaited, and the lock is never held over an await, so that an edit counts for
//! every request that the client sent after it. The model runs on the inference thread alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CompletionContext, CompletionList, CompletionParams, CompletionResponse, CompletionTriggerKind,
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, InitializeParams, InitializeResult, InitializedParams, MessageType,
    Position, TextDocumentPositionParams, Uri,
};
use tower_lsp::{Client, LanguageServer};
use tracing::{error, warn};

use super::capabilities;
use super::convert::{NextTokensAnswer, Style, completion_list, next_tokens, offset};
use super::documents::{Document, Documents};
use super::inference::{Inference, Outcome};
use super::latest::Latest;
use super::parent;
use super::settings::Settings;
use crate::completer::Completer;
use crate::engine::{EngineError, Session};

/// The language server.
pub struct Backend {
    client: Client,
    completer: Arc<Completer>,
    inference: Inference<Uri, Session>,
    latest: Latest<(Uri, Method)>,
    state: Mutex<State>,
    /// The client has asked for the end, and `exit` may follow.
    shut_down: Arc<AtomicBool>,
}

/// What messages change.
#[derive(Default)]
struct State {
    documents: Documents,
    settings: Settings,
    /// What was wrong with the first settings, until the client may be told.
    warnings: Vec<String>,
    style: Style,
}

/// What is asked about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Method {
    Completion,
    NextTokens,
}

/// Why a question has no answer.
enum NoAnswer {
    /// A newer one of its method was asked.
    Outdated,
    /// The model failed; the log says how.
    Failed,
}

/// A place in a document as it was when a request came.
struct Place {
    document: Document,
    cursor: usize,
    settings: Settings,
    style: Style,
}

/// The parameters of `minicopilot/nextTokens`.
#[derive(Debug, Deserialize)]
pub struct NextTokensParams {
    #[serde(flatten)]
    at: TextDocumentPositionParams,
    k: usize,
}

impl Backend {
    /// A server for one client. `shut_down` becomes true when the client asks for the end.
    pub fn new(
        client: Client,
        completer: Completer,
        inference: Inference<Uri, Session>,
        shut_down: Arc<AtomicBool>,
    ) -> Self {
        Self {
            client,
            completer: Arc::new(completer),
            inference,
            latest: Latest::default(),
            state: Mutex::default(),
            shut_down,
        }
    }

    /// `minicopilot/nextTokens`: the raw distribution over the next token.
    pub async fn next_tokens(&self, params: NextTokensParams) -> Result<NextTokensAnswer> {
        let uri = params.at.text_document.uri;
        let Some(place) = self.place(&uri, params.at.position) else {
            return Err(Error::invalid_params(format!(
                "{} is not open",
                uri.as_str()
            )));
        };
        let (text, cursor) = (Arc::clone(&place.document.text), place.cursor);
        let asked = self.ask(
            Method::NextTokens,
            uri,
            &place,
            move |completer, session| completer.next_tokens(session, &text, cursor, params.k),
        );
        match asked.await {
            Ok(found) => Ok(next_tokens(&place.document, found)),
            Err(NoAnswer::Outdated) => Ok(NextTokensAnswer::none(&place.document)),
            Err(NoAnswer::Failed) => Err(Error::internal_error()),
        }
    }

    /// Puts a question about a place to the inference thread. It is abandoned as soon as a newer one of its method comes
    /// for the same document, or the client cancels it, which drops this future.
    async fn ask<T: Send + 'static>(
        &self,
        method: Method,
        uri: Uri,
        place: &Place,
        question: impl FnOnce(&Completer, &mut Session) -> std::result::Result<T, EngineError>
        + Send
        + 'static,
    ) -> std::result::Result<T, NoAnswer> {
        let outdated = self.latest.begin((uri.clone(), method));
        let completer = Arc::clone(&self.completer);
        let (text, cursor) = (Arc::clone(&place.document.text), place.cursor);
        let answer = self.inference.ask(uri, move |session, stop| {
            // A long document is read in pieces, so that nothing waits for a question that nobody asks any more.
            let read = completer.read(session, &text, cursor, stop);
            let answer = match read {
                Ok(false) => return (None, Outcome::Done),
                Ok(true) => question(&completer, session),
                Err(error) => Err(error),
            };
            let outcome = if answer.is_ok() {
                Outcome::Done
            } else {
                Outcome::Failed
            };
            (Some(answer), outcome)
        });
        tokio::select! {
            biased;
            answer = answer => match answer {
                Ok(Some(Ok(found))) => Ok(found),
                Ok(Some(Err(error))) => {
                    error!("{error}");
                    Err(NoAnswer::Failed)
                }
                Ok(None) => Err(NoAnswer::Outdated),
                Err(_) => Err(NoAnswer::Failed),
            },
            _ = outdated => Err(NoAnswer::Outdated),
        }
    }

    /// Lets the model read a document up to a place while nobody asks anything.
    fn read_ahead(&self, uri: Uri, document: Document, cursor: usize) {
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

    fn place(&self, uri: &Uri, position: Position) -> Option<Place> {
        let state = self.state();
        let document = state.documents.get(uri)?;
        Some(Place {
            cursor: offset(&document.text, position, state.style.encoding),
            document,
            settings: state.settings.clone(),
            style: state.style,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn warn_user(&self, warnings: Vec<String>) {
        for warning in warnings {
            warn!("{warning}");
            let message = format!("minicopilot: {warning}");
            self.client
                .show_message(MessageType::WARNING, message)
                .await;
        }
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if let Some(id) = params.process_id {
            parent::exit_with(id);
        }
        let style = capabilities::style(&params.capabilities);
        let mut state = self.state();
        let raw = params.initialization_options.unwrap_or(Value::Null);
        state.settings = Settings::resolve(&raw, &mut state.warnings);
        state.style = style;
        Ok(capabilities::answer(style, &state.settings))
    }

    async fn initialized(&self, _: InitializedParams) {
        let warnings = std::mem::take(&mut self.state().warnings);
        self.warn_user(warnings).await;
    }

    async fn shutdown(&self) -> Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        let mut warnings = Vec::new();
        let settings = Settings::resolve(&params.settings, &mut warnings);
        self.state().settings = settings;
        self.warn_user(warnings).await;
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let opened = params.text_document;
        let document = self
            .state()
            .documents
            .open(&opened.uri, opened.version, opened.text);
        let end = document.text.len();
        self.read_ahead(opened.uri, document, end);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let changed = params.text_document;
        let mut state = self.state();
        let encoding = state.style.encoding;
        let edited = state.documents.change(
            &changed.uri,
            changed.version,
            params.content_changes,
            encoding,
        );
        drop(state);
        // As far as the last edit, where the cursor most likely is: what comes after it is not asked about yet.
        if let Some((document, end)) = edited {
            self.read_ahead(changed.uri, document, end);
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        self.state().documents.close(&uri);
        for method in [Method::Completion, Method::NextTokens] {
            self.latest.end(&(uri.clone(), method));
        }
        self.inference.forget(uri);
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let empty = || CompletionList {
            is_incomplete: true,
            items: Vec::new(),
        };
        let uri = params.text_document_position.text_document.uri;
        let Some(place) = self.place(&uri, params.text_document_position.position) else {
            warn!(
                "completion was asked for {}, which is not open",
                uri.as_str()
            );
            return Ok(Some(empty().into()));
        };
        let Some(least) = least_probability(params.context.as_ref(), &place.settings) else {
            return Ok(Some(empty().into()));
        };
        let (text, cursor) = (Arc::clone(&place.document.text), place.cursor);
        let options = place.settings.completer_options();
        let asked = self.ask(
            Method::Completion,
            uri,
            &place,
            move |completer, session| completer.complete(session, &text, cursor, &options),
        );
        let list = match asked.await {
            Ok(found)
                if found
                    .items
                    .first()
                    .is_some_and(|first| first.probability >= least) =>
            {
                completion_list(&place.document.text, found, place.style)
            }
            // An outdated request and one that failed are answered too: an editor shows an error to its user.
            Ok(_) | Err(NoAnswer::Outdated | NoAnswer::Failed) => empty(),
        };
        Ok(Some(list.into()))
    }
}

/// What the first candidate must promise for a list to be shown; `None` if none is wanted.
fn least_probability(context: Option<&CompletionContext>, settings: &Settings) -> Option<f32> {
    let typed =
        context.filter(|context| context.trigger_kind == CompletionTriggerKind::TRIGGER_CHARACTER);
    match typed.and_then(|context| context.trigger_character.as_ref()) {
        // A client may go on with characters that the settings have taken back.
        Some(character) if !settings.trigger_characters.contains(character) => None,
        Some(character) if character == " " => Some(settings.min_probability),
        _ => Some(0.0),
    }
}
