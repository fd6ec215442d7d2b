//! LSTM layer for the GPU: one matrix product and one kernel per step. Equations as in [`super::super::fused`].

use candle_core::{CpuStorage, DType, Device, InplaceOp3, Layout, Result, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, cuda::cudarc::driver::PushKernelArg};

use super::super::fused::{FusedCell, Gated, Weights, slice};
use super::super::layer_state::LayerState;
use super::precomputed::PrecomputedOp;
use super::{slice_f32_mut, values};

/// Blocks of `[B,H]` saved per step: four gates, `c`, `h`.
const SAVED: usize = 6;
const CELL: usize = 4;
const HIDDEN: usize = 5;

/// All steps of a layer: `x` `[T,B,I]` and the initial state -> outputs `[T,B,H]` and the final state. Gradients flow
/// to `x` and the weights but not to the initial state (truncated backpropagation). `starts` `[T*B]`: where a file
/// starts, the previous state counts as zero.
pub(in crate::model) fn seq(
    x: &Tensor,
    weights: &Weights<Tensor>,
    state: &LayerState,
    starts: Option<&[bool]>,
) -> Result<(Tensor, LayerState)> {
    let layer = Layer::run(&x.detach(), weights, state, starts)?;
    let state = LayerState::new(&layer.last(HIDDEN)?, Some(&layer.last(CELL)?));
    let outputs = layer.hidden(1)?;
    // Candle's operations take at most three arguments, so the weights are concatenated, and so are the biases.
    let cat = |a: &Tensor, b: &Tensor| Tensor::cat(&[a.flatten_all()?, b.flatten_all()?], 0);
    let matrices = cat(&weights.input, &weights.recurrent)?;
    let biases = cat(&weights.bias_input, &weights.bias_recurrent)?;
    let backward = move |d_outputs: &Tensor| layer.backward(d_outputs);
    let outputs = x.contiguous()?.apply_op3(
        &matrices,
        &biases,
        PrecomputedOp::new("lstm-layer", outputs, backward),
    )?;
    Ok((outputs, state))
}

/// A layer's pass and the activations that its backward pass needs.
struct Layer {
    sizes: Sizes,
    x: Tensor,         // [T*B,I]
    input: Tensor,     // weight_ih [4H,I]
    recurrent: Tensor, // weight_hh [4H,H]
    keep: Tensor,      // [T*B]: 0 where a file starts, else 1
    saved: Tensor,     // [(T+1)*6*B*H], see kernels.cu
}

#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) steps: usize,
    pub(super) lanes: usize,
    pub(super) hidden: usize,
}

impl Sizes {
    fn cells(self) -> usize {
        self.lanes * self.hidden
    }
}

impl Layer {
    fn run(
        x: &Tensor,
        weights: &Weights<Tensor>,
        state: &LayerState,
        starts: Option<&[bool]>,
    ) -> Result<Self> {
        let (steps, lanes, inputs) = x.dims3()?;
        let hidden = weights.recurrent.dim(1)?;
        let sizes = Sizes {
            steps,
            lanes,
            hidden,
        };
        let (device, cells) = (x.device(), sizes.cells());
        let [input, recurrent, bias_input, bias_recurrent] = [
            &weights.input,
            &weights.recurrent,
            &weights.bias_input,
            &weights.bias_recurrent,
        ]
        .map(Tensor::detach);
        let x = x.reshape((steps * lanes, inputs))?;
        let projected = x.matmul(&input.t()?)?; // [T*B,4H]
        let bias = (bias_input + bias_recurrent)?; // [4H]
        let saved = Tensor::zeros((steps + 1) * SAVED * cells, DType::F32, device)?;
        for (block, initial) in [(CELL, state.c.as_ref()), (HIDDEN, Some(&state.h))] {
            let Some(initial) = initial else {
                candle_core::bail!("the state of an LSTM must have c")
            };
            saved.slice_set(&initial.flatten_all()?, 0, block * cells)?;
        }
        let layer = Self {
            sizes,
            x,
            input,
            recurrent,
            keep: keep(starts, steps * lanes, device)?,
            saved,
        };
        let transposed = layer.recurrent.t()?; // [H,4H]
        for step in 0..steps {
            let at = (step * SAVED + HIDDEN) * cells;
            let h = layer.saved.narrow(0, at, cells)?.reshape((lanes, hidden))?;
            let kernel = Forward {
                bias: &bias,
                keep: &layer.keep,
                step,
                sizes,
            };
            layer
                .saved
                .inplace_op3(&projected, &h.matmul(&transposed)?, &kernel)?;
        }
        Ok(layer)
    }

