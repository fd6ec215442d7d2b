//! The state of one client's session: its open documents, settings, capabilities and workspace folders.
//!
//! Owns all state that messages change. Handlers lock it, call one method and unlock it before their first await. A
//! request works on a [`Snapshot`]. This module does not depend on threads or on the model.

use std::path::PathBuf;

use serde_json::Value;
use tower_lsp::ls_types::{
    InitializeParams, InitializeResult, Position, TextDocumentContentChangeEvent, Uri,
    VersionedTextDocumentIdentifier,
};

use super::capabilities;
use super::convert::{Style, offset};
use super::documents::{Document, Documents};
use super::edit_policy::{self, Edit, EditedLine};
use super::indexer::IndexScope;
use super::settings::Settings;
use crate::workspace::environment;

/// The state of one client's session.
#[derive(Default)]
pub struct Session {
    documents: Documents,
    settings: Settings,
    /// The settings from `initializationOptions`. A setting missing from a later notification returns to this value.
    initial_settings: Settings,
    /// Warnings about the current settings. A client that sends all settings with each change sees each warning once.
    settings_warnings: Vec<String>,
    style: Style,
    folders: Vec<PathBuf>,
    /// The last edited line, if its document is open.
    edited_line: Option<EditedLine>,
    watches_files: bool,
}

/// A position in a document at the time of a request.
pub struct Snapshot {
    pub document: Document,
    /// The position's byte offset.
    pub cursor: usize,
    pub settings: Settings,
    pub style: Style,
}

/// The effects of a change of the settings.
pub struct SettingsChange {
    /// Warnings that the user has not seen yet.
    pub new_warnings: Vec<String>,
    /// The project must be read again.
    pub affects_project: bool,
}

impl Session {
    /// Stores the client's settings, capabilities and folders. Returns the response to `initialize`.
    pub fn initialize(&mut self, params: &InitializeParams) -> InitializeResult {
        let raw = params
            .initialization_options
            .as_ref()
            .unwrap_or(&Value::Null);
        self.initial_settings = Settings::resolve(raw, &mut self.settings_warnings);
        self.settings = self.initial_settings.clone();
        self.style = capabilities::style(&params.capabilities);
        self.folders = capabilities::folders(params);
        self.watches_files = capabilities::watches_files(&params.capabilities);
        capabilities::answer(self.style, &self.settings)
    }

    /// The current settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Warnings about the current settings.
    pub fn settings_warnings(&self) -> &[String] {
        &self.settings_warnings
    }

    /// Whether the client supports watching files.
    pub fn watches_files(&self) -> bool {
        self.watches_files
    }

    /// Applies the settings from a notification to the initial ones, so that a setting that the user has removed
    /// returns to its initial value. VS Code sends every setting each time. Neovim sends its configuration's
    /// `settings`. Emacs sends the settings of all servers, which may include none of ours.
    pub fn change_settings(&mut self, raw: &Value) -> SettingsChange {
        let mut warnings = Vec::new();
        let settings = self.initial_settings.changed(raw, &mut warnings);
        let seen = std::mem::replace(&mut self.settings_warnings, warnings.clone());
        warnings.retain(|warning| !seen.contains(warning));
        let before = std::mem::replace(&mut self.settings, settings);
        let affects_project = before.project_bytes() != self.settings.project_bytes()
            || before.python_environment != self.settings.python_environment;
        SettingsChange {
            new_warnings: warnings,
            affects_project,
        }
    }

    /// What to index, according to the folders and settings.
    pub fn index_scope(&self) -> IndexScope {
        match self.settings.project_bytes() {
            Some(budget) => IndexScope {
                folders: self.folders.clone(),
                budget,
                environment: self.settings.python_environment.clone(),
            },
            None => IndexScope {
                folders: Vec::new(),
                budget: 0,
                environment: environment::NONE.to_owned(),
            },
        }
    }

    /// Removes and adds workspace folders.
    pub fn change_folders(&mut self, removed: &[PathBuf], added: Vec<PathBuf>) {
        self.folders.retain(|folder| !removed.contains(folder));
        self.folders.extend(added);
    }

    /// A document, if it is open.
    pub fn document(&self, uri: &Uri) -> Option<Document> {
        self.documents.get(uri)
    }

    /// A snapshot of a document and a position in it, if it is open.
    pub fn snapshot(&self, uri: &Uri, position: Position) -> Option<Snapshot> {
        let document = self.documents.get(uri)?;
        Some(Snapshot {
            cursor: offset(&document.text, position, self.style.encoding),
            document,
            settings: self.settings.clone(),
            style: self.style,
        })
    }

    /// Opens a document.
    pub fn open(&mut self, uri: &Uri, version: i32, text: String) -> Document {
        self.documents.open(uri, version, text)
    }

    /// Applies changes to a document, if it is open.
    pub fn change(
        &mut self,
        changed: &VersionedTextDocumentIdentifier,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> Option<Edit> {
        let uri = &changed.uri;
        let is_one_change = changes.len() <= 1;
        let brings_imports = edit_policy::brings_imports(&changes);
        let (document, end) =
            self.documents
                .change(uri, changed.version, changes, self.style.encoding)?;
        let text = &document.text;
        let line_end = edit_policy::line_end(text, end, self.settings.use_suffix_context);
        let line = EditedLine {
            uri: uri.clone(),
            suffix_bytes: text.len() - line_end,
        };
        let before = self.edited_line.replace(line.clone());
        // With several changes, some may be below the last one.
        let is_same_line = before.as_ref() == Some(&line) && is_one_change;
        let left = before.filter(|before| before.uri != *uri);
        let left = left.and_then(|left| {
            let document = self.documents.get(&left.uri)?;
            Some((left.uri, document))
        });
        let affects_context =
            !is_same_line || brings_imports || edit_policy::touches_import(text, end);
        Some(Edit {
            document,
            end,
            line_end,
            affects_context,
            left,
        })
    }

    /// Removes a document that was closed.
    pub fn close(&mut self, uri: &Uri) {
        self.documents.close(uri);
        self.edited_line.take_if(|line| line.uri == *uri);
    }
}
