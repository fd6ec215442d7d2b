//! Training tasks. The training loop only knows the trait [`Task`]: its batches, its loss, its validation.

mod language_model;
mod task;

pub use self::language_model::LanguageModel;
pub use self::task::{LossSum, Pass, Phases, Task};
