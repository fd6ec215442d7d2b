//! Root-mean-square normalisation of rows (Zhang & Sennrich 2019), without a learned gain.

use rayon::prelude::*;

use crate::simd::multiversioned;

/// Added to the mean square; the PyTorch reference uses the same value.
pub(crate) const EPSILON: f32 = 1e-6;

/// Rows of `columns` values divided by their root mean square, and the inverse of each root.
pub(crate) fn normalize(x: &[f32], columns: usize) -> (Vec<f32>, Vec<f32>) {
    let mut out = vec![0.0; x.len()];
    let mut inverse = vec![0.0; x.len() / columns];
    out.par_chunks_exact_mut(columns)
        .zip(x.par_chunks_exact(columns))
        .zip(&mut inverse)
        .for_each(|((out, x), inverse)| {
            out.copy_from_slice(x);
            *inverse = normalize_row(out);
        });
    (out, inverse)
}

multiversioned! {
    /// Normalises a row in place; returns the inverse of its root mean square.
    pub(super) fn normalize_row(row: &mut [f32]) -> f32 {
        let mut sums = [0.0_f32; 16];
        let (blocks, rest) = row.as_chunks::<16>();
        for block in blocks {
            for (sum, x) in sums.iter_mut().zip(block) {
                *sum += x * x;
            }
        }
        let squares = sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>();
        let inverse = 1.0 / (squares / row.len() as f32 + EPSILON).sqrt();
        for x in row.iter_mut() {
            *x *= inverse;
        }
        inverse
    }
}

multiversioned! {
    /// Adds to `d_x` the gradient of a row, given its normalised values, the inverse root and the gradient of the normalised
    /// values: `inverse (d_n - n mean(d_n n))`.
    pub(super) fn add_gradient(normal: &[f32], inverse: f32, d_normal: &[f32], d_x: &mut [f32]) {
        let mut sums = [0.0_f32; 16];
        let (normals, normal_rest) = normal.as_chunks::<16>();
        let (gradients, gradient_rest) = d_normal.as_chunks::<16>();
        for (n, d) in normals.iter().zip(gradients) {
            for ((sum, n), d) in sums.iter_mut().zip(n).zip(d) {
                *sum += n * d;
            }
        }
        let rest: f32 = normal_rest.iter().zip(gradient_rest).map(|(n, d)| n * d).sum();
        let mean = (sums.iter().sum::<f32>() + rest) / normal.len() as f32;
        for ((x, n), d) in d_x.iter_mut().zip(normal).zip(d_normal) {
            *x += inverse * (d - n * mean);
        }
    }
}

/// Multiplies each row by its factor.
pub(super) fn scale_rows(x: &mut [f32], factors: &[f32]) {
    let columns = x.len() / factors.len();
    x.par_chunks_exact_mut(columns)
        .zip(factors)
        .for_each(|(row, factor)| row.iter_mut().for_each(|x| *x *= factor));
}

/// The gradient of a sublayer's input: that of its output, which includes the input itself, and that through the norm.
pub(super) fn through_norm(
    grad: &[f32],
    normal: &[f32],
    inverse: &[f32],
    d_normal: &[f32],
) -> Vec<f32> {
    let columns = grad.len() / inverse.len();
    let mut d_x = grad.to_vec();
    d_x.par_chunks_exact_mut(columns)
        .zip(normal.par_chunks_exact(columns))
        .zip(inverse)
        .zip(d_normal.par_chunks_exact(columns))
        .for_each(|(((d_x, normal), &inverse), d_normal)| {
            add_gradient(normal, inverse, d_normal, d_x);
        });
    d_x
}
