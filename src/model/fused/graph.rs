//! The fused layer as an operation in Candle's autograd graph.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Storage, Tensor};

use super::FusedCell;
use super::layer::{Layer, Sizes, Weights};
use crate::model::pass::{MatmulPrecision, TrainingPass};

/// All steps of a layer: `x` `[T,B,I]` and the initial state -> outputs `[T,B,H]`, and the final `h` and `c` `[B,H]`.
/// Gradients flow to `x` and the weights but not to the initial state (truncated backpropagation).
pub(crate) fn seq<C: FusedCell>(
    x: &Tensor,
    weights: &Weights<Tensor>,
    state: (&Tensor, Option<&Tensor>),
    training: Option<TrainingPass>,
) -> Result<(Tensor, Tensor, Option<Tensor>)> {
    let (steps, lanes, inputs) = x.dims3()?;
    let hidden = weights.recurrent.dim(1)?;
    let layer = Arc::new(Layer::<C> {
        sizes: Sizes {
            steps,
            lanes,
            inputs,
            hidden,
        },
        h0: values(state.0)?,
        c0: state.1.map(values).transpose()?.unwrap_or_default(),
        starts: training.and_then(|t| t.starts).map(<[bool]>::to_vec),
        precision: training.map_or(MatmulPrecision::F32, |t| t.precision),
        saved: Mutex::default(),
        cell: PhantomData,
    });
    let Weights {
        input,
        recurrent,
        bias_input,
        bias_recurrent,
    } = weights;
    let outputs = if training.is_some() {
        // One tensor instead of four, because Candle's operations take at most three.
        let flat = [input, recurrent, bias_input, bias_recurrent].map(Tensor::flatten_all);
        let [a, b, c, d] = flat;
        let flat = Tensor::cat(&[a?, b?, c?, d?], 0)?;
        x.contiguous()?
            .apply_op2(&flat, Operation(Arc::clone(&layer)))?
    } else {
        let tensors = [x, input, recurrent, bias_input, bias_recurrent];
        let outputs = with_values(
            tensors,
            |[x, input, recurrent, bias_input, bias_recurrent]| {
                layer.forward(
                    x,
                    &Weights {
                        input,
                        recurrent,
                        bias_input,
                        bias_recurrent,
                    },
                )
            },
        )?;
        Tensor::from_vec(outputs, (steps, lanes, hidden), x.device())?
    }; // [T,B,H]
    let h = outputs.detach().get(steps - 1)?.force_contiguous()?; // a copy: a view would keep all of [T,B,H] alive
    let c = if C::HAS_CELL {
        let saved = layer.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let last = saved.c[(steps - 1) * lanes * hidden..].to_vec();
        Some(Tensor::from_vec(last, (lanes, hidden), x.device())?)
    } else {
        None
    };
    Ok((outputs, h, c))
}

/// [`Layer`] as a Candle operation on `x` and the concatenated weights.
struct Operation<C>(Arc<Layer<C>>);

impl<C: FusedCell> CustomOp2 for Operation<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        l1: &Layout,
        flat: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let outputs = self
            .0
            .forward(slice(x, l1)?, &self.0.weights(slice(flat, l2)?));
        let Sizes {
            steps,
            lanes,
            hidden,
            ..
        } = self.0.sizes;
        Ok((CpuStorage::F32(outputs), (steps, lanes, hidden).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        flat: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        gradients([x, flat, grad], |[x, flat, grad]| {
            self.0.backward(x, &self.0.weights(flat), grad)
        })
    }
}

/// The gradients of an operation's input and of its weights, which `backward` computes from the values of the input, the weights
/// and the gradient of the output.
pub(super) fn gradients(
    tensors: [&Tensor; 3],
    backward: impl FnOnce([&[f32]; 3]) -> (Vec<f32>, Vec<f32>),
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let [x, flat, grad] = tensors;
    let (d_x, d_flat) = with_values(tensors, backward)?;
    let device = grad.device();
    Ok((
        Some(Tensor::from_vec(d_x, x.shape(), device)?),
        Some(Tensor::from_vec(d_flat, flat.shape(), device)?),
    ))
}

/// The values of a contiguous f32 tensor's storage.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a fused operation got a strided tensor")
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Calls `f` with the values of CPU tensors; contiguous ones are not copied.
fn with_values<const N: usize, R>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> R,
) -> Result<R> {
    let tensors: Vec<Tensor> = tensors
        .into_iter()
        .map(Tensor::contiguous)
        .collect::<Result<_>>()?;
    let storages: Vec<_> = tensors.iter().map(Tensor::storage_and_layout).collect();
    let mut slices = [&[][..]; N];
    for (values, (storage, layout)) in slices.iter_mut().zip(&storages) {
        let Storage::Cpu(storage) = &**storage else {
            candle_core::bail!("a fused operation got a tensor that is not on the CPU")
        };
        *values = slice(storage, layout)?;
    }
    Ok(f(slices))
}

pub(super) fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}
