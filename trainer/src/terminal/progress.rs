//! The bar: tokens, rate, time left, loss. Silent where nobody looks.

use indicatif::{ProgressBar, ProgressStyle};

pub struct Progress(ProgressBar);

impl Progress {
    /// Towards `total` tokens, of which `done` were done in earlier sittings.
    pub fn new(total: u64, done: u64) -> Self {
        Self(bar(total, done))
    }

    pub fn advance(&self, tokens: u64, loss: f64) {
        self.0.set_position(tokens);
        self.note(&format!("loss {loss:.3}"));
    }

    pub fn note(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }

    /// A line that stays, on stderr.
    pub fn print(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

/// A bar over tokens.
pub fn bar(total: u64, done: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_position(done);
    let style = ProgressStyle::with_template(
        "{bar:30} {human_pos}/{human_len} tokens  {per_sec}  {eta} left  {msg}",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.reset_eta();
    bar
}

/// A bar over bytes.
pub fn bytes_bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template(
        "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
