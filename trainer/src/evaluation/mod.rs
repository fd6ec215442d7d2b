//! Evaluates checkpoints on one split of prepared data: [`model`] the network alone, [`context`] the network combined
//! with its context, [`quantized`] the int8 engine against the f32 network.
//!
//! Nothing here prints. Each evaluation returns a result that formats itself as a table ([`std::fmt::Display`]) and as
//! JSON (`to_json`).

pub mod context;
mod gradient_flow;
pub(crate) mod language_model;
pub mod model;
pub mod quantized;
pub(crate) mod record;
mod subject;
mod table;
pub(crate) mod temperature;
mod token_observer;
mod trigram;

pub use self::subject::Subject;
