//! The fused operation: time loop forward and backward, and its place in Candle's graph.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Storage, Tensor};
use rayon::prelude::*;

use super::super::Training;
use super::{FusedCell, View, product, threads};

/// All steps of a layer: `projected` `[T,B,G*H]` (`W_ih x`, without biases), `w` `[G*H,H]`, `bias` `[G*H]` (the sum of
/// both), the state before the first step -> outputs `[T,B,H]`, then `h` and `c` after the last step. Gradients flow
/// to the three tensors and, by the truncation of back-propagation, not to the state.
pub(crate) fn seq<C: FusedCell>(
    projected: &Tensor,
    w: &Tensor,
    bias: &Tensor,
    state: (&Tensor, Option<&Tensor>),
    training: Option<Training>,
) -> Result<(Tensor, Tensor, Option<Tensor>)> {
    let (steps, lanes, _) = projected.dims3()?;
    let hidden = w.dim(1)?;
    let op = Layer::<C> {
        sizes: Sizes {
            steps,
            lanes,
            hidden,
        },
        h0: values(state.0)?,
        c0: state.1.map(values).transpose()?.unwrap_or_default(),
        starts: training.and_then(|t| t.starts).map(<[bool]>::to_vec),
        saved: Arc::default(),
        cell: PhantomData,
    };
    let saved = Arc::clone(&op.saved);
    let outputs = if training.is_some() {
        projected.apply_op3(w, bias, op)?
    } else {
        projected.apply_op3_no_bwd(w, bias, &op)?
    }; // [T,B,H]
    let h = outputs.detach().get(steps - 1)?.copy()?; // a copy: a view would keep all of [T,B,H] alive
    let c = if C::HAS_CELL {
        let saved = saved.lock().unwrap_or_else(PoisonError::into_inner);
        let last = saved.c[(steps - 1) * lanes * hidden..].to_vec();
        Some(Tensor::from_vec(last, (lanes, hidden), projected.device())?)
    } else {
        None
    };
    Ok((outputs, h, c))
}

#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    lanes: usize,
    hidden: usize,
}

/// What backward needs of forward, time-major like everything else.
#[derive(Default)]
struct Saved {
    gates: Vec<f32>,      // activations [T,B,G*H]
    c: Vec<f32>,          // [T,B,H], empty without cell state
    h_previous: Vec<f32>, // [T,B,H]: the state that each step started from, zero where a file starts
    c_previous: Vec<f32>, // [T,B,H], empty without cell state
}

struct Layer<C> {
    sizes: Sizes,
    h0: Vec<f32>,              // [B,H]
    c0: Vec<f32>,              // [B,H], empty without cell state
    starts: Option<Vec<bool>>, // [T*B]
    saved: Arc<Mutex<Saved>>,
    cell: PhantomData<fn() -> C>,
}

impl<C: FusedCell> Layer<C> {
    fn starts(&self, step: usize, lane: usize) -> bool {
        self.starts
            .as_ref()
            .is_some_and(|starts| starts[step * self.sizes.lanes + lane])
    }

    /// Lanes of the batch that each thread runs.
    fn groups(&self) -> Vec<Range<usize>> {
        let count = threads().clamp(1, self.sizes.lanes);
        let bound = |k: usize| k * self.sizes.lanes / count;
        (0..count).map(|k| bound(k)..bound(k + 1)).collect()
    }

    fn forward(&self, projected: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let width = C::GATES * hidden;
        // One transposed copy pays once several products use it; a single lane reads the rows as they lie.
        let transposed = (lanes > 1).then(|| transpose(w, width, hidden)); // [H,G*H]
        let weights = transposed.as_ref().map_or_else(
            || View::new(w, width, hidden).t(),
            |t| View::new(t, hidden, width),
        );

        let cells = if C::HAS_CELL {
            steps * lanes * hidden
        } else {
            0
        };
        let mut saved = Saved {
            gates: projected.to_vec(),
            c: vec![0.0; cells],
            h_previous: vec![0.0; steps * lanes * hidden],
            c_previous: vec![0.0; cells],
        };
        let mut outputs = vec![0.0; steps * lanes * hidden];
        let groups = self.groups();
        let gates = split_lanes(&mut saved.gates, self.sizes, &groups);
        let c = split_lanes(&mut saved.c, self.sizes, &groups);
        let h_previous = split_lanes(&mut saved.h_previous, self.sizes, &groups);
        let c_previous = split_lanes(&mut saved.c_previous, self.sizes, &groups);
        let outputs_by_group = split_lanes(&mut outputs, self.sizes, &groups);
        let work = (groups, gates, c, h_previous, c_previous, outputs_by_group);
        work.into_par_iter().for_each(
            |(group, mut gates, mut c, mut h_previous, mut c_previous, mut outputs)| {
                let rows = group.start * hidden..group.end * hidden;
                for t in 0..steps {
                    let (h_before, c_before) = if t == 0 {
                        (
                            &self.h0[rows.clone()],
                            self.c0.get(rows.clone()).unwrap_or_default(),
                        )
                    } else {
                        (&*outputs[t - 1], &*c[t - 1])
                    };
                    for row in group
                        .clone()
                        .filter(|&lane| !self.starts(t, lane))
                        .map(|lane| lane - group.start)
                    {
                        let at = row * hidden..(row + 1) * hidden;
                        h_previous[t][at.clone()].copy_from_slice(&h_before[at.clone()]);
                        if C::HAS_CELL {
                            c_previous[t][at.clone()].copy_from_slice(&c_before[at]);
                        }
                    }
                    for row in gates[t].chunks_exact_mut(width) {
                        row.iter_mut().zip(bias).for_each(|(a, b)| *a += b);
                    }
                    product(
                        gates[t],
                        View::new(h_previous[t], group.len(), hidden),
                        weights,
                        true,
                        false,
                    );
                    C::forward(hidden, gates[t], c_previous[t], c[t], outputs[t]);
                }
            },
        );
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = saved;
        outputs
    }

