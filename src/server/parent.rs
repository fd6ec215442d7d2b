//! The client's process: when it dies without a word, the server must not stay behind.

#[cfg(unix)]
use std::{thread, time::Duration};

/// How often is looked. The protocol's clients expect a server to be gone soon after them.
#[cfg(unix)]
const INTERVAL: Duration = Duration::from_millis(250);

/// Ends this process soon after the process `id` has ended.
#[cfg(unix)]
pub fn exit_with(id: u32) {
    use rustix::process::{Pid, test_kill_process};

    let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return;
    };
    let watch = move || {
        // A process of another user cannot be signalled, but exists.
        while test_kill_process(process) != Err(rustix::io::Errno::SRCH) {
            thread::sleep(INTERVAL);
        }
        tracing::warn!("the client's process {id} has ended");
        std::process::exit(1);
    };
    if let Err(error) = thread::Builder::new()
        .name("parent".to_owned())
        .spawn(watch)
    {
        tracing::warn!("the client's process is not watched: {error}");
    }
}

/// Elsewhere the end of standard input has to do.
#[cfg(not(unix))]
pub fn exit_with(_id: u32) {}
