//! How a run ended, in a few lines.

use std::fmt;
use std::path::PathBuf;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs, or all tokens.
    Finished,
    /// Validation stopped improving.
    EarlyStopped,
    /// The time limit.
    OutOfTime,
    /// The user has stopped it.
    Interrupted,
}

/// What a run came to, so far.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Why it ended.
    pub ending: Ending,
    /// Targets learned from.
    pub tokens: u64,
    /// Steps done.
    pub steps: u64,
    /// Seconds of training, over all sittings.
    pub seconds: f64,
    /// The lowest validation loss, in nats.
    pub best_loss: Option<f64>,
    /// The checkpoint with that loss.
    pub best: PathBuf,
    /// The last checkpoint.
    pub last: PathBuf,
    /// The log.
    pub log: PathBuf,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = match self.ending {
            Ending::Finished => "finished",
            Ending::EarlyStopped => "stopped: validation no longer improves",
            Ending::OutOfTime => "out of time, continue with --resume",
            Ending::Interrupted => "interrupted, continue with --resume",
        };
        let Self {
            tokens,
            steps,
            seconds,
            ..
        } = self;
        let rate = *tokens as f64 / seconds.max(1e-9);
        writeln!(
            f,
            "{ended}: {tokens} tokens in {steps} steps, {seconds:.0} s ({rate:.0} tokens/s)"
        )?;
        if let Some(loss) = self.best_loss {
            let (perplexity, best) = (loss.exp(), self.best.display());
            writeln!(
                f,
                "best validation loss {loss:.4} (perplexity {perplexity:.3}): {best}"
            )?;
        }
        writeln!(
            f,
            "last checkpoint: {}, log: {}",
            self.last.display(),
            self.log.display()
        )
    }
}
