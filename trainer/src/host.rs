//! What the library asks of the program that runs it: somewhere to show progress, and whether to go on.
//!
//! Long work takes a `&dyn Host`. Nothing in the library draws a bar, writes to a standard stream or catches a signal;
//! the module `terminal` does, and [`Silent`] is for tests and for programs without a terminal.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};

/// What a progress display counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Tokens read or learned from.
    Tokens,
    /// Bytes of files or downloads.
    Bytes,
}

/// The program around the library.
pub trait Host: Sync {
    /// Shows progress from `done` towards `total` until the returned value is dropped.
    fn progress(&self, unit: Unit, total: u64, done: u64) -> Box<dyn Progress>;

    /// Whether the user has asked to stop. Long work looks often, and ends soon when it is true.
    fn cancelled(&self) -> bool;

    /// A line for the user that stays, such as a warning.
    fn note(&self, line: &str);
}

/// One progress display.
pub trait Progress: Send + Sync {
    /// So much is done.
    fn set(&self, done: u64);

    /// So much more is done.
    fn add(&self, more: u64);

    /// A few words beside the numbers; the next ones replace them.
    fn message(&self, text: &str);

    /// A line that stays above the display.
    fn note(&self, line: &str);
}

/// An error when the user has asked to stop before anything was written.
pub(crate) fn ensure_running(host: &dyn Host) -> Result<()> {
    ensure!(!host.cancelled(), "interrupted; nothing was written");
    Ok(())
}

/// Shows nothing, and is stopped by [`Silent::cancel`].
#[derive(Debug, Default)]
pub struct Silent(AtomicBool);

impl Silent {
    /// As if the user had asked to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Host for Silent {
    fn progress(&self, _: Unit, _: u64, _: u64) -> Box<dyn Progress> {
        Box::new(Nothing)
    }

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self, _: &str) {}
}

struct Nothing;

impl Progress for Nothing {
    fn set(&self, _: u64) {}
    fn add(&self, _: u64) {}
    fn message(&self, _: &str) {}
    fn note(&self, _: &str) {}
}
