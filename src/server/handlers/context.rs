//! The context of every handler: the client, the session, and the threads that compute answers.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_lsp::Client;
use tower_lsp::ls_types::MessageType;
use tracing::warn;

use super::super::requests::RequestRunner;
use super::super::session::Session;

/// The context of every handler.
pub struct HandlerContext {
    pub client: Client,
    pub requests: RequestRunner,
    /// Set when the client has sent `shutdown`, after which `exit` may follow.
    pub shut_down: Arc<AtomicBool>,
    session: Mutex<Session>,
}

impl HandlerContext {
    /// Creates the context with a new session.
    pub fn new(client: Client, requests: RequestRunner, shut_down: Arc<AtomicBool>) -> Self {
        Self {
            client,
            requests,
            shut_down,
            session: Mutex::default(),
        }
    }

    /// Locks the session. Do not hold the lock over an await.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Indexes the workspace according to its folders and the settings.
    pub fn index_workspace(&self) {
        let scope = self.session().index_scope();
        self.requests.indexer().index(scope);
    }

    /// Waits until the project has been read, then warns the user about anything that could not be read.
    pub async fn warn_about_project(&self) {
        let status = self.requests.indexer().settled().await;
        let mut warnings = Vec::new();
        {
            let session = self.session();
            let settings = session.settings();
            if status.is_full {
                warnings.push(format!(
                    "the workspace needs more than {} MB, so some of its files are not indexed; raise the setting \
                     `workspaceMemoryMb`",
                    settings.workspace_memory_mb
                ));
            }
            if status.lacks_environment {
                warnings.push(format!(
                    "no Python modules in {}; set `pythonEnvironment` to a virtual environment, or to the folder that \
                     contains `bin` and `lib`",
                    settings.python_environment
                ));
            }
        }
        self.warn_user(warnings).await;
    }

    /// Logs warnings and shows them to the user.
    pub async fn warn_user(&self, warnings: Vec<String>) {
        for warning in warnings {
            warn!("{warning}");
            let message = format!("minicopilot: {warning}");
            self.client
                .show_message(MessageType::WARNING, message)
                .await;
        }
    }
}
