//! Matrix products in bf16 with f32 accumulation: twice the f32 throughput on processors with AVX512-BF16.
//!
//! The right factor is packed once ([`Packed`]) and may be used in many products; the left one is rounded block by
//! block. Packing puts the values of two consecutive inner indices side by side in 32 bits, as `vdpbf16ps` expects
//! them; blocking follows Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication". Other
//! processors run the same blocks in plain Rust, widened to f32.

use rayon::prelude::*;

use super::kernel::{PANEL, TILE, Tile, kernel};
use super::view::{View, threads};
use crate::simd::multiversioned;

/// Inner indices per block, in pairs: a panel's block is 64 KiB.
const PAIRS: usize = 256;
/// Rows of the left factor that are packed at a time: 144 KiB.
const ROWS: usize = 144;

/// A right factor `[K,N]`, rounded to bf16.
pub(crate) struct Packed {
    inner: usize,
    columns: usize,
    /// Layout: blocks of `PAIRS` pairs, in them panels, in these pairs; each pair has `PANEL` columns of inner indices
    /// 2i and 2i + 1.
    pairs: Vec<u32>,
}

impl Packed {
    /// Packs `b`; on all threads if `parallel`.
    pub(crate) fn new(b: View, parallel: bool) -> Self {
        let (inner, columns) = (b.rows, b.columns);
        let (all, panels) = (inner.div_ceil(2), columns.div_ceil(PANEL));
        let mut pairs = vec![0; all * panels * PANEL];
        let (full, rest) = pairs.split_at_mut(all / PAIRS * PAIRS * panels * PANEL);
        let blocks: Vec<&mut [u32]> = full
            .chunks_mut(PAIRS * PANEL)
            .chain(rest.chunks_mut((all % PAIRS).max(1) * PANEL))
            .collect();
        let pack = |(index, out): (usize, &mut [u32])| {
            let (first, panel) = (index / panels * PAIRS, index % panels);
            for (pair, out) in (first..).zip(out.chunks_exact_mut(PANEL)) {
                pack_pairs(
                    b,
                    pair,
                    panel * PANEL..columns.min((panel + 1) * PANEL),
                    out,
                );
            }
        };
        if parallel {
            blocks.into_par_iter().enumerate().for_each(pack);
        } else {
            blocks.into_iter().enumerate().for_each(pack);
        }
        Self {
            inner,
            columns,
            pairs,
        }
    }

    /// The blocks of inner indices: first pair, number of pairs, the panels.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, &[u32])> {
        let panels = self.columns.div_ceil(PANEL);
        let all = self.inner.div_ceil(2);
        (0..all).step_by(PAIRS).map(move |first| {
            let pairs = PAIRS.min(all - first);
            let width = panels * PANEL;
            (
                first,
                pairs,
                &self.pairs[first * width..(first + pairs) * width],
            )
        })
    }
}

/// `out = a b`, or `out += a b` if `accumulate`; rows of `out` are `stride` elements apart. Uses all threads if
/// `parallel`.
pub(crate) fn product(
    out: &mut [f32],
    stride: usize,
    a: View,
    b: &Packed,
    accumulate: bool,
    parallel: bool,
) {
    assert_eq!(a.columns, b.inner, "inner sizes must match");
    let stripe = if parallel {
        a.rows.div_ceil(threads()).next_multiple_of(TILE)
    } else {
        a.rows
    };
    let run = |(index, out): (usize, &mut [f32])| {
        let first = index * stripe;
        let rows = stripe.min(a.rows - first);
        stripe_product(out, stride, a.rows_from(first, rows), b, accumulate);
    };
    if stripe < a.rows {
        out.par_chunks_mut(stripe * stride)
            .enumerate()
            .for_each(run);
    } else {
        run((0, out));
    }
}

/// One thread's share.
fn stripe_product(out: &mut [f32], stride: usize, a: View, b: &Packed, accumulate: bool) {
    let kernel = kernel();
    let mut left = vec![0u32; ROWS.min(a.rows) * PAIRS.min(b.inner.div_ceil(2))];
    for (first, pairs, panels) in b.blocks() {
        for row in (0..a.rows).step_by(ROWS) {
            let rows = ROWS.min(a.rows - row);
            let (row_stride, pair_stride) =
                pack_left(a.rows_from(row, rows), first, pairs, &mut left);
            for (panel, right) in panels.chunks_exact(pairs * PANEL).enumerate() {
                let columns = PANEL.min(b.columns - panel * PANEL);
                let tiles = rows.div_ceil(TILE);
                for tile in 0..tiles {
                    // Tiles of nearly equal height: a one-row remainder would leave the multipliers idle.
                    let (top, bottom) = (tile * rows / tiles, (tile + 1) * rows / tiles);
                    let out = &mut out[(row + top) * stride + panel * PANEL..];
                    kernel(&mut Tile {
                        out: &mut out[..(bottom - top - 1) * stride + columns],
                        stride,
                        rows: bottom - top,
                        columns,
                        left: &left[top * row_stride..],
                        row_stride,
                        pair_stride,
                        right,
                        add: accumulate || first > 0,
                    });
                }
            }
        }
    }
}

