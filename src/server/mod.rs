//! The language server. Only this module, `cli` and `evaluate` depend on the framework and the async runtime.
//!
//! * [`transport`] passes valid messages from standard input to the framework and answers invalid ones; [`output`]
//!   queues what the framework writes to [`standard_output`];
//! * [`backend`] is the table of methods; [`handlers`] implement them, one family per file;
//! * [`session`] owns the state of the client's session: the [`documents`], the effects of an edit ([`edit_policy`]),
//!   the user's [`settings`] and the client's [`capabilities`];
//! * [`convert`] is the only module that knows both the protocol's types and the library's;
//! * [`requests`] run the completer on the [`inference`] thread until a newer request cancels them ([`supersede`]);
//! * [`indexer`] reads the project's files and selects the project context of each open document;
//! * [`client_process`] ends the server when its client dies.

mod backend;
mod capabilities;
mod client_process;
mod convert;
mod documents;
mod edit_policy;
mod handlers;
mod indexer;
mod inference;
mod output;
mod requests;
mod session;
mod settings;
mod standard_output;
mod supersede;
mod transport;

use std::io::{self, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use tower_lsp::{LspService, Server};
use tracing::warn;

use crate::completion::Completer;
use backend::Backend;
use indexer::Indexer;
use inference::Inference;
use output::OutputQueue;
use requests::RequestRunner;
use settings::Settings;
use standard_output::StandardOutput;
use transport::{Input, Output};

/// How long pending requests may take after the client has closed standard input.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// How long writing the last responses may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum number of messages in flight: no limit, so that an edit or a cancellation never queues behind responses that
/// wait for the inference thread. A request in flight is only a future, and a client that sends many of the same method
/// supersedes its own.
const CONCURRENCY: usize = usize::MAX;

/// Serves one client on standard input and output until it disconnects. Returns whether the client sent `shutdown`
/// before it exited.
pub fn serve(completer: Completer) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .context("cannot start the async runtime")?;
    let inference = Inference::start(Settings::default().session_bytes())
        .context("cannot start the inference thread")?;
    let completer = Arc::new(completer);
    let indexer = Indexer::start(Arc::clone(&completer))
        .context("cannot start the thread that reads the project")?;
    let requests = RequestRunner::new(completer, indexer, inference);
    let output = StandardOutput::open()
        .and_then(OutputQueue::start)
        .context("cannot start the output thread")?;
    let (input, ended) = Input::start(BufReader::new(io::stdin()), Arc::clone(&output))
        .context("cannot start the input thread")?;
    let shut_down = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&shut_down);
    let (service, socket) = LspService::build(|client| Backend::new(client, requests, flag))
        .custom_method("minicopilot/nextTokens", Backend::next_tokens)
        .custom_method("minicopilot/project", Backend::project)
        .custom_method("textDocument/inlineCompletion", Backend::inline_completion)
        .finish();
    let server =
        Server::new(input, Output(Arc::clone(&output)), socket).concurrency_level(CONCURRENCY);
    runtime.block_on(async {
        tokio::select! {
            () = server.serve(service) => {}
            () = async { let _ = ended.await; tokio::time::sleep(LAST_ANSWERS).await } => {}
        }
    });
    output.flush(FLUSH_TIMEOUT);
    let orderly = shut_down.load(Ordering::Relaxed);
    if !orderly {
        warn!("the client exited without a `shutdown` request");
    }
    Ok(orderly)
}
