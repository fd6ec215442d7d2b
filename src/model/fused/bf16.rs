//! Matrix products in bf16 with sums in f32: twice the rate of f32 where the processor has AVX512-BF16.
//!
//! The right factor is packed once ([`Packed`]) and may serve many products; the left one is rounded block by block as
//! it is used. Packing puts the values of two consecutive inner indices side by side in 32 bits, because that is what
//! `vdpbf16ps` multiplies and adds in one go; blocking follows Goto & van de Geijn 2008, "Anatomy of
//! High-Performance Matrix Multiplication". Other processors run the same blocks in plain Rust, widened to f32.

use rayon::prelude::*;

use super::matrix::View;
use super::threads;
use crate::simd::multiversioned;

/// Columns of a panel: four registers of 16 f32.
const PANEL: usize = 64;
/// Inner indices of a block, in pairs: a panel's block is 64 KiB.
const PAIRS: usize = 256;
/// Rows of the left factor that are packed at a time: 144 KiB.
const ROWS: usize = 144;
/// Rows that the kernel computes at once: 6 × 4 sums, 4 right values and 1 left one fill the 32 registers.
const TILE: usize = 6;

/// A right factor `[K,N]`, rounded to bf16.
pub(crate) struct Packed {
    inner: usize,
    columns: usize,
    /// Block of `PAIRS` after block, panel after panel, pair after pair: `PANEL` pairs of inner indices 2i and 2i + 1.
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

/// `out = a b`, or `out += a b` if `accumulate`; rows of `out` begin `stride` elements apart. On all threads if
/// `parallel`.
pub(crate) fn product(
    out: &mut [f32],
    stride: usize,
    a: View,
    b: &Packed,
    accumulate: bool,
    parallel: bool,
) {
    assert_eq!(a.columns, b.inner, "inner sizes");
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
                    // Tiles of nearly equal height: a last one of one row would leave the multipliers idle.
                    let (top, bottom) = (tile * rows / tiles, (tile + 1) * rows / tiles);
                    let out = &mut out[(row + top) * stride + panel * PANEL..];
                    kernel(Tile {
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

/// Rounds the inner indices of `pairs` pairs from pair `first` of all rows of `a` into `left`; returns the distances,
/// in pairs, between rows and between pairs there. Rows stay rows and columns columns, so that either kind of source is
/// read and written along its own contiguous axis.
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

/// Pair number `pair` of rows of `b` in `columns`, zero behind their end.
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

/// The upper half of the result is `x` in bf16. (The NaNs that arithmetic produces stay NaNs.)
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

/// What a kernel computes: up to `TILE` rows × `PANEL` columns over one block of inner indices.
struct Tile<'a> {
    out: &'a mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
    left: &'a [u32],
    row_stride: usize,
    pair_stride: usize,
    right: &'a [u32],
    /// Add to `out` instead of replacing it.
    add: bool,
}

type Kernel = fn(Tile);

/// The best that the processor runs.
fn kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512f") {
        return avx512::kernel;
    }
    portable
}

/// Whether products in bf16 have instructions of their own here; without, they are slower than f32.
pub fn accelerated() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn portable(tile: Tile) {
    for row in 0..tile.rows {
        let mut sums = [0.0; PANEL];
        portable_row(
            &tile.left[row * tile.row_stride..],
            tile.pair_stride,
            tile.right,
            &mut sums,
        );
        let out = &mut tile.out[row * tile.stride..][..tile.columns];
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = if tile.add { *out + sum } else { sum };
        }
    }
}

