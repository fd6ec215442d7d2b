//! Inner products of int8 weights with int16 activations, summed exactly in int32.
//!
//! A *panel* is 16 rows of a matrix, stored two columns at a time: `[columns / 2][16][2]`. Widened to 16 bits, such a
//! group of 32 weights fills one AVX-512 register. `vpdpwssd` (or `vpmaddwd` and an addition) multiplies each row's
//! pair by the same pair of activations and adds both products to that row's sum, so no horizontal sum is needed.
//! Integer sums do not depend on their order, so every kernel gives the same bits.

/// Rows in a panel.
pub(in crate::inference) const ROWS: usize = 16;
/// Maximum number of vectors that [`Kernel::products`] multiplies in one pass over the weights.
pub(in crate::inference) const LANES: usize = 4;

/// The weights of two columns of a panel.
pub(in crate::inference) type Pair = [i8; 2 * ROWS];
/// Sums of one panel with one vector.
pub(in crate::inference) type Sums = [i32; ROWS];

/// Packs two activations into 32 bits, in the order that the instructions expect.
pub(in crate::inference) fn pack(even: i16, odd: i16) -> i32 {
    i32::from(odd) << 16 | i32::from(even) & 0xffff
}

/// An implementation. All of them give the same sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inference) enum Kernel {
    /// `vpdpwssd` on 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// `vpmaddwd` on 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// `vpdpwssd` on 256 bits.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// `vpmaddwd` on 256 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain Rust, which the compiler vectorises for the target's baseline (NEON on aarch64).
    Portable,
}

impl Kernel {
    /// The kernels that this processor supports, fastest first.
    pub(in crate::inference) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 =
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            if avx512 && is_x86_feature_detected!("avx512vnni") {
                kernels.push(Self::Avx512Vnni);
            }
            if avx512 {
                kernels.push(Self::Avx512);
            }
            let avx2 = is_x86_feature_detected!("avx2");
            if avx2 && is_x86_feature_detected!("avxvnni") {
                kernels.push(Self::AvxVnni);
            }
            if avx2 {
                kernels.push(Self::Avx2);
            }
        }
        kernels.push(Self::Portable);
        kernels
    }

    /// The usual name of the instructions.
    pub(in crate::inference) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "AVX512-VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX512-BW",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            Self::Portable => "portable",
        }
    }

    /// Multiplies all `panels` (of `pairs` pairs of columns each) by up to [`LANES`] vectors of activations. Passes the
    /// results to `out` as (panel, lane, sums).
    pub(in crate::inference) fn products(
        self,
        panels: &[Pair],
        pairs: usize,
        vectors: &[&[i32]],
        out: impl FnMut(usize, usize, &Sums),
    ) {
        match self {
            // SAFETY: only `available` creates these values, and it has checked that the processor has the
            // instructions.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { avx512_vnni::products(panels, pairs, vectors, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { avx512::products(panels, pairs, vectors, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => unsafe { avx_vnni::products(panels, pairs, vectors, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2::products(panels, pairs, vectors, out) },
            Self::Portable => portable::products(panels, pairs, vectors, out),
        }
    }
}

