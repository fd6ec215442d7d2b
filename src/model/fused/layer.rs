//! The fused layer: its time loop, forward and backward, over slices.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::{FusedCell, PackedRhs, View, threads};
use crate::model::pass::MatmulPrecision;

/// A layer's parameters in PyTorch's shapes; generic over their container.
#[derive(Clone, Debug)]
pub(crate) struct Weights<T> {
    pub(crate) input: T,          // weight_ih [G*H,I]
    pub(crate) recurrent: T,      // weight_hh [G*H,H]
    pub(crate) bias_input: T,     // bias_ih [G*H]
    pub(crate) bias_recurrent: T, // bias_hh [G*H]
}

/// `T`, `B`, `I`, `H`.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) steps: usize,
    pub(super) lanes: usize,
    pub(super) inputs: usize,
    pub(super) hidden: usize,
}

/// Activations that the backward pass needs, time-major.
#[derive(Default)]
pub(super) struct Saved {
    gates: Vec<f32>,        // activations [T,B,G*H]
    pub(super) c: Vec<f32>, // [T,B,H], empty without cell state
    h_previous: Vec<f32>, // [T,B,H]: the state that each step started from, zero where a file starts
    c_previous: Vec<f32>, // [T,B,H], empty without cell state
}

/// A pass over a layer.
pub(super) struct Layer<C> {
    pub(super) sizes: Sizes,
    pub(super) h0: Vec<f32>,              // [B,H]
    pub(super) c0: Vec<f32>,              // [B,H], empty without cell state
    pub(super) starts: Option<Vec<bool>>, // [T*B]
    pub(super) precision: MatmulPrecision,
    pub(super) saved: Mutex<Saved>,
    pub(super) cell: PhantomData<fn() -> C>,
}

impl<C: FusedCell> Layer<C> {
    fn width(&self) -> usize {
        C::GATES * self.sizes.hidden
    }

    fn starts(&self, step: usize, lane: usize) -> bool {
        self.starts
            .as_ref()
            .is_some_and(|starts| starts[step * self.sizes.lanes + lane])
    }

    /// The lanes of each thread.
    fn groups(&self) -> Vec<Range<usize>> {
        let count = threads().clamp(1, self.sizes.lanes);
        let bound = |k: usize| k * self.sizes.lanes / count;
        (0..count).map(|k| bound(k)..bound(k + 1)).collect()
    }

    /// Views of the weights in the concatenated slice `flat`.
    pub(super) fn weights<'a>(&self, flat: &'a [f32]) -> Weights<&'a [f32]> {
        let width = self.width();
        let (input, rest) = flat.split_at(width * self.sizes.inputs);
        let (recurrent, rest) = rest.split_at(width * self.sizes.hidden);
        let (bias_input, bias_recurrent) = rest.split_at(width);
        Weights {
            input,
            recurrent,
            bias_input,
            bias_recurrent,
        }
    }

    /// Outputs `[T,B,H]` of inputs `[T,B,I]`.
    #[expect(
        clippy::too_many_lines,
        reason = "the forward equations, in their order"
    )]
    pub(super) fn forward(&self, x: &[f32], weights: &Weights<&[f32]>) -> Vec<f32> {
        let Sizes {
            steps,
            lanes,
            inputs,
            hidden,
        } = self.sizes;
        let (rows, width) = (steps * lanes, self.width());
        let cells = if C::HAS_CELL { rows * hidden } else { 0 };
        let mut saved = Saved {
            gates: vec![0.0; rows * width],
            c: vec![0.0; cells],
            h_previous: vec![0.0; rows * hidden],
            c_previous: vec![0.0; cells],
        };
        let mut outputs = vec![0.0; rows * hidden];

        let input = PackedRhs::new(
            View::new(weights.input, width, inputs).t(),
            self.precision,
            true,
        );
        input.product(
            &mut saved.gates,
            width,
            View::new(x, rows, inputs),
            false,
            true,
        );
        drop(input);
        let bias: Vec<f32> = weights
            .bias_input
            .iter()
            .zip(weights.bias_recurrent)
            .map(|(a, b)| a + b)
            .collect();
        // In f32 a transposed copy pays off when several products use it; a single lane reads the rows in place.
        let transposed = (lanes > 1 && self.precision == MatmulPrecision::F32)
            .then(|| transpose(weights.recurrent, width, hidden)); // [H,G*H]
        let recurrent = transposed.as_ref().map_or_else(
            || View::new(weights.recurrent, width, hidden).t(),
            |t| View::new(t, hidden, width),
        );
        let recurrent = PackedRhs::new(recurrent, self.precision, true);

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
                        row.iter_mut().zip(&bias).for_each(|(a, b)| *a += b);
                    }
                    let h = View::new(h_previous[t], group.len(), hidden);
                    recurrent.product(gates[t], width, h, true, false);
                    C::forward(hidden, gates[t], c_previous[t], c[t], outputs[t]);
                }
            },
        );
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = saved;
        outputs
    }

    /// Gradients of `x` and of the concatenated weights, given the gradient of the outputs.
    #[expect(
        clippy::too_many_lines,
        reason = "the backward equations, in their order"
    )]
    pub(super) fn backward(
        &self,
        x: &[f32],
        weights: &Weights<&[f32]>,
        grad: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let Sizes {
            steps,
            lanes,
            inputs,
            hidden,
        } = self.sizes;
        let (rows, width) = (steps * lanes, self.width());
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut d_gates = vec![0.0; rows * width];
        let recurrent = PackedRhs::new(
            View::new(weights.recurrent, width, hidden),
            self.precision,
            true,
        );
        let groups = self.groups();
        let by_group = split_lanes(&mut d_gates, self.sizes, &groups);
        let d_bias: Vec<Vec<f32>> = (groups, by_group)
            .into_par_iter()
            .map(|(group, mut d_gates)| {
                let mut dh = vec![0.0; group.len() * hidden];
                let mut dc = vec![0.0; if C::HAS_CELL { group.len() * hidden } else { 0 }];
                let mut d_bias = vec![0.0; width];
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
                    for row in d_gates[t].chunks_exact(width) {
                        d_bias.iter_mut().zip(row).for_each(|(a, b)| *a += b);
                    }
                    let left = View::new(d_gates[t], group.len(), width);
                    recurrent.product(&mut dh, hidden, left, false, false);
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
                d_bias
            })
            .collect();
        drop(recurrent);
        let d_gates = View::new(&d_gates, rows, width);
        let mut d_x = vec![0.0; rows * inputs];
        PackedRhs::new(
            View::new(weights.input, width, inputs),
            self.precision,
            true,
        )
        .product(&mut d_x, inputs, d_gates, false, true);
        let mut flat = vec![0.0; width * (inputs + hidden + 2)];
        let (d_input, rest) = flat.split_at_mut(width * inputs);
        let (d_recurrent, biases) = rest.split_at_mut(width * hidden);
        for (out, right, columns) in [
            (d_input, x, inputs),
            (d_recurrent, &saved.h_previous[..], hidden),
        ] {
            PackedRhs::new(View::new(right, rows, columns), self.precision, true).product(
                out,
                columns,
                d_gates.t(),
                false,
                true,
            );
        }
        for half in biases.chunks_exact_mut(width) {
            for part in &d_bias {
                half.iter_mut().zip(part).for_each(|(a, b)| *a += b);
            }
        }
        (d_x, flat)
    }
}

/// For each group of lanes, its rows of every step as disjoint mutable slices. `data` is `[T,B,..]` with `steps` steps,
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
