//! Server lifecycle: `initialize`, `shutdown`, `exit`, and killing a server that does not respond.

use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Client, Error};

/// Timeout for `shutdown` and then for `exit`, before the server is killed.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

impl Client {
    /// Sends `initialize` with these parameters and `initialized`; returns the server's capabilities and name.
    pub fn initialize(&mut self, params: Value) -> Result<Value, Error> {
        let result = self.call("initialize", params)?;
        self.notify("initialized", json!({}))?;
        Ok(result)
    }

    /// Closes the server's standard input, as happens when a client crashes.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Sends `shutdown` and `exit`, and returns the server's exit status.
    pub fn shutdown(mut self) -> Result<ExitStatus, Error> {
        self.end()?;
        self.wait_exit(SHUTDOWN_TIMEOUT)
    }

    /// Waits until the server exits on its own.
    pub fn wait_exit(&mut self, timeout: Duration) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(Error::Timeout {
                    method: "exit".to_owned(),
                    after: timeout,
                });
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn closed(&mut self) -> Error {
        // The pipe closes shortly before the process can be waited for.
        Error::Closed(self.wait_exit(Duration::from_millis(500)).ok())
    }

    fn end(&mut self) -> Result<(), Error> {
        let id = self.request("shutdown", Value::Null)?;
        self.wait(id, SHUTDOWN_TIMEOUT)?;
        self.notify("exit", Value::Null)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let polite = self.input.is_none() || self.end().is_ok();
        self.input = None;
        if !polite || self.wait_exit(SHUTDOWN_TIMEOUT).is_err() {
            // A process that cannot be killed is left alone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
