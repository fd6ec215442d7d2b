//! A progress line on the terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A counter on standard error, if that is a terminal.
pub(super) struct Progress {
    all: usize,
    what: &'static str,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new(all: usize, what: &'static str) -> Self {
        let shown = io::stderr().is_terminal().then(Instant::now);
        Self { all, what, shown }
    }

    pub(super) fn show(&mut self, done: u64) {
        if let Some(shown) = &mut self.shown
            && shown.elapsed() > Duration::from_millis(200)
        {
            *shown = Instant::now();
            // Continue even if the terminal is gone.
            let _ = write!(io::stderr(), "\r{done} of {} {}", self.all, self.what);
        }
    }

    pub(super) fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
