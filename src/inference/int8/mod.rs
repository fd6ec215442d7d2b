//! Int8 matrix products. [`matrix`] owns the quantised formats; [`kernel`] owns the processor-specific instructions.
//! Neither knows which network it computes.

pub(super) mod kernel;
pub(super) mod matrix;
