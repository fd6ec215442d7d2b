//! Cancellation by SIGINT and SIGTERM: sets a flag that long operations poll.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Exit status of an interrupted command.
pub const STATUS: u8 = 130;

/// Whether a signal has been received.
pub struct Signals(Arc<AtomicBool>);

impl Signals {
    /// Installs the handlers: the first signal sets the flag, the second one terminates the process.
    pub fn catch() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(STATUS),
                Arc::clone(&flag),
            )
            .context("cannot catch signals")?;
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .context("cannot catch signals")?;
        }
        Ok(Self(flag))
    }

    pub fn received(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
