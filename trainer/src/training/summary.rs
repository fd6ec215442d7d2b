//! Summary of a run.

use std::fmt;
use std::path::PathBuf;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs or tokens are done.
    Finished,
    /// Validation stopped improving.
    EarlyStopped,
    /// The time limit was reached.
    OutOfTime,
    /// The user cancelled it.
    Interrupted,
}

/// The state of a run when it ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Why it ended.
    pub ending: Ending,
    /// Targets trained on.
    pub tokens: u64,
    /// Number of steps.
    pub steps: u64,
    /// Seconds of training, over all sessions.
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
            Ending::OutOfTime => "out of time; continue with --resume",
            Ending::Interrupted => "interrupted; continue with --resume",
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
