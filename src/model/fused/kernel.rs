//! Inner loops of bf16 products: a few rows by one panel of columns, accumulated in registers.

use crate::simd::multiversioned;

/// Columns per panel: four registers of 16 f32.
pub(super) const PANEL: usize = 64;
/// Rows per tile: 6 × 4 sums, 4 right values and 1 left value fit the 32 registers.
pub(super) const TILE: usize = 6;

/// The task of a kernel: up to `TILE` rows × `PANEL` columns over one block of inner indices.
pub(super) struct Tile<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) left: &'a [u32],
    pub(super) row_stride: usize,
    pub(super) pair_stride: usize,
    pub(super) right: &'a [u32],
    /// Add to `out` instead of overwriting it.
    pub(super) add: bool,
}

pub(super) type Kernel = fn(&mut Tile);

/// The fastest kernel that the processor supports.
pub(super) fn kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    if accelerated() {
        return avx512::kernel;
    }
    portable
}

/// Whether the processor has bf16 instructions; without them, bf16 products are slower than f32.
pub fn accelerated() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn portable(tile: &mut Tile) {
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

    pub(super) fn kernel(tile: &mut Tile) {
        let pairs = tile.right.len() / PANEL;
        assert!(
            (1..=TILE).contains(&tile.rows) && (1..=PANEL).contains(&tile.columns) && pairs > 0
        );
        assert!(
            (tile.rows - 1) * tile.row_stride + (pairs - 1) * tile.pair_stride < tile.left.len()
        );
        assert!((tile.rows - 1) * tile.stride + tile.columns <= tile.out.len());
        // SAFETY: `kernel` returns this function only if the processor has the features; the assertions guarantee that
        // every address reached by the strides lies within its slice.
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

    /// `R` rows and `pairs` pairs of inner indices.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn rows<const R: usize>(tile: &mut Tile, pairs: usize) {
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
                // Masked-out columns are not accessed.
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

    /// The plain kernel runs on processors without the instructions.
    #[test]
    fn both_kernels_agree() {
        let (left, right) = (random(6 * 40, 3), random(40 * PANEL, 4));
        // Both halves of a pair hold the same value: the upper half of an f32 is its bf16 truncation.
        let twice = |x: f32| x.to_bits() & 0xffff_0000 | x.to_bits() >> 16;
        let [left, right] = [left, right].map(|x| x.into_iter().map(twice).collect::<Vec<u32>>());
        let run = |kernel: Kernel, rows, columns, add| {
            let mut out = random(6 * PANEL, 5);
            kernel(&mut Tile {
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
}