/// Rounds `pairs` pairs of inner indices from pair `first` of all rows of `a` into `left`; returns the strides, in
/// pairs, between rows and between pairs. The layout stays row-major or column-major, so that the source is read and
/// written along its contiguous axis.
fn pack_left(a: View, first: usize, pairs: usize, left: &mut [u32]) -> (usize, usize) {
    if a.row_stride == 1 && a.column_stride != 1 {
        for (pair, out) in left.chunks_exact_mut(a.rows).take(pairs).enumerate() {
            pack_pairs(a.t(), first + pair, 0..a.rows, out);
        }
        (1, a.rows)
    } else {
        for (row, out) in left.chunks_exact_mut(pairs).take(a.rows).enumerate() {
            let at = row * a.row_stride;
            let inner = 2 * first..a.columns.min(2 * (first + pairs));
            if a.column_stride == 1 {
                round_pairs(&a.data[at + inner.start..at + inner.end], out);
            } else {
                let value = |k: usize| {
                    if k < a.columns {
                        a.data[at + k * a.column_stride]
                    } else {
                        0.0
                    }
                };
                for (k, out) in inner.step_by(2).zip(out) {
                    *out = pair(value(k), value(k + 1));
                }
            }
        }
        (pairs, 1)
    }
}

/// Pair number `pair` of rows of `b` in `columns`, zero-padded past the last row.
fn pack_pairs(b: View, pair_index: usize, columns: std::ops::Range<usize>, out: &mut [u32]) {
    let (upper, lower) = (2 * pair_index, 2 * pair_index + 1);
    let count = columns.len();
    let at = |row: usize| row * b.row_stride + columns.start * b.column_stride;
    if b.column_stride == 1 {
        let upper = &b.data[at(upper)..][..count];
        if lower < b.rows {
            join_rows(upper, &b.data[at(lower)..][..count], out);
        } else {
            for (out, &x) in out.iter_mut().zip(upper) {
                *out = pair(x, 0.0);
            }
        }
    } else {
        for (column, out) in out.iter_mut().take(count).enumerate() {
            let value = |row: usize| {
                if row < b.rows {
                    b.data[at(row) + column * b.column_stride]
                } else {
                    0.0
                }
            };
            *out = pair(value(upper), value(lower));
        }
    }
    out[count..].fill(0);
}

/// Two values rounded to bf16 (to nearest, ties to even), the first in the lower half.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must vectorise in its caller")]
fn pair(first: f32, second: f32) -> u32 {
    round(first) >> 16 | round(second) & 0xffff_0000
}

/// The upper half of the result is `x` in bf16. (NaNs produced by arithmetic remain NaNs.)
#[inline(always)]
#[allow(clippy::inline_always, reason = "must vectorise in its caller")]
fn round(x: f32) -> u32 {
    let bits = x.to_bits();
    bits.wrapping_add(0x7fff + (bits >> 16 & 1))
}

multiversioned! {
    fn join_rows(upper: &[f32], lower: &[f32], out: &mut [u32]) {
        for ((out, &a), &b) in out.iter_mut().zip(upper).zip(lower) { *out = pair(a, b); }
    }

    fn round_pairs(row: &[f32], out: &mut [u32]) {
        let (pairs, rest) = row.as_chunks::<2>();
        for (out, &[a, b]) in out.iter_mut().zip(pairs) { *out = pair(a, b); }
        if let [last] = rest { out[pairs.len()] = pair(*last, 0.0); }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SplitMix64;

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut generator = SplitMix64::new(seed);
        (0..count).map(|_| generator.normal() as f32).collect()
    }

    fn rounded(x: f32) -> f64 {
        f64::from(half::bf16::from_f32(x).to_f32())
    }

    /// Compares with f64 products of values rounded by the `half` crate: only the f32 accumulation may differ.
    #[test]
    fn products_are_those_of_the_rounded_factors() {
        for (m, k, n) in [
            (1, 1, 1),
            (5, 3, 70),
            (13, 64, 64),
            (150, 515, 130),
            (7, 1030, 33),
        ] {
            let (a, b) = (random(m * k, 1), random(k * n, 2));
            let (at, bt) = (transposed(&a, m, k), transposed(&b, k, n));
            let expected: Vec<f64> = (0..m * n)
                .map(|at| {
                    (0..k)
                        .map(|i| rounded(a[at / n * k + i]) * rounded(b[i * n + at % n]))
                        .sum()
                })
                .collect();
            let lefts = [View::new(&a, m, k), View::new(&at, k, m).t()];
            let rights = [View::new(&b, k, n), View::new(&bt, n, k).t()];
            for (left, right) in lefts.into_iter().flat_map(|l| rights.map(|r| (l, r))) {
                for parallel in [false, true] {
                    let packed = Packed::new(right, parallel);
                    let stride = n + 3;
                    let mut out = vec![1.0; m * stride];
                    product(&mut out, stride, left, &packed, true, parallel);
                    product(&mut out, stride, left, &packed, true, parallel);
                    for (row, expected) in out.chunks(stride).zip(expected.chunks(n)) {
                        for (x, e) in row.iter().zip(expected) {
                            assert!(
                                (f64::from(*x) - 1.0 - 2.0 * e).abs() < 1e-5 * k as f64,
                                "{m} {k} {n}: {x} {e}"
                            );
                        }
                        assert_eq!(row[n..], [1.0; 3]);
                    }
                    product(&mut out, stride, left, &packed, false, parallel);
                    assert!((f64::from(out[n - 1]) - expected[n - 1]).abs() < 1e-5 * k as f64);
                }
            }
        }
    }

    fn transposed(a: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..columns)
            .flat_map(|c| (0..rows).map(move |r| (r, c)))
            .map(|(r, c)| a[r * columns + c])
            .collect()
    }

    #[test]
    fn a_lone_half_is_padded_with_zero() {
        let packed = Packed::new(View::new(&[2.0, 3.0, 4.0], 3, 1), false);
        let mut out = [0.0];
        product(
            &mut out,
            1,
            View::new(&[1.0, 1.0, 1.0], 1, 3),
            &packed,
            false,
            false,
        );
        assert!((out[0] - 9.0f32).abs() < 1e-6);
    }
}
