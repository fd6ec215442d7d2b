//! The protocol's methods: convert in, one question to the completer, convert out.
//!
//! Documents change before anything is awaited, and the lock is never held over an await, so that an edit counts for
//! every request that the client sent after it. The model runs on threads of its own.

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
use tracing::{debug_span, warn};

use super::capabilities;
use super::convert::{NextTokensAnswer, Style, completion_list, next_tokens, offset};
use super::documents::{Document, Documents};
use super::parent;
use super::questions::{Found, NoAnswer, Questions};
use super::settings::Settings;

/// The language server.
pub struct Backend {
    client: Client,
    questions: Questions,
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
    pub fn new(client: Client, questions: Questions, shut_down: Arc<AtomicBool>) -> Self {
        Self {
            client,
            questions,
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
        let Place {
            document, cursor, ..
        } = place;
        let asked = self.questions.next_tokens(uri, &document, cursor, params.k);
        match asked.await {
            Ok(found) => Ok(next_tokens(&document, found)),
            Err(NoAnswer::Outdated) => Ok(NextTokensAnswer::none(&document)),
            Err(NoAnswer::Failed) => Err(Error::internal_error()),
        }
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
        self.questions.set_memory(state.settings.session_bytes());
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
        // What a client sends that has settings for us but leaves them to be asked for.
        if params.settings.is_null() {
            return;
        }
        let mut warnings = Vec::new();
        let settings = Settings::resolve(&params.settings, &mut warnings);
        self.questions.set_memory(settings.session_bytes());
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
        self.questions.read_ahead(opened.uri, document, end);
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
            self.questions.read_ahead(changed.uri, document, end);
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        self.state().documents.close(&uri);
        self.questions.forget(uri);
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
        let Place {
            document,
            cursor,
            settings,
            style,
        } = place;
        let options = settings.completer_options();
        let asked = self
            .questions
            .complete(uri.clone(), &document, cursor, options);
        let answer = asked.await;
        if answer.as_ref().is_ok_and(|found| found.is_early) {
            // Unless it has changed meanwhile, and is being read as it is now.
            let now = self.state().documents.get(&uri);
            if now.is_some_and(|now| now.version == document.version) {
                self.questions.read(uri, document.clone(), cursor);
            }
        }
        let list = match answer {
            Ok(Found {
                completions: found, ..
            }) if found
                .items
                .first()
                .is_some_and(|first| first.probability >= least) =>
            {
                let _span = debug_span!("convert").entered();
                completion_list(&document.text, found, style)
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
