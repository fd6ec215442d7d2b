//! A recurrent layer behind its input projection as one Candle operation with a hand-written backward pass (CPU).
//!
//! The time loop is run by each thread for its own lanes of the batch, start to end: no thread waits for another
//! inside it. Per step it does one matrix product and one fused element-wise pass; the gradient of the recurrent
//! weights is one matrix product over the whole sequence, after the loop.
//! Backward equations: Graves 2012, "Supervised Sequence Labelling with Recurrent Neural Networks", section 4.6.

mod cell;
mod layer;
mod matrix;
mod simd;

pub(crate) use cell::{Elman, FusedCell, Gated};
pub(crate) use layer::{seq, slice};
pub(crate) use matrix::{View, product, threads};
pub(crate) use simd::{dot, softmax_in_place};
