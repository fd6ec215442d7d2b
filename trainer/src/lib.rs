//! Training of minicopilot's models, as a library: corpus, prepared data, training, evaluation, export.
//!
//! From the ground up:
//!
//! * [`host`]: the interface to the host program, such as progress; [`terminal`] implements it for the command line.
//! * [`data`]: prepared corpora and their batches. [`corpus`] and [`prepare`] build them.
//! * [`experiment`]: training settings. [`training`] trains them, [`mod@bench`] measures throughput.
//! * [`evaluation`]: metrics of a checkpoint; [`replay`] reads files as the server does, for evaluation and for
//!   [`gate`].
//! * [`export`] writes a checkpoint for distribution, [`report`] compares runs.
//!
//! Each command is a function that takes settings and a [`host::Host`] and returns its results. [`cli`] turns arguments
//! into settings; no other module uses clap.

pub mod bench;
pub mod cli;
pub mod corpus;
pub mod data;
mod device;
pub mod evaluation;
pub mod experiment;
pub mod export;
pub mod gate;
pub mod host;
mod http;
pub mod memory;
mod model_card;
pub mod prepare;
mod random;
mod replay;
pub mod report;
mod tasks;
pub mod terminal;
#[cfg(test)]
mod test_server;
pub mod training;
