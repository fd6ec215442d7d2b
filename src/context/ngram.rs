//! Definitions shared by the n-gram models of the buffer and the project.

/// Maximum n-gram context length in tokens, in the buffer and in the project.
pub const MAX_NGRAM_ORDER: usize = 5;

/// Interpolation weight of a context over shorter ones: n / (n + d) for n continuations of which d are distinct; 0 if there
/// are none (Witten & Bell 1991, method C).
pub(crate) fn interpolation_weight(total: f32, distinct: usize) -> f32 {
    if total > 0.0 {
        total / (total + distinct as f32)
    } else {
        0.0
    }
}