    /// Hidden states `[T,B,H]` after the steps from `first` on; with `first` 0, before each step.
    fn hidden(&self, first: usize) -> Result<Tensor> {
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let cells = self.sizes.cells();
        self.saved
            .reshape((steps + 1, SAVED * cells))?
            .narrow(0, first, steps)?
            .narrow(1, HIDDEN * cells, cells)?
            .force_contiguous()?
            .reshape((steps, lanes, hidden))
    }

    /// A block of the last step, copied.
    fn last(&self, block: usize) -> Result<Tensor> {
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let at = (steps * SAVED + block) * self.sizes.cells();
        self.saved
            .narrow(0, at, self.sizes.cells())?
            .force_contiguous()?
            .reshape((lanes, hidden))
    }

    /// Gradients of `x`, the weights and the biases, given the gradient of the outputs `[T,B,H]`.
    fn backward(&self, d_outputs: &Tensor) -> Result<[Tensor; 3]> {
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let (rows, width, cells) = (steps * lanes, 4 * hidden, self.sizes.cells());
        let device = d_outputs.device();
        let d = Tensor::zeros(rows * width + cells, DType::F32, device)?;
        let mut d_hidden = Tensor::zeros((lanes, hidden), DType::F32, device)?;
        for step in (0..steps).rev() {
            let kernel = Backward {
                d_outputs,
                keep: &self.keep,
                step,
                sizes: self.sizes,
            };
            d.inplace_op3(&self.saved, &d_hidden, &kernel)?;
            d_hidden = d
                .narrow(0, step * lanes * width, lanes * width)?
                .reshape((lanes, width))?
                .matmul(&self.recurrent)?;
        }
        let d_gates = d.narrow(0, 0, rows * width)?.reshape((rows, width))?; // [T*B,4H]
        let keep = self.keep.reshape((rows, 1))?;
        let before = self
            .hidden(0)?
            .reshape((rows, hidden))?
            .broadcast_mul(&keep)?; // [T*B,H]
        let transposed = d_gates.t()?;
        let d_input = transposed.matmul(&self.x)?.flatten_all()?;
        let d_recurrent = transposed.matmul(&before)?.flatten_all()?;
        // A product, because Candle's sum over rows accesses memory by columns.
        let d_bias = Tensor::ones((1, rows), DType::F32, device)?
            .matmul(&d_gates)?
            .flatten_all()?;
        let d_x = d_gates.matmul(&self.input)?.reshape((steps, lanes, ()))?;
        Ok([
            d_x,
            Tensor::cat(&[d_input, d_recurrent], 0)?,
            Tensor::cat(&[&d_bias, &d_bias], 0)?,
        ])
    }
}

fn keep(starts: Option<&[bool]>, places: usize, device: &Device) -> Result<Tensor> {
    let Some(starts) = starts else {
        return Tensor::ones(places, DType::F32, device);
    };
    let keep = starts.iter().map(|&start| f32::from(u8::from(!start)));
    Tensor::from_iter(keep, device)
}

/// One forward step over `saved`, the projected inputs `[T*B,4H]` and the recurrent product `[B,4H]`.
pub(super) struct Forward<'a> {
    pub(super) bias: &'a Tensor,
    pub(super) keep: &'a Tensor,
    pub(super) step: usize,
    pub(super) sizes: Sizes,
}

impl InplaceOp3 for Forward<'_> {
    fn name(&self) -> &'static str {
        "lstm-forward"
    }

    fn cpu_fwd(
        &self,
        saved: &mut CpuStorage,
        l1: &Layout,
        projected: &CpuStorage,
        l2: &Layout,
        recurrent: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let Sizes { lanes, hidden, .. } = self.sizes;
        let (cells, keep) = (self.sizes.cells(), values::<f32>(self.keep)?);
        let saved = slice_f32_mut(saved, l1)?;
        let (before, after) = saved.split_at_mut((self.step + 1) * SAVED * cells);
        let (gates, after) = after.split_at_mut(CELL * cells);
        let (c, h) = after.split_at_mut(cells);
        let inputs = &slice(projected, l2)?[self.step * 4 * cells..][..4 * cells];
        let keep = &keep[self.step * lanes..][..lanes];
        let mut c_before = before[(self.step * SAVED + CELL) * cells..][..cells].to_vec();
        for (lane, &keep) in keep.iter().enumerate() {
            c_before[lane * hidden..][..hidden]
                .iter_mut()
                .for_each(|c| *c *= keep);
        }
        let (recurrent, bias) = (slice(recurrent, l3)?, values::<f32>(self.bias)?);
        for (k, gate) in gates.iter_mut().enumerate() {
            *gate = inputs[k] + keep[k / (4 * hidden)] * recurrent[k] + bias[k % (4 * hidden)];
        }
        Gated::forward(hidden, gates, &c_before, c, &mut h[..cells]);
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        saved: &mut CudaStorage,
        l1: &Layout,
        projected: &CudaStorage,
        l2: &Layout,
        recurrent: &CudaStorage,
        l3: &Layout,
    ) -> Result<()> {
        use super::launch::{cuda, elements, input, kernel, output};
        let kernel = kernel(&projected.device, "lstm_forward")?;
        let (keep, l4) = self.keep.storage_and_layout();
        let (bias, l5) = self.bias.storage_and_layout();
        let keep = input::<f32>(cuda(&keep)?, l4)?;
        let bias = input::<f32>(cuda(&bias)?, l5)?;
        let (projected, recurrent) = (input::<f32>(projected, l2)?, input::<f32>(recurrent, l3)?);
        let mut saved = output::<f32>(saved, l1)?;
        let sizes = [self.step, self.sizes.lanes, self.sizes.hidden].map(|size| size as i32);
        let mut launch = kernel.builder();
        launch.arg(&mut saved).arg(&projected).arg(&recurrent);
        launch.arg(&bias).arg(&keep);
        sizes.iter().for_each(|size| {
            launch.arg(size);
        });
        // SAFETY: the arguments match the kernel's parameters, and the buffers have the sizes it expects.
        unsafe { launch.launch(elements(self.sizes.cells())) }.map_err(candle_core::Error::wrap)?;
        Ok(())
    }
}

