//! Matrix products over slices: f32 by the `gemm` crate, which Candle also uses; bf16 by [`super::bf16`].

use std::sync::Barrier;
use std::time::Instant;

use gemm::Parallelism;

use super::bf16;
use super::view::{View, threads};
use crate::model::pass::MatmulPrecision;

/// The right factor of one or more products.
pub(crate) enum PackedRhs<'a> {
    F32(View<'a>),
    Bf16(bf16::Packed),
}

impl<'a> PackedRhs<'a> {
    /// `b`, packed if the precision requires it.
    pub(crate) fn new(b: View<'a>, precision: MatmulPrecision, parallel: bool) -> Self {
        match precision {
            MatmulPrecision::F32 => Self::F32(b),
            MatmulPrecision::Bf16 => Self::Bf16(bf16::Packed::new(b, parallel)),
        }
    }

    /// `out = a b`, or `out += a b` if `accumulate`; rows of `out` are `stride` elements apart. Uses all of rayon's
    /// threads if `parallel`.
    pub(crate) fn product(
        &self,
        out: &mut [f32],
        stride: usize,
        a: View,
        accumulate: bool,
        parallel: bool,
    ) {
        match self {
            Self::F32(b) => product(out, stride, a, *b, accumulate, parallel),
            Self::Bf16(b) => bf16::product(out, stride, a, b, accumulate, parallel),
        }
    }
}

fn product(out: &mut [f32], stride: usize, a: View, b: View, accumulate: bool, parallel: bool) {
    assert_eq!(a.columns, b.rows, "inner sizes must match");
    assert!(
        b.columns <= stride && out.len() >= (a.rows - 1) * stride + b.columns,
        "the result has the wrong size"
    );
    let parallelism = if parallel {
        Parallelism::Rayon(0)
    } else {
        Parallelism::None
    };
    // SAFETY: `View::new` and the assertions above guarantee that every address reached by the strides lies within its
    // slice. `out` is borrowed mutably, so it does not alias the operands.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Peak rate in floating-point operations per second: all threads run products whose operands stay in the cache. The
/// reference for the utilisation of larger products.
pub fn peak_rate(precision: MatmulPrecision) -> f64 {
    const SIZES: [usize; 3] = [96, 256, 512]; // rows, inner, columns: half a megabyte in f32
    const BATCH: usize = 40;
    let [rows, inner, columns] = SIZES;
    let ready = Barrier::new(threads());
    let rates = rayon::broadcast(|_| {
        let (a, b) = (vec![1.0; rows * inner], vec![1.0; inner * columns]);
        let mut out = vec![0.0; rows * columns];
        let right = PackedRhs::new(View::new(&b, inner, columns), precision, false);
        let mut fastest = f64::INFINITY;
        for _ in 0..20 {
            ready.wait();
            let began = Instant::now();
            for _ in 0..BATCH {
                right.product(&mut out, columns, View::new(&a, rows, inner), false, false);
            }
            fastest = fastest.min(began.elapsed().as_secs_f64());
        }
        (2 * BATCH * rows * inner * columns) as f64 / fastest
    });
    rates.into_iter().sum()
}
