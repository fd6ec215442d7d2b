//! What comes next in a buffer: a mixture of experts (Jacobs et al. 1991) over one space of candidates.
//!
//! ```text
//! expert, experts/     which experts there are, and what each gives a candidate: ExpertScores
//! gate                 weighs the experts by gate_features and the hidden state, from a prior
//! prediction           the mixture: a probability for each candidate
//! reranker             orders the best candidates again, by candidate_features
//! mixture              Mixture: all of it, as completion uses it
//! features, tuning     names of the features; hand-chosen constants
//! ```
//!
//! The gate and the reranker are fitted by `trainer gate`. Knows nothing of text, typed prefixes or protocols.

mod candidate_features;
mod expert;
mod experts;
mod features;
mod gate;
mod gate_features;
mod linear;
mod mixture;
#[allow(clippy::module_inception, reason = "the file of the type Prediction")]
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
