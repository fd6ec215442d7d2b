//! The library's interface to its host program: progress display and cancellation.
//!
//! Long operations take a `&dyn Host`. The library itself never draws a progress bar, writes to a standard stream or
//! handles a signal; the module `terminal` does. [`Silent`] is for tests and programs without a terminal.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};

/// The unit of a progress display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Tokens that were read or trained on.
    Tokens,
    /// Bytes of files or downloads.
    Bytes,
}

/// The program that uses the library.
pub trait Host: Sync {
    /// Shows progress from `done` to `total` until the returned value is dropped.
    fn progress(&self, unit: Unit, total: u64, done: u64) -> Box<dyn Progress>;

    /// Whether the user has cancelled. Long operations poll this and return soon after it becomes true.
    fn cancelled(&self) -> bool;

    /// A permanent message for the user, such as a warning.
    fn note(&self, line: &str);
}

/// One progress display.
pub trait Progress: Send + Sync {
    /// Sets the amount that is done.
    fn set(&self, done: u64);

    /// Adds to the amount that is done.
    fn add(&self, more: u64);

    /// A short text next to the numbers; replaces the previous one.
    fn message(&self, text: &str);

    /// A permanent line above the display.
    fn note(&self, line: &str);
}

/// Returns an error if the user has cancelled, for use before anything is written.
pub(crate) fn ensure_running(host: &dyn Host) -> Result<()> {
    ensure!(!host.cancelled(), "interrupted; nothing was written");
    Ok(())
}

/// Shows nothing; [`Silent::cancel`] cancels.
#[derive(Debug, Default)]
pub struct Silent(AtomicBool);

impl Silent {
    /// Cancels, as if the user had asked for it.
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