multiversioned! {
    fn portable_row(left: &[u32], pair_stride: usize, right: &[u32], sums: &mut [f32; PANEL]) {
        let (rows, _) = right.as_chunks::<PANEL>();
        for (k, right) in rows.iter().enumerate() {
            let a = left[k * pair_stride];
            let (a0, a1) = (f32::from_bits(a << 16), f32::from_bits(a & 0xffff_0000));
            for (sum, b) in sums.iter_mut().zip(right) {
                *sum += a0 * f32::from_bits(b << 16) + a1 * f32::from_bits(b & 0xffff_0000);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512bh, __mmask16, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_loadu_si512,
        _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps,
    };
    use std::mem::transmute;

    use super::{PANEL, TILE, Tile};

    pub(super) fn kernel(tile: Tile) {
        let pairs = tile.right.len() / PANEL;
        assert!(
            (1..=TILE).contains(&tile.rows) && (1..=PANEL).contains(&tile.columns) && pairs > 0
        );
        assert!(
            (tile.rows - 1) * tile.row_stride + (pairs - 1) * tile.pair_stride < tile.left.len()
        );
        assert!((tile.rows - 1) * tile.stride + tile.columns <= tile.out.len());
        // SAFETY: `kernel` is only handed out where the processor has the features; the assertions say that every
        // address which the strides reach lies in its slice.
        unsafe {
            match tile.rows {
                1 => rows::<1>(tile, pairs),
                2 => rows::<2>(tile, pairs),
                3 => rows::<3>(tile, pairs),
                4 => rows::<4>(tile, pairs),
                5 => rows::<5>(tile, pairs),
                _ => rows::<6>(tile, pairs),
            }
        }
    }

    /// `R` rows; `pairs` of inner indices.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn rows<const R: usize>(tile: Tile, pairs: usize) {
        let mut sums = [[_mm512_setzero_ps(); 4]; R];
        let (mut left, mut right) = (tile.left.as_ptr(), tile.right.as_ptr());
        for _ in 0..pairs {
            // SAFETY: see `kernel`.
            unsafe {
                let b: [__m512bh; 4] =
                    [0, 16, 32, 48].map(|at| transmute(_mm512_loadu_si512(right.add(at).cast())));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let a: __m512bh =
                        transmute(_mm512_set1_epi32(*left.add(row * tile.row_stride) as i32));
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = _mm512_dpbf16_ps(*sum, a, b);
                    }
                }
                left = left.wrapping_add(tile.pair_stride);
                right = right.wrapping_add(PANEL);
            }
        }
        let mask = |part: usize| -> __mmask16 {
            ((1u32 << tile.columns.saturating_sub(16 * part).min(16)) - 1) as u16
        };
        for (row, sums) in sums.iter().enumerate() {
            for (part, &sum) in sums.iter().enumerate() {
                let mask = mask(part);
                // Masked-out columns are neither read nor written.
                let out = tile
                    .out
                    .as_mut_ptr()
                    .wrapping_add(row * tile.stride + 16 * part);
                // SAFETY: see `kernel`.
                unsafe {
                    let before: __m512 = if tile.add {
                        _mm512_maskz_loadu_ps(mask, out)
                    } else {
                        _mm512_setzero_ps()
                    };
                    _mm512_mask_storeu_ps(out, mask, _mm512_add_ps(before, sum));
                }
            }
        }
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

    /// Against f64 products of the values that the `half` crate rounds: sums in f32 are all that may differ.
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

    /// The plain kernel is what processors without the instructions run.
    #[test]
    fn both_kernels_agree() {
        let (left, right) = (random(6 * 40, 3), random(40 * PANEL, 4));
        let [left, right] =
            [left, right].map(|x| x.into_iter().map(f32::to_bits).collect::<Vec<u32>>());
        let run = |kernel: Kernel, rows, columns, add| {
            let mut out = random(6 * PANEL, 5);
            kernel(Tile {
                out: &mut out,
                stride: PANEL,
                rows,
                columns,
                left: &left,
                row_stride: 40,
                pair_stride: 1,
                right: &right,
                add,
            });
            out
        };
        for (rows, columns, add) in [(6, 64, true), (1, 17, false), (4, 48, true)] {
            for (x, y) in run(kernel(), rows, columns, add)
                .into_iter()
                .zip(run(portable, rows, columns, add))
            {
                assert!((x - y).abs() < 1e-3, "{x} {y}");
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
        assert_eq!(out, [9.0]);
    }
}
