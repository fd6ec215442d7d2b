//! Inverted dropout (Srivastava et al. 2014) with a mask that is a function of a seed: a resumed run drops the same
//! elements as an uninterrupted one, on any device and with any number of threads.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, cuda::cudarc::driver::PushKernelArg};
use rayon::prelude::*;

use super::SplitMix64;
use super::fused::slice;

/// Elements per thread and task; each random number serves two elements.
const CHUNK: usize = 1 << 14;

/// `x` with elements zeroed with `probability`, and the others scaled by `1 / (1 - probability)`.
pub(super) fn dropout(x: &Tensor, probability: f64, seed: u64) -> Result<Tensor> {
    let mask = Mask {
        threshold: (probability * f64::from(u32::MAX)) as u32,
        scale: (1.0 / (1.0 - probability)) as f32,
        seed,
    };
    x.contiguous()?.apply_op1(mask)
}

/// The operation; its backward pass applies the same mask and scale.
#[derive(Clone, Copy)]
struct Mask {
    /// An element is dropped if its 32-bit random number is below this.
    threshold: u32,
    scale: f32,
    seed: u64,
}

impl CustomOp1 for Mask {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut out = slice(x, layout)?.to_vec();
        out.par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(index, chunk)| {
                let mut generator = SplitMix64::new(self.seed);
                generator.skip((index * CHUNK / 2) as u64);
                for pair in chunk.chunks_mut(2) {
                    let bits = generator.next_u64();
                    for (x, half) in pair.iter_mut().zip([bits as u32, (bits >> 32) as u32]) {
                        *x *= if half < self.threshold {
                            0.0
                        } else {
                            self.scale
                        };
                    }
                }
            });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        use super::gpu::launch::{elements, input, kernel};
        let (device, count) = (x.device.clone(), layout.shape().elem_count());
        let (kernel, x) = (kernel(&device, "dropout")?, input::<f32>(x, layout)?);
        // SAFETY: the kernel writes every element.
        let mut out = unsafe { device.alloc::<f32>(count) }?;
        let size = count as i32;
        let mut launch = kernel.builder();
        launch.arg(&mut out).arg(&x).arg(&size);
        launch.arg(&self.threshold).arg(&self.scale).arg(&self.seed);
        // SAFETY: the arguments match the kernel's parameters.
        unsafe { launch.launch(elements(count)) }.map_err(candle_core::Error::wrap)?;
        Ok((
            CudaStorage::wrap_cuda_slice(out, device),
            layout.shape().clone(),
        ))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op1_no_bwd(self).map(Some)
    }
}
