//! Measures checkpoints on one part of the prepared data: [`model`] the network alone, [`context`] the network combined
//! with its context, [`quantized`] the int8 engine beside the network in f32.
//!
//! Nothing here prints: each measurement returns what it found, which is a table by [`std::fmt::Display`] and JSON by
//! `to_json`.

pub mod context;
mod gradient_flow;
pub(crate) mod language_model;
pub mod model;
pub mod quantized;
pub(crate) mod record;
mod subject;
mod table;
pub(crate) mod temperature;
mod trigram;

pub use self::subject::Subject;
