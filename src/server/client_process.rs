//! Ends the server when its client dies without closing standard input.

#[cfg(unix)]
use std::{thread, time::Duration};

/// Interval between two checks. Clients expect a server to exit soon after they do.
#[cfg(unix)]
const INTERVAL: Duration = Duration::from_millis(250);

/// Exits with status 1 soon after process `id` has exited.
#[cfg(unix)]
pub fn exit_when_client_dies(id: u32) {
    use rustix::process::{Pid, test_kill_process};

    let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return;
    };
    let watch = move || {
        // `ESRCH` alone means that the process is gone. With any other error, such as for another user's process, it
        // exists.
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

/// Does nothing: on other systems, the server exits when standard input ends.
#[cfg(not(unix))]
pub fn exit_when_client_dies(_id: u32) {}
