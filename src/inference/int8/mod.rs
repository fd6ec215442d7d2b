//! Int8 matrix products. [`matrix`] owns the quantised formats; [`kernel`] owns the processor's instructions. Neither
//! knows what network it computes.

pub(super) mod kernel;
pub(super) mod matrix;
