//! Hidden states along a document, compared by a continuous cache to find earlier positions similar to the current one
//! (Grave, Joulin & Usunier 2017, "Improving Neural Language Models with a Continuous Cache"). Unrelated to the key-value
//! cache of a transformer, which would be a [`StateStore`](super::network::StateStore).

use super::int8::kernel::Kernel;
use super::int8::matrix::{Activations, Matrix};

/// Number of earlier positions that [`HiddenDirections::similarities`] compares.
pub const WINDOW: usize = 4096;
/// Maximum number of hidden states kept; a longer document drops its first ones. With hidden size 512, each takes half
/// a kilobyte.
const MAX_STATES: usize = 3 * WINDOW;
/// Number of hidden states dropped at a time.
const DROPPED: usize = 1024;

/// Directions of the centred hidden states, int8, one per token.
#[derive(Debug)]
pub(super) struct HiddenDirections {
    /// The number of tokens before the first kept state.
    first: usize,
    directions: Matrix,
}

/// How similar earlier positions are to the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineScores {
    /// Number of tokens read at the first of these positions.
    pub first: usize,
    /// Cosines of the centred hidden states, one per position. Positions are consecutive.
    pub values: Vec<f32>,
}

impl HiddenDirections {
    pub(super) fn new(hidden_size: usize) -> Self {
        Self {
            first: 0,
            directions: Matrix::empty(hidden_size),
        }
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.directions.bytes()
    }

    /// Appends the hidden states `[T,H]` after each token that follows the first `read` tokens. Skips those already
    /// stored.
    pub(super) fn extend(&mut self, read: usize, hidden: &[f32], centre: &[f32]) {
        debug_assert!(self.first <= read && read <= self.end(), "see `restart`");
        let known = self.end() - read;
        let mut direction = vec![0.0; centre.len()];
        for hidden in hidden.chunks_exact(centre.len()).skip(known) {
            for ((out, h), c) in direction.iter_mut().zip(hidden).zip(centre) {
                *out = h - c;
            }
            self.directions.push_direction(&direction);
            if self.directions.rows() >= MAX_STATES + DROPPED {
                self.first += self.directions.drop_first(DROPPED);
            }
        }
    }

    /// Whether, once the tokens after the first `next` have been read, every state that
    /// [`HiddenDirections::similarities`] after `read` tokens compares is stored.
    pub(super) fn reach(&self, read: usize, next: usize) -> bool {
        self.first <= Self::beginning(read) && next <= self.end()
    }

    /// The position from which the states must be kept for [`HiddenDirections::similarities`] after `read` tokens.
    pub(super) fn beginning(read: usize) -> usize {
        read.saturating_sub(WINDOW + 1)
    }

    /// Drops all states. The next states appended are those after the first `read` tokens.
    pub(super) fn restart(&mut self, read: usize) {
        self.directions.truncate(0);
        self.first = read;
    }

    /// Number of tokens read at the last state.
    fn end(&self) -> usize {
        self.first + self.directions.rows()
    }

    /// Drops the states that have read more than `read` tokens.
    pub(super) fn truncate(&mut self, read: usize) {
        self.directions.truncate(read.saturating_sub(self.first));
    }

    /// Cosines between `hidden`, the state after `read` tokens, and the states at the last [`WINDOW`] positions before it.
    pub(super) fn similarities(
        &self,
        kernel: Kernel,
        hidden: &[f32],
        centre: &[f32],
        read: usize,
    ) -> CosineScores {
        let direction: Vec<f32> = hidden.iter().zip(centre).map(|(h, c)| h - c).collect();
        let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt();
        let mut query = Activations::default();
        query.push(&direction);
        // The previous position is the last one whose next token is known.
        let end = (read - 1)
            .saturating_sub(self.first)
            .min(self.directions.rows());
        let start = end.saturating_sub(WINDOW);
        let mut cosines = self.directions.products(kernel, start..end, &query);
        let inverse = if length > 0.0 { 1.0 / length } else { 0.0 };
        cosines.iter_mut().for_each(|x| *x *= inverse);
        CosineScores {
            first: self.first + start + 1,
            values: cosines,
        }
    }
}
