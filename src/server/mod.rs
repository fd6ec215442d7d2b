//! The language server: the only part, with `cli` and `evaluate`, that names the protocol or the async runtime.
//!
//! * [`transport`] and [`framing`] turn standard input and output into messages, whatever a client sends;
//! * [`backend`] answers them, each method on one screen;
//! * [`documents`] holds the texts, [`settings`] the user's wishes, [`capabilities`] the client's abilities;
//! * [`convert`] is the only place that knows both the protocol's terms and the library's;
//! * [`questions`] go to the completer on a thread of its own, [`inference`], and count until a newer one comes, [`latest`];
//! * [`workspace`] reads the project's files, and chooses which of them an open document stands among;
//! * [`parent`] ends the server when its client dies.

mod backend;
mod capabilities;
mod convert;
mod documents;
mod framing;
mod indexer;
mod inference;
mod latest;
mod parent;
mod requests;
mod settings;
mod transport;

use std::fs::File;
use std::io::{self, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use tower_lsp::{LspService, Server};
use tracing::warn;

use crate::completion::Completer;
use backend::Backend;
use indexer::Workspace;
use inference::Inference;
use requests::RequestRunner;
use settings::Settings;

/// How long open answers may take once the client has closed standard input.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Messages that may be under way at once: no limit, so that an edit or a cancellation never queues behind answers
/// that wait for the inference thread. A request under way is only a future; a client that asks for many of the same
/// kind outdates its own.
const CONCURRENCY: usize = usize::MAX;

/// Serves one client on standard input and output until it ends; whether it ended as the protocol wants, by `shutdown`
/// before the end.
pub fn serve(completer: Completer) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .context("cannot start the async runtime")?;
    let inference = Inference::start(Settings::default().session_bytes())
        .context("cannot start the inference thread")?;
    let completer = Arc::new(completer);
    let workspace = Workspace::start(Arc::clone(&completer))
        .context("cannot start the thread that reads the project")?;
    let questions = RequestRunner::new(completer, workspace, inference);
    let (input, output, ended, writer) = stdout()
        .and_then(|stdout| transport::start(BufReader::new(io::stdin()), stdout, is_output_ready))
        .context("cannot start the input threads")?;
    let shut_down = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&shut_down);
    let (service, socket) = LspService::build(|client| Backend::new(client, questions, flag))
        .custom_method("minicopilot/nextTokens", Backend::next_tokens)
        .custom_method("minicopilot/project", Backend::project)
        .custom_method("textDocument/inlineCompletion", Backend::inline_completion)
        .finish();
    let server = Server::new(input, output, socket).concurrency_level(CONCURRENCY);
    runtime.block_on(async {
        tokio::select! {
            () = server.serve(service) => {}
            () = async { let _ = ended.await; tokio::time::sleep(LAST_ANSWERS).await } => {}
        }
    });
    writer.finish();
    let orderly = shut_down.load(Ordering::Relaxed);
    if !orderly {
        warn!("the client ended without a `shutdown` request");
    }
    Ok(orderly)
}

/// Standard output without the line buffer of [`io::Stdout`], which would write a message in two pieces.
fn stdout() -> io::Result<File> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(owned.into())
}

/// Whether standard output takes a few bytes without waiting: of a pipe or a socket the system can tell.
#[cfg(unix)]
fn is_output_ready() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::OUT)];
    let found = poll(&mut polled, Some(&Timespec::default()));
    found == Ok(1) && polled[0].revents() == PollFlags::OUT
}

#[cfg(not(unix))]
fn is_output_ready() -> bool {
    false
}