/// Defines a kernel's module: `tile` sums `P` panels with `T` vectors, and `products` divides the work into tiles of
/// `$single` panels for one vector and of `$many` panels for [`LANES`] vectors.
macro_rules! kernel {
    ($name:ident, $(features $features:literal,)? single $single:literal, many $many:literal, $body:ident!($($dot:tt)*)) => {
        mod $name {
            use super::{LANES, Pair, Sums};

            $(#[target_feature(enable = $features)])?
            #[inline]
            fn tile<const P: usize, const T: usize>(panels: [&[Pair]; P], vectors: [&[i32]; T]) -> [[Sums; T]; P] {
                super::$body!(panels, vectors, P, T, $($dot)*)
            }

            $(#[target_feature(enable = $features)])?
            #[allow(clippy::int_plus_one, reason = "a tile may be one panel wide")]
            pub(super) fn products(
                panels: &[Pair],
                pairs: usize,
                vectors: &[&[i32]],
                mut out: impl FnMut(usize, usize, &Sums),
            ) {
                let count = panels.len() / pairs;
                let panel = |index: usize| &panels[index * pairs..(index + 1) * pairs];
                let mut first = 0;
                if let Ok(vectors) = <[&[i32]; LANES]>::try_from(vectors) {
                    while first + $many <= count {
                        let sums = tile::<$many, LANES>(std::array::from_fn(|k| panel(first + k)), vectors);
                        for (k, sums) in sums.iter().enumerate() {
                            for (lane, sums) in sums.iter().enumerate() { out(first + k, lane, sums); }
                        }
                        first += $many;
                    }
                }
                for (lane, &vector) in vectors.iter().enumerate() {
                    let mut index = first;
                    while index + $single <= count {
                        let sums = tile::<$single, 1>(std::array::from_fn(|k| panel(index + k)), [vector]);
                        for (k, [sums]) in sums.iter().enumerate() { out(index + k, lane, sums); }
                        index += $single;
                    }
                    while index < count {
                        let [[sums]] = tile::<1, 1>([panel(index)], [vector]);
                        out(index, lane, &sums);
                        index += 1;
                    }
                }
            }
        }
    };
}

/// A tile with 512-bit registers: `$dot(sums, activations, weights)`.
#[cfg(target_arch = "x86_64")]
macro_rules! tile_512 {
    ($panels:ident, $vectors:ident, $P:ident, $T:ident, |$s:ident, $a:ident, $w:ident| $dot:expr) => {{
        use std::arch::x86_64::*;
        let pairs = $vectors[0].len();
        assert!(
            $panels.iter().all(|panel| panel.len() == pairs)
                && $vectors.iter().all(|vector| vector.len() == pairs)
        );
        let mut sums = [[_mm512_setzero_si512(); $T]; $P];
        for pair in 0..pairs {
            let mut activations = [_mm512_setzero_si512(); $T];
            for t in 0..$T {
                activations[t] = _mm512_set1_epi32($vectors[t][pair]);
            }
            for p in 0..$P {
                // SAFETY: a pair is 32 bytes.
                let $w = _mm512_cvtepi8_epi16(unsafe {
                    _mm256_loadu_si256($panels[p][pair].as_ptr().cast())
                });
                for t in 0..$T {
                    let ($s, $a) = (sums[p][t], activations[t]);
                    sums[p][t] = $dot;
                }
            }
        }
        let mut out = [[[0; super::ROWS]; $T]; $P];
        for p in 0..$P {
            for t in 0..$T {
                // SAFETY: 16 sums are 64 bytes.
                unsafe { _mm512_storeu_si512(out[p][t].as_mut_ptr().cast(), sums[p][t]) };
            }
        }
        out
    }};
}
#[cfg(target_arch = "x86_64")]
use tile_512;

/// A tile with 256-bit registers, each panel's rows in two halves: `$dot(sums, activations, weights)`.
#[cfg(target_arch = "x86_64")]
macro_rules! tile_256 {
    ($panels:ident, $vectors:ident, $P:ident, $T:ident, |$s:ident, $a:ident, $w:ident| $dot:expr) => {{
        use std::arch::x86_64::*;
        let pairs = $vectors[0].len();
        assert!(
            $panels.iter().all(|panel| panel.len() == pairs)
                && $vectors.iter().all(|vector| vector.len() == pairs)
        );
        let mut sums = [[[_mm256_setzero_si256(); 2]; $T]; $P];
        for pair in 0..pairs {
            for p in 0..$P {
                for half in 0..2 {
                    // SAFETY: a half is 16 bytes.
                    let $w = _mm256_cvtepi8_epi16(unsafe {
                        _mm_loadu_si128($panels[p][pair].as_ptr().add(16 * half).cast())
                    });
                    for t in 0..$T {
                        let ($s, $a) = (sums[p][t][half], _mm256_set1_epi32($vectors[t][pair]));
                        sums[p][t][half] = $dot;
                    }
                }
            }
        }
        let mut out = [[[0; super::ROWS]; $T]; $P];
        for p in 0..$P {
            for t in 0..$T {
                for half in 0..2 {
                    // SAFETY: 8 sums are 32 bytes.
                    unsafe {
                        _mm256_storeu_si256(
                            out[p][t].as_mut_ptr().add(8 * half).cast(),
                            sums[p][t][half],
                        )
                    };
                }
            }
        }
        out
    }};
}
#[cfg(target_arch = "x86_64")]
use tile_256;

/// A tile in plain Rust.
macro_rules! tile_portable {
    ($panels:ident, $vectors:ident, $P:ident, $T:ident,) => {{
        let mut out = [[[0i32; super::ROWS]; $T]; $P];
        for (sums, panel) in out.iter_mut().zip($panels) {
            for (sums, vector) in sums.iter_mut().zip($vectors) {
                for (weights, &activations) in panel.iter().zip(vector) {
                    let (even, odd) = (i32::from(activations as i16), activations >> 16);
                    for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                        *sum += i32::from(weights[0]) * even + i32::from(weights[1]) * odd;
                    }
                }
            }
        }
        out
    }};
}
use tile_portable;

#[cfg(target_arch = "x86_64")]
kernel!(avx512_vnni, features "avx512f,avx512bw,avx512vnni", single 4, many 2,
    tile_512!(|s, a, w| _mm512_dpwssd_epi32(s, a, w)));
#[cfg(target_arch = "x86_64")]
kernel!(avx512, features "avx512f,avx512bw", single 4, many 2,
    tile_512!(|s, a, w| _mm512_add_epi32(s, _mm512_madd_epi16(a, w))));
#[cfg(target_arch = "x86_64")]
kernel!(avx_vnni, features "avx2,avxvnni", single 4, many 1,
    tile_256!(|s, a, w| _mm256_dpwssd_avx_epi32(s, a, w)));
#[cfg(target_arch = "x86_64")]
kernel!(avx2, features "avx2", single 4, many 1,
    tile_256!(|s, a, w| _mm256_add_epi32(s, _mm256_madd_epi16(a, w))));
kernel!(portable, single 1, many 1, tile_portable!());
