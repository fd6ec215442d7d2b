//! Next-token prediction: a mixture of experts (Jacobs et al. 1991) over one candidate space.
//!
//! ```text
//! expert, experts/     the list of experts, and each expert's score of a candidate: ExpertScores
//! gate                 weights the experts, given gate_features, the hidden state and a prior
//! prediction           the mixture: a probability for each candidate
//! reranker             reorders the best candidates, given candidate_features
//! mixture              Mixture: the whole, as completion uses it
//! features, tuning     feature names; hand-chosen constants
//! ```
//!
//! `trainer gate` fits the gate and the reranker. This module does not know source text, typed prefixes or protocols.

mod candidate_features;
mod expert;
mod experts;
mod features;
mod gate;
mod gate_features;
mod linear;
mod mixture;
#[allow(
    clippy::module_inception,
    reason = "this file defines the type Prediction"
)]
mod prediction;
mod reranker;
mod scores;
mod tuning;

pub use expert::{Expert, Scope};
pub use features::{
    CANDIDATE_FEATURE_NAMES, CANDIDATE_FEATURES, FEATURE_NAMES, FEATURES, features_fingerprint,
};
pub use gate::{UNITS, prior};
pub use gate_features::gate_features;
pub use mixture::{Mixture, Part, gate_config, parameters};
pub use prediction::Prediction;
pub use reranker::LOGS;
pub use scores::ExpertScores;
pub use tuning::RERANKED;
