//! Hand-chosen constants of the experts and the mixture, each with its source. Fitted parameters are in the checkpoint.
//!
//! "Chosen" means tried on a few validation files without a sweep; docs/answers.md has the measurements.

use crate::context::MAX_NGRAM_ORDER;

// Buffer n-grams.

/// Decay of unigram counts per token of distance. Chosen.
pub(super) const UNIGRAM_DECAY: f32 = 0.998;
/// Decay of continuation counts per earlier occurrence of the context, by context length: recent occurrences predict better
/// (Kuhn & De Mori 1990). Chosen.
pub(super) const OCCURRENCE_DECAY: [f32; MAX_NGRAM_ORDER] = [0.98, 0.95, 0.9, 0.9, 0.9];
/// Maximum number of occurrences of a context counted; older ones have negligible weight at these decays.
pub(super) const MAX_OCCURRENCES: usize = 128;
/// Maximum number of occurrences compared for the longest match.
pub(super) const MAX_MATCHES: usize = 32;
/// Maximum match length in tokens. Equals the depth to which a project's suffix array is sorted.
pub(super) const MAX_MATCH_LENGTH: usize = 12;

// Continuous cache.

/// Sharpness of the cosine similarity of hidden states, for all tokens and for out-of-vocabulary names: θ of Grave, Joulin &
/// Usunier (2017). Chosen.
pub(super) const SHARPNESS: f32 = 16.0;
pub(super) const UNKNOWN_SHARPNESS: f32 = 8.0;

// Recent names.

/// Score of a name that occurred `age` tokens ago: a fast decay for the current function plus a slow one for the rest of the
/// file. Chosen.
pub(super) fn recency(age: f32) -> f32 {
    (-age / 60.0).exp() + 0.05 * (-age / 1000.0).exp()
}

// Mixture.

/// Project size in tokens at which the project experts keep half of their weight: the gate was fitted on whole packages.
/// Chosen.
pub(super) const HALF_TRUSTED_TOKENS: f32 = 1000.0;
/// Smallest probability that the features distinguish from zero.
pub(super) const FEATURE_FLOOR: f32 = 1e-6;
/// The same for the probability of a best candidate, which is higher.
pub(super) const BEST_FLOOR: f32 = 1e-4;
/// The same for the total in-vocabulary probability.
pub(super) const KNOWN_FLOOR: f32 = 1e-3;
/// Number of the mixture's best candidates that are reranked; the reranker was fitted for this number.
pub const RERANKED: usize = 32;
