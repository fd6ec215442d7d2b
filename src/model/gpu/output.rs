//! Output layer, softmax and cross-entropy in chunks; the gradient overwrites the logits.

use candle_core::{CpuStorage, DType, InplaceOp3, Layout, Result, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, cuda::cudarc::driver::PushKernelArg};

use super::super::fused::slice;
use super::precomputed::PrecomputedOp;
use super::{allow_tf32, slice_f32_mut, values};
use crate::model::pass::MatmulPrecision;
use crate::tokenizer::TokenId;

/// `<PAD>`: a target that is ignored.
const PAD: u32 = TokenId::PAD.get();
/// Rows whose logits are in memory at once: about 330 MB in bf16.
const CHUNK: usize = 16_384;
/// Tensor cores need rows aligned to 16 bytes and full tiles.
const ALIGNMENT: usize = 64;
/// Bias of padding classes: their probability is 0.
const NEVER: f32 = -1e30;

/// Cross-entropy in nats of `targets` `[N]` given `hidden` `[N,H]`, with output layer `w` `[V,H]` and `b` `[V]`: full
/// softmax, summed over the targets that are not `<PAD>` and divided by `divisor`.
pub(in crate::model) fn cross_entropy(
    hidden: &Tensor,
    w: &Tensor,
    b: &Tensor,
    targets: &[u32],
    precision: MatmulPrecision,
    divisor: u64,
) -> Result<Tensor> {
    in_chunks(CHUNK, hidden, w, b, targets, precision, divisor)
}

/// [`cross_entropy`] with this many rows per chunk.
pub(super) fn in_chunks(
    chunk: usize,
    hidden: &Tensor,
    w: &Tensor,
    b: &Tensor,
    targets: &[u32],
    precision: MatmulPrecision,
    divisor: u64,
) -> Result<Tensor> {
    allow_tf32(precision);
    let device = hidden.device();
    // Candle does not multiply bf16 on a CPU, where only tests run this.
    let dtype = if precision == MatmulPrecision::Bf16 && !device.is_cpu() {
        DType::BF16
    } else {
        DType::F32
    };
    let scale = 1.0 / divisor as f32;
    let all_targets = Tensor::new(targets, device)?;
    let all_hidden = hidden.detach().to_dtype(dtype)?;
    let classes = b.elem_count();
    let padding = classes.next_multiple_of(ALIGNMENT) - classes;
    let weight = w.detach().pad_with_zeros(0, 0, padding)?.to_dtype(dtype)?; // [V',H]
    let bias = if padding == 0 {
        b.detach()
    } else {
        Tensor::cat(&[&b.detach(), &Tensor::full(NEVER, padding, device)?], 0)?
    }; // [V']
    let transposed = weight.t()?;
    let mut d_hidden = Vec::new();
    let mut d_weight = Tensor::zeros(weight.shape(), DType::F32, device)?;
    let mut d_bias = Tensor::zeros((1, classes + padding), DType::F32, device)?;
    let mut loss = Tensor::zeros((), DType::F32, device)?;
    for first in (0..targets.len()).step_by(chunk) {
        let rows = chunk.min(targets.len() - first);
        let hidden = all_hidden.narrow(0, first, rows)?;
        let targets = all_targets.narrow(0, first, rows)?;
        let logits = hidden.matmul(&transposed)?; // [n,V']
        let statistics = Tensor::zeros((rows, 2), DType::F32, device)?;
        statistics.inplace_op3(&logits, &bias, &Statistics { targets: &targets })?;
        loss = (loss + statistics.narrow(1, 1, 1)?.sum_all()?)?;
        let kernel = Gradient {
            targets: &targets,
            scale,
        };
        logits.inplace_op3(&statistics, &bias, &kernel)?;
        d_hidden.push(logits.matmul(&weight)?.to_dtype(DType::F32)?);
        let sum = |sum: Tensor, more: Tensor| sum + more.to_dtype(DType::F32)?;
        d_weight = sum(d_weight, logits.t()?.matmul(&hidden)?)?;
        let ones = Tensor::ones((1, rows), dtype, device)?;
        d_bias = sum(d_bias, ones.matmul(&logits)?)?;
    }
    let gradients = [
        Tensor::cat(&d_hidden, 0)?,
        d_weight.narrow(0, 0, classes)?,
        d_bias.squeeze(0)?.narrow(0, 0, classes)?,
    ];
    let backward = move |gradient: &Tensor| {
        let [hidden, weight, bias] = &gradients;
        Ok([
            hidden.broadcast_mul(gradient)?,
            weight.broadcast_mul(gradient)?,
            bias.broadcast_mul(gradient)?,
        ])
    };
    let loss = (loss * f64::from(scale))?;
    hidden.apply_op3(w, b, PrecomputedOp::new("output-loss", loss, backward))
}

/// Computes `statistics` `[n,2]` of logits `[n,V]` and bias `[V]`: log-sum-exp and cross-entropy, the latter 0 for
/// `<PAD>`.
pub(super) struct Statistics<'a> {
    pub(super) targets: &'a Tensor, // [n]
}

