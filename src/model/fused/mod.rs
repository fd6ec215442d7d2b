//! Fused recurrent layer for the CPU: the layer and its input projection as one Candle operation with a hand-written
//! backward pass.
//!
//! Each thread runs the whole time loop for its own lanes of the batch, without synchronisation inside it. A step is
//! one matrix product and one fused element-wise pass. The input projection before the loop and the gradients of input
//! and weights after it are matrix products over the whole sequence. Backward equations: Graves 2012, "Supervised
//! Sequence Labelling with Recurrent Neural Networks", section 4.6.

mod attention;
mod bf16;
mod cell;
mod feed_forward;
mod graph;
mod kernel;
mod layer;
mod matrix;
mod norm;
mod view;

pub(crate) use attention::{HeadSizes, KeyValues, attention};
pub(crate) use cell::{Elman, FusedCell, Gated};
pub(crate) use feed_forward::feed_forward;
pub(crate) use graph::{seq, slice};
pub use kernel::accelerated;
pub(crate) use layer::Weights;
pub(crate) use matrix::PackedRhs;
pub use matrix::peak_rate;
pub(crate) use norm::EPSILON;
pub(crate) use view::{View, threads};
