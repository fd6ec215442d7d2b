//! What the n-gram models of the buffer and of the project share.

/// The longest context that both index by its length, in tokens.
pub const MAX_NGRAM_ORDER: usize = 5;

/// The interpolation weight of a context over shorter ones, n / (n + d), for continuations that add up to n and of which
/// d are distinct; 0 for none (Witten & Bell 1991, method C).
pub(crate) fn interpolation_weight(total: f32, distinct: usize) -> f32 {
    if total > 0.0 {
        total / (total + distinct as f32)
    } else {
        0.0
    }
}
