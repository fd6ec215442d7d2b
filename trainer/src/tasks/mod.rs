//! What networks learn. The training loop knows a [`Task`] only: its batches, its loss, its validation.

mod language_model;
mod task;

pub use self::language_model::LanguageModel;
pub use self::task::{LossSum, Pass, Phases, Task};
