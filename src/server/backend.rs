//! The protocol's methods: convert in, one question to the completer, convert out.
//!
//! Documents change before anything is awaited, and the lock is never held over an await, so that an edit counts for
//! every request that the client sent after it. The model runs on threads of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CompletionContext, CompletionList, CompletionParams, CompletionResponse, CompletionTriggerKind,
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, InitializeParams, InitializeResult, InitializedParams,
    InlineCompletionParams, InlineCompletionResponse, MessageType, Position,
    TextDocumentPositionParams, Uri,
};
use tower_lsp::{Client, LanguageServer};
use tracing::{debug_span, warn};

use super::capabilities;
use super::client_process::exit_when_client_dies;
use super::convert::{
    NextTokensAnswer, Style, completion_list, inline_completion, next_tokens, offset,
};
use super::documents::{Document, Documents};
use super::indexer::Status;
use super::requests::{CompletionOutcome, RequestError, RequestRunner};
use super::settings::Settings;
use crate::workspace::environment;

/// The language server.
pub struct Backend {
    client: Client,
    questions: RequestRunner,
    state: Mutex<State>,
    /// The client has asked for the end, and `exit` may follow.
    shut_down: Arc<AtomicBool>,
}

/// What messages change.
#[derive(Default)]
struct State {
    documents: Documents,
    settings: Settings,
    /// What `initializationOptions` said: what holds wherever a later notification says nothing.
    first_settings: Settings,
    /// What is wrong with the settings as they are now. A client that sends all of them with each change is told once.
    warnings: Vec<String>,
    style: Style,
    /// The workspace's, as paths.
    folders: Vec<PathBuf>,
    /// The open document that was edited last, and how many bytes stand below the line where it was.
    edited: Option<(Uri, usize)>,
    /// Whether the client can be asked to watch files.
    watches: bool,
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
    pub fn new(client: Client, questions: RequestRunner, shut_down: Arc<AtomicBool>) -> Self {
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
            Err(RequestError::Outdated) => Ok(NextTokensAnswer::none(&document)),
            Err(RequestError::Failed) => Err(Error::internal_error()),
        }
    }

    /// `minicopilot/project`: what has been read of the project, once all that was said so far has been.
    pub async fn project(&self) -> Result<Status> {
        Ok(self.questions.workspace().settled().await)
    }

    /// Reads the workspace, as the settings want it.
    fn open_workspace(&self) {
        let state = self.state();
        let (folders, budget, environment) = match state.settings.project_bytes() {
            Some(budget) => (
                state.folders.clone(),
                budget,
                state.settings.python_environment.clone(),
            ),
            None => (Vec::new(), 0, environment::NONE.to_owned()),
        };
        self.questions
            .workspace()
            .open(folders, budget, environment);
    }

    /// `textDocument/inlineCompletion`: what the line goes on with. The framework has the types, but no method of its own yet.
    pub async fn inline_completion(
        &self,
        params: InlineCompletionParams,
    ) -> Result<InlineCompletionResponse> {
        let uri = params.text_document_position.text_document.uri;
        let Some(place) = self.place(&uri, params.text_document_position.position) else {
            warn!(
                "a line was asked for in {}, which is not open",
                uri.as_str()
            );
            return Ok(InlineCompletionResponse::Array(Vec::new()));
        };
        let Place {
            document,
            cursor,
            settings,
            style,
        } = place;
        let asked = self
            .questions
            .line(uri, &document, cursor, settings.inline_min_probability);
        let line = asked.await.ok().flatten();
        // Empty rather than null, which some editors take for no answer: what they show would stay.
        Ok(match line {
            Some(line) => inline_completion(&document.text, line, style),
            None => InlineCompletionResponse::Array(Vec::new()),
        })
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

    /// Tells the user what could not be read of the project, once all is.
    async fn warn_of_project(&self) {
        let status = self.questions.workspace().settled().await;
        let mut warnings = Vec::new();
        {
            let settings = &self.state().settings;
            if status.is_full {
                warnings.push(format!(
                    "the workspace needs more than {} MB: some of its files are not indexed (setting `workspaceMemoryMb`)",
                    settings.workspace_memory_mb
                ));
            }
            if status.lacks_environment {
                warnings.push(format!(
                    "no Python modules in {} (setting `pythonEnvironment`): name the folder of a virtual environment, or the one \
                     that holds `bin` and `lib`",
                    settings.python_environment
                ));
            }
        }
        self.warn_user(warnings).await;
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
            exit_when_client_dies(id);
        }
        let style = capabilities::style(&params.capabilities);
        let mut state = self.state();
        let raw = params
            .initialization_options
            .as_ref()
            .unwrap_or(&Value::Null);
        state.first_settings = Settings::resolve(raw, &mut state.warnings);
        state.settings = state.first_settings.clone();
        self.questions.set_memory(state.settings.session_bytes());
        state.style = style;
        state.folders = capabilities::folders(&params);
        state.watches = capabilities::watches_files(&params.capabilities);
        let answer = capabilities::answer(style, &state.settings);
        drop(state);
        self.open_workspace();
        Ok(answer)
    }

    async fn initialized(&self, _: InitializedParams) {
        let (warnings, watches) = {
            let state = self.state();
            (state.warnings.clone(), state.watches)
        };
        self.warn_user(warnings).await;
        let registered = if watches {
            self.client
                .register_capability(vec![capabilities::watching()])
                .await
        } else {
            Ok(())
        };
        if let Err(error) = registered {
            warn!("the client does not watch files: {error}");
        }
        self.warn_of_project().await;
    }

    async fn shutdown(&self) -> Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// A notification says all that differs from `initializationOptions`: the one before it no longer counts, so that a
    /// setting which the user has removed is again what it was. VS Code sends every setting each time; Neovim what its
    /// configuration holds under `settings`, and Emacs the parts of all servers, which may be nothing of ours.
    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        // What a client sends that has settings for us but leaves them to be asked for.
        if params.settings.is_null() {
            return;
        }
        let mut warnings = Vec::new();
        let (before, settings) = {
            let mut state = self.state();
            let settings = state
                .first_settings
                .changed(&params.settings, &mut warnings);
            let told = std::mem::replace(&mut state.warnings, warnings.clone());
            warnings.retain(|warning| !told.contains(warning));
            (
                std::mem::replace(&mut state.settings, settings.clone()),
                settings,
            )
        };
        self.questions.set_memory(settings.session_bytes());
        let project = |settings: &Settings| {
            (
                settings.project_bytes(),
                settings.python_environment.clone(),
            )
        };
        let is_another = project(&before) != project(&settings);
        if is_another {
            self.open_workspace();
        }
        self.warn_user(warnings).await;
        if is_another {
            self.warn_of_project().await;
        }
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let opened = params.text_document;
        let document = self
            .state()
            .documents
            .open(&opened.uri, opened.version, opened.text);
        let end = document.text.len();
        self.questions
            .workspace()
            .edited(&opened.uri, &document.text);
        self.questions.read_ahead(opened.uri, document, end);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let changed = params.text_document;
        let mut state = self.state();
        let encoding = state.style.encoding;
        let edits = params.content_changes.len();
        let mut texts = params.content_changes.iter().map(|change| &change.text);
        let brings_imports = texts.any(|text| text.contains("import "));
        let edited = state.documents.change(
            &changed.uri,
            changed.version,
            params.content_changes,
            encoding,
        );
        let Some((document, end)) = edited else {
            return;
        };
        let text = &document.text;
        let line_end = match text[end..].find('\n') {
            Some(at) if state.settings.use_suffix_context => end + at + 1,
            _ => text.len(),
        };
        let place = (changed.uri.clone(), text.len() - line_end);
        let left = state.edited.replace(place.clone());
        // Of several edits some may lie below.
        let has_moved = left.as_ref() != Some(&place) || edits > 1;
        let left = left.filter(|(left, _)| *left != changed.uri);
        let left = left.and_then(|(left, _)| Some((state.documents.get(&left)?, left)));
        drop(state);
        let workspace = self.questions.workspace();
        if let Some((left, uri)) = &left {
            workspace.edited(uri, &left.text);
        }
        if has_moved || brings_imports || imports_at(text, end) {
            workspace.moved(&changed.uri, text, line_end);
        }
        // As far as the last edit, where the cursor most likely is: what comes after it is not asked about yet.
        self.questions.read_ahead(changed.uri, document, end);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        {
            let mut state = self.state();
            state.documents.close(&uri);
            state.edited.take_if(|(edited, _)| *edited == uri);
        }
        self.questions.workspace().closed(&uri);
        self.questions.forget(uri);
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        let uri = params.text_document.uri;
        let document = self.state().documents.get(&uri);
        if let Some(document) = document {
            self.questions.workspace().edited(&uri, &document.text);
        }
        self.questions.workspace().changed(paths([&uri]));
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let changed = params.changes.iter().map(|change| &change.uri);
        // What is open is as the editor has it, whatever lies on the disk.
        let closed = {
            let state = self.state();
            changed
                .filter(|uri| state.documents.get(uri).is_none())
                .collect::<Vec<_>>()
        };
        self.questions.workspace().changed(paths(closed));
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let removed = paths(params.event.removed.iter().map(|folder| &folder.uri));
        let added = paths(params.event.added.iter().map(|folder| &folder.uri));
        {
            let mut state = self.state();
            state.folders.retain(|folder| !removed.contains(folder));
            state.folders.extend(added);
        }
        self.open_workspace();
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
            Ok(CompletionOutcome {
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
            Ok(_) | Err(RequestError::Outdated | RequestError::Failed) => empty(),
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
        Some(character) if character == " " => Some(settings.space_min_probability),
        _ => Some(0.0),
    }
}

/// The files among some addresses.
fn paths<'a>(uris: impl IntoIterator<Item = &'a Uri>) -> Vec<PathBuf> {
    let paths = uris.into_iter().filter_map(Uri::to_file_path);
    paths.map(std::borrow::Cow::into_owned).collect()
}

/// Whether the line of an edit imports something.
fn imports_at(text: &str, end: usize) -> bool {
    let begin = text[..end].rfind('\n').map_or(0, |line| line + 1);
    // Enter is the last key of a statement.
    let begin = text[..begin.saturating_sub(1)]
        .rfind('\n')
        .map_or(0, |line| line + 1);
    let rest = text[end..].find('\n').map_or(text.len(), |line| end + line);
    let mut lines = text[begin..rest].lines();
    lines.any(|line| line.contains("import ") || line.trim_start().starts_with("from "))
}