impl InplaceOp3 for Statistics<'_> {
    fn name(&self) -> &'static str {
        "softmax-statistics"
    }

    fn cpu_fwd(
        &self,
        statistics: &mut CpuStorage,
        l1: &Layout,
        logits: &CpuStorage,
        l2: &Layout,
        bias: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let (logits, bias) = (slice(logits, l2)?, slice(bias, l3)?);
        let rows = logits
            .chunks_exact(bias.len())
            .zip(values::<u32>(self.targets)?);
        let (pairs, _) = slice_f32_mut(statistics, l1)?.as_chunks_mut::<2>();
        for ([denominator, loss], (row, target)) in pairs.iter_mut().zip(rows) {
            let biased = || row.iter().zip(bias).map(|(z, b)| z + b);
            let most = biased().fold(f32::NEG_INFINITY, f32::max);
            *denominator = most + biased().map(|z| (z - most).exp()).sum::<f32>().ln();
            let at = target as usize;
            *loss = if target == PAD {
                0.0
            } else {
                *denominator - row[at] - bias[at]
            };
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        statistics: &mut CudaStorage,
        l1: &Layout,
        logits: &CudaStorage,
        l2: &Layout,
        bias: &CudaStorage,
        l3: &Layout,
    ) -> Result<()> {
        use super::launch::{blocks, cuda, input, kernel, output};
        let (rows, classes) = l2.shape().dims2()?;
        let (targets, l4) = self.targets.storage_and_layout();
        let targets = input::<u32>(cuda(&targets)?, l4)?;
        let device = &logits.device;
        let bias = input::<f32>(bias, l3)?;
        let mut statistics = output::<f32>(statistics, l1)?;
        let classes = classes as i32;
        macro_rules! launch {
            ($type:ty, $name:literal) => {{
                let (kernel, logits) = (kernel(device, $name)?, input::<$type>(logits, l2)?);
                let mut launch = kernel.builder();
                launch.arg(&mut statistics).arg(&logits).arg(&bias).arg(&targets).arg(&classes);
                // SAFETY: the arguments match the kernel's parameters, and the buffers have the sizes it expects.
                unsafe { launch.launch(blocks(rows)) }.map_err(candle_core::Error::wrap)?;
            }};
        }
        if candle_core::backend::BackendStorage::dtype(logits) == DType::BF16 {
            launch!(half::bf16, "softmax_statistics_bf16");
        } else {
            launch!(f32, "softmax_statistics_f32");
        }
        Ok(())
    }
}

/// Turns logits `[n,V]` into their gradient, given [`Statistics`] and the bias `[V]`: `(softmax - [class is the
/// target]) scale`.
pub(super) struct Gradient<'a> {
    pub(super) targets: &'a Tensor, // [n]
    pub(super) scale: f32,
}

impl InplaceOp3 for Gradient<'_> {
    fn name(&self) -> &'static str {
        "softmax-gradient"
    }

    fn cpu_fwd(
        &self,
        logits: &mut CpuStorage,
        l1: &Layout,
        statistics: &CpuStorage,
        l2: &Layout,
        bias: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let (statistics, bias) = (slice(statistics, l2)?, slice(bias, l3)?);
        let rows = slice_f32_mut(logits, l1)?.chunks_exact_mut(bias.len());
        let (pairs, _) = statistics.as_chunks::<2>();
        for ((row, [denominator, _]), target) in rows.zip(pairs).zip(values::<u32>(self.targets)?) {
            if target == PAD {
                row.fill(0.0);
                continue;
            }
            for (z, b) in row.iter_mut().zip(bias) {
                *z = (*z + b - denominator).exp() * self.scale;
            }
            row[target as usize] -= self.scale;
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        logits: &mut CudaStorage,
        l1: &Layout,
        statistics: &CudaStorage,
        l2: &Layout,
        bias: &CudaStorage,
        l3: &Layout,
    ) -> Result<()> {
        use super::launch::{blocks, cuda, input, kernel, output};
        let (rows, classes) = l1.shape().dims2()?;
        let (targets, l4) = self.targets.storage_and_layout();
        let targets = input::<u32>(cuda(&targets)?, l4)?;
        let device = &statistics.device;
        let (statistics, bias) = (input::<f32>(statistics, l2)?, input::<f32>(bias, l3)?);
        let classes = classes as i32;
        macro_rules! launch {
            ($type:ty, $name:literal) => {{
                let (kernel, mut logits) = (kernel(device, $name)?, output::<$type>(logits, l1)?);
                let mut launch = kernel.builder();
                launch.arg(&mut logits).arg(&statistics).arg(&bias).arg(&targets);
                launch.arg(&self.scale).arg(&classes);
                // SAFETY: the arguments match the kernel's parameters, and the buffers have the sizes it expects.
                unsafe { launch.launch(blocks(rows)) }.map_err(candle_core::Error::wrap)?;
            }};
        }
        if candle_core::backend::BackendStorage::dtype(logits) == DType::BF16 {
            launch!(half::bf16, "softmax_gradient_bf16");
        } else {
            launch!(f32, "softmax_gradient_f32");
        }
        Ok(())
    }
}
