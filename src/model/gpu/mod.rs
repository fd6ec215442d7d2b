//! The training step on a GPU: matrix products by cuBLAS through Candle, and between them kernels of our own
//! (`kernels.cu`), since Candle's operations under autograd launch dozens a step.
//!
//! A recurrent step is one product and one kernel, forward as backward; the products over all steps at once (input
//! projection, weight gradients) stand outside the time loop. The output layer works chunk by chunk with logits, and
//! their gradient in their place. With [`super::MatmulPrecision::Bf16`] the output layer multiplies in bf16 and the
//! layers in TF32, whose products need no copies in another type.
//!
//! Everything here is written in tensor operations and runs on a CPU as well, where the kernels are a few lines of
//! Rust: that is how it is tested without a GPU. The fused operations of [`super::fused`] are what a CPU trains with.

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

/// Whether products of f32 may round their factors to TF32 (10 bits of mantissa): a setting of the process, so each
/// user makes it before its products.
pub(super) fn allow_tf32(precision: MatmulPrecision) {
    candle_core::cuda::set_gemm_reduced_precision_f32(precision == MatmulPrecision::Bf16);
}

/// The values of a tensor that lies in the CPU's memory.
fn values<T: candle_core::WithDType>(tensor: &Tensor) -> Result<Vec<T>> {
    tensor.flatten_all()?.to_vec1()
}

/// The elements of a contiguous f32 tensor on the CPU, to be changed.
fn slice_f32_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((start, end)), CpuStorage::F32(values)) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("a kernel got a strided tensor, or one of another type"),
    }
}
