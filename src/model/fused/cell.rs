//! The element-wise part of a recurrent step, forward and backward, over the rows of some lanes.

use crate::simd::{multiversioned, sigmoid, tanh};

/// A recurrent cell: the part of a step after the matrix products.
///
/// All slices are row-major blocks of `lanes` rows: `gates` and `d_gates` have `GATES * hidden` columns, the others
/// `hidden`. A cell without a cell state gets empty slices for `c`.
pub(crate) trait FusedCell: Send + Sync + 'static {
    /// Operation name in Candle's error messages.
    const NAME: &'static str;
    /// `G`, the number of gates.
    const GATES: usize;
    /// Whether the cell has a state `c` in addition to `h`.
    const HAS_CELL: bool;

    /// Turns the pre-activations in `gates` into activations in place, and computes the new `c` and `h`.
    fn forward(hidden: usize, gates: &mut [f32], c_previous: &[f32], c: &mut [f32], h: &mut [f32]);

    /// Computes the gradient of the pre-activations from the activations and `dh` (the total gradient, from the layer
    /// above and from the next step). `dc` is the gradient from the next step on entry and for the previous step on
    /// return.
    fn backward(
        hidden: usize,
        gates: &[f32],
        c_previous: &[f32],
        c: &[f32],
        dh: &[f32],
        dc: &mut [f32],
        d_gates: &mut [f32],
    );
}

/// tanh: `h' = tanh(a)`.
pub(crate) struct Elman;

/// LSTM: gates i, f, g, o.
pub(crate) struct Gated;

impl FusedCell for Elman {
    const NAME: &'static str = "rnn-layer";
    const GATES: usize = 1;
    const HAS_CELL: bool = false;

    fn forward(_: usize, gates: &mut [f32], _: &[f32], _: &mut [f32], h: &mut [f32]) {
        elman_forward(gates, h);
    }

    fn backward(
        _: usize,
        gates: &[f32],
        _: &[f32],
        _: &[f32],
        dh: &[f32],
        _: &mut [f32],
        d_gates: &mut [f32],
    ) {
        elman_backward(gates, dh, d_gates);
    }
}

impl FusedCell for Gated {
    const NAME: &'static str = "lstm-layer";
    const GATES: usize = 4;
    const HAS_CELL: bool = true;

    fn forward(hidden: usize, gates: &mut [f32], c_previous: &[f32], c: &mut [f32], h: &mut [f32]) {
        gated_forward(hidden, gates, c_previous, c, h);
    }

    fn backward(
        hidden: usize,
        gates: &[f32],
        c_previous: &[f32],
        c: &[f32],
        dh: &[f32],
        dc: &mut [f32],
        d_gates: &mut [f32],
    ) {
        gated_backward(hidden, gates, c_previous, c, dh, dc, d_gates);
    }
}

/// The four gates of one lane.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of multiversioned bodies")]
fn quarters(row: &[f32], hidden: usize) -> (&[f32], &[f32], &[f32], &[f32]) {
    let (i, rest) = row.split_at(hidden);
    let (f, rest) = rest.split_at(hidden);
    let (g, o) = rest.split_at(hidden);
    (i, f, g, &o[..hidden])
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "part of multiversioned bodies")]
fn quarters_mut(
    row: &mut [f32],
    hidden: usize,
) -> (&mut [f32], &mut [f32], &mut [f32], &mut [f32]) {
    let (i, rest) = row.split_at_mut(hidden);
    let (f, rest) = rest.split_at_mut(hidden);
    let (g, o) = rest.split_at_mut(hidden);
    (i, f, g, &mut o[..hidden])
}

multiversioned! {
    fn elman_forward(gates: &mut [f32], h: &mut [f32]) {
        for (a, h) in gates.iter_mut().zip(h) { *a = tanh(*a); *h = *a; }
    }

    fn elman_backward(gates: &[f32], dh: &[f32], d_gates: &mut [f32]) {
        for ((da, a), dh) in d_gates.iter_mut().zip(gates).zip(dh) { *da = dh * (1.0 - a * a); }
    }

    fn gated_forward(hidden: usize, gates: &mut [f32], c_previous: &[f32], c: &mut [f32], h: &mut [f32]) {
        let rows = gates.chunks_exact_mut(4 * hidden).zip(c_previous.chunks_exact(hidden));
        for ((row, c_previous), (c, h)) in rows.zip(c.chunks_exact_mut(hidden).zip(h.chunks_exact_mut(hidden))) {
            let (i, f, g, o) = quarters_mut(row, hidden);
            // One loop per gate: a single loop over seven slices is not vectorised, and a row stays in the cache.
            i.iter_mut().for_each(|x| *x = sigmoid(*x));
            f.iter_mut().for_each(|x| *x = sigmoid(*x));
            g.iter_mut().for_each(|x| *x = tanh(*x));
            o.iter_mut().for_each(|x| *x = sigmoid(*x));
            for (((c, c_previous), (i, f)), g) in c.iter_mut().zip(c_previous).zip(i.iter().zip(f)).zip(g) {
                *c = *f * c_previous + i * *g;
            }
            for ((h, c), o) in h.iter_mut().zip(c).zip(o) { *h = *o * tanh(*c); }
        }
    }

    fn gated_backward(hidden: usize, gates: &[f32], c_previous: &[f32], c: &[f32], dh: &[f32], dc: &mut [f32], d_gates: &mut [f32]) {
        for (lane, d_row) in d_gates.chunks_exact_mut(4 * hidden).enumerate() {
            let (i, f, g, o) = quarters(&gates[lane * 4 * hidden..], hidden);
            let (di, df, dg, d_o) = quarters_mut(d_row, hidden);
            let at = lane * hidden..(lane + 1) * hidden;
            let (c_previous, c, dh) = (&c_previous[at.clone()], &c[at.clone()], &dh[at.clone()]);
            let dc = &mut dc[at];
            for k in 0..hidden {
                let tanh_c = tanh(c[k]);
                let d_c = dc[k] + dh[k] * o[k] * (1.0 - tanh_c * tanh_c);
                d_o[k] = dh[k] * tanh_c * o[k] * (1.0 - o[k]);
                di[k] = d_c * g[k] * i[k] * (1.0 - i[k]);
                dg[k] = d_c * i[k] * (1.0 - g[k] * g[k]);
                df[k] = d_c * c_previous[k] * f[k] * (1.0 - f[k]);
                dc[k] = d_c * f[k];
            }
        }
    }
}
