//! Hand-chosen constants of the experts and of the mixture, each with its source. What is fitted instead is in the checkpoint.
//!
//! "Chosen" means tried on a few validation files and not swept; docs/answers.md has what was measured.

use crate::context::MAX_NGRAM_ORDER;

// The buffer's n-grams.

/// How much less each earlier token counts among the unigrams. Chosen.
pub(super) const UNIGRAM_DECAY: f32 = 0.998;
/// How much less each earlier occurrence of a context counts, by the context's length: recent ones predict better (Kuhn & De
/// Mori 1990). Chosen.
pub(super) const OCCURRENCE_DECAY: [f32; MAX_NGRAM_ORDER] = [0.98, 0.95, 0.9, 0.9, 0.9];
/// Occurrences of a context that are counted: later ones weigh nothing at these decays.
pub(super) const MAX_OCCURRENCES: usize = 128;
/// Occurrences that are compared for the longest match.
pub(super) const MAX_MATCHES: usize = 32;
/// The longest match that is told from a longer one, in tokens. As far as a project's suffix array is sorted.
pub(super) const MAX_MATCH_LENGTH: usize = 12;

// The continuous cache.

/// The exponent of cosines of hidden states, for all tokens and for out-of-vocabulary names: θ of Grave, Joulin & Usunier (2017).
/// Chosen.
pub(super) const SHARPNESS: f32 = 16.0;
pub(super) const UNKNOWN_SHARPNESS: f32 = 8.0;

// Recent names.

/// The score of a name that occurred `age` tokens ago: a fast decay for the function at hand, a slow one for the rest of the
/// file. Chosen.
pub(super) fn recency(age: f32) -> f32 {
    (-age / 60.0).exp() + 0.05 * (-age / 1000.0).exp()
}

// The mixture.

/// Tokens of a project at which its experts keep half of their weight: the gate was fitted on whole packages. Chosen.
pub(super) const HALF_TRUSTED_TOKENS: f32 = 1000.0;
/// Smallest probabilities that the features tell apart.
pub(super) const FEATURE_FLOOR: f32 = 1e-6;
/// The same for the best candidates, which are likelier.
pub(super) const BEST_FLOOR: f32 = 1e-4;
/// The same for what the vocabulary has together.
pub(super) const KNOWN_FLOOR: f32 = 1e-3;
/// How many of the mixture's best are ranked again: the reranker was fitted for as many.
pub const RERANKED: usize = 32;
