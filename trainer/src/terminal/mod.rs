//! The command line's host: progress bars and notes on standard error, cancellation by Ctrl-C.

mod cancel;
mod progress;

use anyhow::Result;

pub use self::cancel::STATUS;
use self::cancel::Signals;
use self::progress::Bar;
use crate::host::{Host, Progress, Unit};

/// The [`Host`] of the command line.
pub struct Terminal {
    signals: Signals,
}

impl Terminal {
    /// Installs handlers for SIGINT and SIGTERM.
    pub fn open() -> Result<Self> {
        Ok(Self {
            signals: Signals::catch()?,
        })
    }
}

impl Host for Terminal {
    fn progress(&self, unit: Unit, total: u64, done: u64) -> Box<dyn Progress> {
        Box::new(Bar::new(unit, total, done))
    }

    fn cancelled(&self) -> bool {
        self.signals.received()
    }

    fn note(&self, line: &str) {
        eprintln!("{line}");
    }
}
