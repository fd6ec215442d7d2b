//! The training step on a GPU: matrix products by cuBLAS through Candle, and custom kernels (`kernels.cu`) between
//! them, because Candle's operations under autograd need dozens of launches per step.
//!
//! A recurrent step is one product and one kernel, forward and backward; products over all steps at once (input
//! projection, weight gradients) are outside the time loop. The output layer processes logits in chunks and overwrites
//! them with their gradient. With [`super::MatmulPrecision::Bf16`] the output layer multiplies in bf16 and the
//! recurrent layers in TF32, which needs no converted copies.
//!
//! The code is written in tensor operations and also runs on a CPU, where each kernel is a few lines of Rust; this
//! allows tests without a GPU. CPU training uses the fused operations of [`super::fused`].

mod embedding;
#[cfg(feature = "cuda")]
pub(super) mod launch;
mod lstm;
mod output;
mod precomputed;
#[cfg(test)]
mod tests;

pub(super) use embedding::lookup;
pub(super) use lstm::seq;
pub(super) use output::cross_entropy;

use candle_core::{CpuStorage, Layout, Result, Tensor};

use super::pass::MatmulPrecision;

/// Allows f32 products to round their factors to TF32 (10 bits of mantissa), or forbids it. This is a process-wide
/// setting, so each caller sets it before its products.
pub(super) fn allow_tf32(precision: MatmulPrecision) {
    candle_core::cuda::set_gemm_reduced_precision_f32(precision == MatmulPrecision::Bf16);
}

/// The values of a CPU tensor.
fn values<T: candle_core::WithDType>(tensor: &Tensor) -> Result<Vec<T>> {
    tensor.flatten_all()?.to_vec1()
}

/// Mutable access to the elements of a contiguous f32 CPU tensor.
fn slice_f32_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((start, end)), CpuStorage::F32(values)) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("a kernel got a strided tensor, or one of another type"),
    }
}
