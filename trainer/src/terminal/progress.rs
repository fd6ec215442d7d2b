//! Progress bars on standard error; hidden if that is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::host::{Progress, Unit};

/// A progress bar that disappears when dropped.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(unit: Unit, total: u64, done: u64) -> Self {
        let bar = ProgressBar::new(total).with_position(done);
        let template = match unit {
            Unit::Tokens => "{bar:30} {human_pos}/{human_len} tokens  {per_sec}  {eta} left  {msg}",
            Unit::Bytes => "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.reset_eta(); // the speed of an earlier run does not predict this one's
        Self(bar)
    }
}

impl Progress for Bar {
    fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    fn add(&self, more: u64) {
        self.0.inc(more);
    }

    fn message(&self, text: &str) {
        self.0.set_message(text.to_owned());
    }

    fn note(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