    /// Gradients of `projected`, `w` and `bias` from that of the outputs.
    fn backward(&self, w: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        let width = C::GATES * hidden;
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut d_gates = vec![0.0; steps * lanes * width];
        let groups = self.groups();
        let by_group = split_lanes(&mut d_gates, self.sizes, &groups);
        (groups, by_group)
            .into_par_iter()
            .for_each(|(group, mut d_gates)| {
                let mut dh = vec![0.0; group.len() * hidden];
                let mut dc = vec![0.0; if C::HAS_CELL { group.len() * hidden } else { 0 }];
                for t in (0..steps).rev() {
                    let block = |all: &'_ [f32], columns: usize| -> Range<usize> {
                        let first = (t * lanes + group.start) * columns;
                        if all.is_empty() {
                            0..0
                        } else {
                            first..first + group.len() * columns
                        }
                    };
                    dh.iter_mut()
                        .zip(&grad[block(grad, hidden)])
                        .for_each(|(a, b)| *a += b);
                    C::backward(
                        hidden,
                        &saved.gates[block(&saved.gates, width)],
                        &saved.c_previous[block(&saved.c_previous, hidden)],
                        &saved.c[block(&saved.c, hidden)],
                        &dh,
                        &mut dc,
                        d_gates[t],
                    );
                    product(
                        &mut dh,
                        View::new(d_gates[t], group.len(), width),
                        View::new(w, width, hidden),
                        false,
                        false,
                    );
                    for row in group
                        .clone()
                        .filter(|&lane| self.starts(t, lane))
                        .map(|lane| lane - group.start)
                    {
                        dh[row * hidden..(row + 1) * hidden].fill(0.0);
                        if C::HAS_CELL {
                            dc[row * hidden..(row + 1) * hidden].fill(0.0);
                        }
                    }
                }
            });
        let mut dw = vec![0.0; width * hidden];
        let all = View::new(&d_gates, steps * lanes, width);
        product(
            &mut dw,
            all.t(),
            View::new(&saved.h_previous, steps * lanes, hidden),
            false,
            true,
        );
        let mut d_bias = vec![0.0; width];
        for row in d_gates.chunks_exact(width) {
            d_bias.iter_mut().zip(row).for_each(|(a, b)| *a += b);
        }
        (d_gates, dw, d_bias)
    }
}

impl<C: FusedCell> CustomOp3 for Layer<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(
        &self,
        projected: &CpuStorage,
        l1: &Layout,
        w: &CpuStorage,
        l2: &Layout,
        bias: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let outputs = self.forward(slice(projected, l1)?, slice(w, l2)?, slice(bias, l3)?);
        let Sizes {
            steps,
            lanes,
            hidden,
        } = self.sizes;
        Ok((CpuStorage::F32(outputs), (steps, lanes, hidden).into()))
    }

    fn bwd(
        &self,
        projected: &Tensor,
        w: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (d_projected, dw, d_bias) =
            with_values(w, |w| with_values(grad, |grad| self.backward(w, grad)))??;
        let device = grad.device();
        Ok((
            Some(Tensor::from_vec(d_projected, projected.shape(), device)?),
            Some(Tensor::from_vec(dw, w.shape(), device)?),
            Some(Tensor::from_vec(d_bias, bias.shape(), device)?),
        ))
    }
}

/// The values of a contiguous f32 tensor's storage.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a fused operation got a strided tensor")
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Calls `f` with the values of a CPU tensor, without copying them if they are contiguous.
pub(crate) fn with_values<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(slice(storage, layout)?)),
        _ => candle_core::bail!("a fused operation got a tensor that is not on the CPU"),
    }
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// For each group of lanes its rows of every step, as disjoint mutable slices. `data` is `[T,B,..]` with `steps` steps,
/// or empty, which gives empty slices.
fn split_lanes<'a>(
    data: &'a mut [f32],
    sizes: Sizes,
    groups: &[Range<usize>],
) -> Vec<Vec<&'a mut [f32]>> {
    let columns = data.len() / (sizes.steps * sizes.lanes);
    let mut split: Vec<Vec<&mut [f32]>> = groups
        .iter()
        .map(|_| Vec::with_capacity(sizes.steps))
        .collect();
    let mut rest = data;
    for _ in 0..sizes.steps {
        for (rows, group) in split.iter_mut().zip(groups) {
            let (block, behind) = rest.split_at_mut(group.len() * columns);
            rows.push(block);
            rest = behind;
        }
    }
    split
}

fn transpose(w: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 32;
    let mut out = vec![0.0; w.len()];
    for r0 in (0..rows).step_by(TILE) {
        for c0 in (0..columns).step_by(TILE) {
            for r in r0..(r0 + TILE).min(rows) {
                for c in c0..(c0 + TILE).min(columns) {
                    out[c * rows + r] = w[r * columns + c];
                }
            }
        }
    }
    out
}
