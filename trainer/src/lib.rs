//! The trainer of minicopilot's models, as a library: corpus, prepared data, training, measuring, export.
//!
//! From the ground up:
//!
//! * [`host`]: the program around the library, to which progress is shown; [`terminal`] is the one of the command line.
//! * [`data`]: prepared corpora and their batches. [`corpus`] and [`prepare`] make them.
//! * [`experiment`]: what is trained. [`training`] trains it, [`bench`] measures how fast.
//! * [`evaluation`]: how good a checkpoint is; [`replay`] reads files as the server does, for it and for [`gate`].
//! * [`export`] writes what is distributed, [`report`] compares runs.
//!
//! Each command is a function that takes settings and a [`host::Host`] and returns what it found. [`cli`] turns arguments
//! into settings, and only it names clap.

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
