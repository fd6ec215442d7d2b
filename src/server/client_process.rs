//! Ends the server when its client dies without closing standard input.

#[cfg(unix)]
use std::{thread, time::Duration};

/// Time between two checks. The protocol's clients expect a server to end soon after them.
#[cfg(unix)]
const INTERVAL: Duration = Duration::from_millis(250);

/// Exits with status 1 soon after the process `id` has ended.
#[cfg(unix)]
pub fn exit_when_client_dies(id: u32) {
    use rustix::process::{Pid, test_kill_process};

    let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return;
    };
    let watch = move || {
        // A process of another user exists although it cannot be signalled: any other error means that it lives.
        while test_kill_process(process) != Err(rustix::io::Errno::SRCH) {
            thread::sleep(INTERVAL);
        }
        tracing::warn!("the client process {id} has exited");
        std::process::exit(1);
    };
    if let Err(error) = thread::Builder::new()
        .name("client process".to_owned())
        .spawn(watch)
    {
        tracing::warn!("cannot watch the client process: {error}");
    }
}

/// Does nothing: on other systems the server ends when standard input does.
#[cfg(not(unix))]
pub fn exit_when_client_dies(_id: u32) {}