/// One backward step over the gradients of the pre-activations `[T,B,4H]` followed by those of `c`, `saved`, and the
/// recurrent product `[B,H]` of the next step.
pub(super) struct Backward<'a> {
    pub(super) d_outputs: &'a Tensor,
    pub(super) keep: &'a Tensor,
    pub(super) step: usize,
    pub(super) sizes: Sizes,
}

impl InplaceOp3 for Backward<'_> {
    fn name(&self) -> &'static str {
        "lstm-backward"
    }

    fn cpu_fwd(
        &self,
        d: &mut CpuStorage,
        l1: &Layout,
        saved: &CpuStorage,
        l2: &Layout,
        recurrent: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let (cells, step) = (self.sizes.cells(), self.step);
        let (keep, d_outputs) = (values::<f32>(self.keep)?, values::<f32>(self.d_outputs)?);
        let (saved, recurrent) = (slice(saved, l2)?, slice(recurrent, l3)?);
        let (d_gates, dc) = slice_f32_mut(d, l1)?.split_at_mut(steps * 4 * cells);
        let kept = |step: usize, cell: usize| keep[step * lanes + cell / hidden];
        let mut dh = d_outputs[step * cells..][..cells].to_vec();
        if step + 1 < steps {
            for (cell, dh) in dh.iter_mut().enumerate() {
                *dh += kept(step + 1, cell) * recurrent[cell];
            }
        }
        let before = &saved[(step * SAVED + CELL) * cells..][..cells];
        let c_before: Vec<f32> = (0..cells)
            .map(|cell| kept(step, cell) * before[cell])
            .collect();
        let gates = &saved[(step + 1) * SAVED * cells..][..SAVED * cells];
        Gated::backward(
            hidden,
            &gates[..4 * cells],
            &c_before,
            &gates[CELL * cells..][..cells],
            &dh,
            dc,
            &mut d_gates[step * 4 * cells..][..4 * cells],
        );
        for (cell, dc) in dc.iter_mut().enumerate() {
            *dc *= kept(step, cell);
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        d: &mut CudaStorage,
        l1: &Layout,
        saved: &CudaStorage,
        l2: &Layout,
        recurrent: &CudaStorage,
        l3: &Layout,
    ) -> Result<()> {
        use super::launch::{cuda, elements, input, kernel, output};
        let kernel = kernel(&saved.device, "lstm_backward")?;
        let (keep, l4) = self.keep.storage_and_layout();
        let (d_outputs, l5) = self.d_outputs.storage_and_layout();
        let keep = input::<f32>(cuda(&keep)?, l4)?;
        let d_outputs = input::<f32>(cuda(&d_outputs)?, l5)?;
        let (saved, recurrent) = (input::<f32>(saved, l2)?, input::<f32>(recurrent, l3)?);
        let mut d = output::<f32>(d, l1)?;
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let sizes = [self.step, steps, lanes, hidden].map(|size| size as i32);
        let mut launch = kernel.builder();
        launch
            .arg(&mut d)
            .arg(&saved)
            .arg(&recurrent)
            .arg(&d_outputs)
            .arg(&keep);
        sizes.iter().for_each(|size| {
            launch.arg(size);
        });
        // SAFETY: the arguments match the kernel's parameters, and the buffers have the sizes it expects.
        unsafe { launch.launch(elements(self.sizes.cells())) }.map_err(candle_core::Error::wrap)?;
        Ok(())
    }
}
