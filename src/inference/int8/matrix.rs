//! Quantised matrices and vectors.
//!
//! Weights are int8 with one scale per row; activations are int16 with one scale per vector. Both are symmetric:
//! `w ≈ s q`. The 15-bit activations cost neither noticeable memory nor time, because reading the weights from memory is
//! the bottleneck; the remaining error comes from the weights.

use std::ops::Range;

use half::f16;

use super::kernel::{Kernel, LANES, Pair, ROWS, pack};
use crate::simd::multiversioned;

/// Largest magnitude of a quantised weight.
const WEIGHT: f32 = 127.0;

/// Number of panels by which a matrix grows.
const GROWTH: usize = 16;

/// A matrix `[rows, columns]`.
#[derive(Debug)]
pub(in crate::inference) struct Matrix {
    rows: usize,
    /// Pairs of columns.
    pairs: usize,
    /// One panel after another. The last panel is padded with zero rows, and an odd number of columns with a zero column.
    panels: Vec<Pair>,
    /// One per row, including the padding rows.
    scales: Vec<f32>,
}

/// Vectors of equal length, each quantised with its own scale.
#[derive(Debug, Default)]
pub(in crate::inference) struct Activations {
    /// `[vectors][pairs]`.
    packed: Vec<i32>,
    scales: Vec<f32>,
    pairs: usize,
}

impl Matrix {
    /// Quantises `weights`, row-major `[rows, columns]`.
    pub(in crate::inference) fn new(weights: &[f32], columns: usize) -> Self {
        let rows = weights.len() / columns;
        let pairs = columns.div_ceil(2);
        let mut panels = vec![[0; 2 * ROWS]; rows.div_ceil(ROWS) * pairs];
        let mut scales = vec![0.0; rows.next_multiple_of(ROWS)];
        let mut quantised = vec![0; 2 * pairs];
        for (row, weights) in weights.chunks_exact(columns).enumerate() {
            scales[row] = quantise_weights(weights, &mut quantised);
            let (panel, lane) = (row / ROWS * pairs, row % ROWS * 2);
            let into = &mut panels[panel..panel + pairs];
            for (pair, weights) in into.iter_mut().zip(quantised.as_chunks::<2>().0) {
                pair[lane..lane + 2].copy_from_slice(weights);
            }
        }
        Self {
            rows,
            pairs,
            panels,
            scales,
        }
    }

    /// Creates a matrix without rows; [`Matrix::push_direction`] adds them.
    pub(in crate::inference) fn empty(columns: usize) -> Self {
        Self {
            rows: 0,
            pairs: columns.div_ceil(2),
            panels: Vec::new(),
            scales: Vec::new(),
        }
    }

    /// Number of rows.
    pub(in crate::inference) fn rows(&self) -> usize {
        self.rows
    }

    /// The products of a range of rows with `x`, which holds one vector.
    pub(in crate::inference) fn products(
        &self,
        kernel: Kernel,
        rows: Range<usize>,
        x: &Activations,
    ) -> Vec<f32> {
        assert_eq!(x.pairs, self.pairs, "columns");
        let panels = rows.start / ROWS..rows.end.div_ceil(ROWS);
        let mut out = vec![0.0; panels.len() * ROWS];
        let scales = &self.scales[panels.start * ROWS..];
        kernel.products(
            &self.panels[panels.start * self.pairs..panels.end * self.pairs],
            self.pairs,
            &[&x.packed[..self.pairs]],
            |panel, _, sums| {
                let (out, scales) = (&mut out[panel * ROWS..], &scales[panel * ROWS..]);
                for ((out, &sum), of_row) in out.iter_mut().zip(sums).zip(scales) {
                    *out = sum as f32 * (x.scales[0] * of_row);
                }
            },
        );
        out.truncate(rows.end - panels.start * ROWS);
        out.drain(..rows.start - panels.start * ROWS);
        out
    }

    /// Quantises a row, normalises it to length 1 and appends it: a product with it is the projection on its direction.
    pub(in crate::inference) fn push_direction(&mut self, row: &[f32]) {
        if self.rows == self.scales.len() {
            if self.panels.len() == self.panels.capacity() {
                // Does not double the capacity: every document has such a matrix.
                self.panels.reserve_exact(GROWTH * self.pairs);
            }
            self.panels
                .resize(self.panels.len() + self.pairs, [0; 2 * ROWS]);
            self.scales.resize(self.rows + ROWS, 0.0);
        }
        let mut quantised = vec![0; 2 * self.pairs];
        quantise_weights(row, &mut quantised);
        let squares = quantised.iter().map(|&q| i32::from(q) * i32::from(q));
        let length = (squares.sum::<i32>() as f32).sqrt();
        self.scales[self.rows] = if length > 0.0 { 1.0 / length } else { 0.0 };
        let (panel, lane) = (self.rows / ROWS * self.pairs, self.rows % ROWS * 2);
        let into = &mut self.panels[panel..panel + self.pairs];
        for (pair, weights) in into.iter_mut().zip(quantised.as_chunks::<2>().0) {
            pair[lane..lane + 2].copy_from_slice(weights);
        }
        self.rows += 1;
    }

    /// Keeps the first `rows` rows.
    pub(in crate::inference) fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
        let panels = self.rows.div_ceil(ROWS);
        self.panels.truncate(panels * self.pairs);
        self.scales.truncate(panels * ROWS);
    }

    /// Drops as many of the first `rows` rows as fill whole panels. Returns how many it dropped.
    pub(in crate::inference) fn drop_first(&mut self, rows: usize) -> usize {
        let panels = rows.min(self.rows) / ROWS;
        self.panels.drain(..panels * self.pairs);
        self.scales.drain(..panels * ROWS);
        self.rows -= panels * ROWS;
        panels * ROWS
    }

    /// Number of bytes that one product reads.
    pub(in crate::inference) fn bytes(&self) -> usize {
        size_of_val(&self.panels[..]) + size_of_val(&self.scales[..])
    }

    /// Appends row `row` to `out` as activations: the embedding's rows are the first layer's input without further
    /// rounding.
    pub(in crate::inference) fn push_row(&self, row: usize, out: &mut Activations) {
        let (panel, lane) = (row / ROWS * self.pairs, row % ROWS * 2);
        let pairs = self.panels[panel..panel + self.pairs].iter();
        out.packed
            .extend(pairs.map(|pair| pack(i16::from(pair[lane]), i16::from(pair[lane + 1]))));
        out.scales.push(self.scales[row]);
        out.pairs = self.pairs;
    }

    /// Computes `out[t] += W x[t]` for each vector; `out` is `[vectors, rows]`.
    pub(in crate::inference) fn add_products(
        &self,
        kernel: Kernel,
        x: &Activations,
        out: &mut [f32],
    ) {
        assert_eq!(x.pairs, self.pairs, "columns");
        let mut first = 0;
        while first < x.scales.len() {
            let left = x.scales.len() - first;
            let lanes = if left < LANES { 1 } else { LANES };
            let vector = |lane: usize| {
                let at = (first + lane) * self.pairs;
                &x.packed[at..at + self.pairs]
            };
            let vectors: [&[i32]; LANES] = std::array::from_fn(|lane| vector(lane.min(lanes - 1)));
            kernel.products(
                &self.panels,
                self.pairs,
                &vectors[..lanes],
                |panel, lane, sums| {
                    let row = panel * ROWS;
                    let count = ROWS.min(self.rows - row);
                    let out = &mut out[(first + lane) * self.rows + row..][..count];
                    let scale = x.scales[first + lane];
                    for ((out, &sum), of_row) in out.iter_mut().zip(sums).zip(&self.scales[row..]) {
                        *out += sum as f32 * (scale * of_row);
                    }
                },
            );
            first += lanes;
        }
    }
}

impl Activations {
    /// Number of vectors.
    pub(in crate::inference) fn len(&self) -> usize {
        self.scales.len()
    }

    /// Appends the vectors of `other`, which have the same length.
    pub(in crate::inference) fn extend(&mut self, other: &Self) {
        self.pairs = other.pairs;
        self.packed.extend_from_slice(&other.packed);
        self.scales.extend_from_slice(&other.scales);
    }

    /// Removes the vectors but keeps their memory.
    pub(in crate::inference) fn clear(&mut self) {
        self.packed.clear();
        self.scales.clear();
    }

    /// Quantises `x` and appends it.
    pub(in crate::inference) fn push(&mut self, x: &[f32]) {
        self.pairs = x.len().div_ceil(2);
        let at = self.packed.len();
        self.packed.resize(at + self.pairs, 0);
        // This bound keeps the sum of all products within an int32.
        let most = (i32::MAX as f32 / (WEIGHT * (2 * self.pairs) as f32)).floor();
        let scale = quantise_activations(x, most.min(f32::from(i16::MAX)), &mut self.packed[at..]);
        self.scales.push(scale);
    }
}

/// Rounds `weights`, `[rows, columns]`, to the values that a [`Matrix`] stores.
pub(in crate::inference) fn rounded(weights: &[f32], columns: usize) -> Vec<f32> {
    let mut quantised = vec![0; columns];
    let mut values = Vec::with_capacity(weights.len());
    for row in weights.chunks_exact(columns) {
        // f16 holds 127 times this scale exactly, so the largest weight, and with it the scale, survives storage.
        let scale = f16::from_f32(quantise_weights(row, &mut quantised) * WEIGHT).to_f32() / WEIGHT;
        values.extend(quantised.iter().map(|&q| f32::from(q) * scale));
    }
    values
}

multiversioned! {
    /// Quantises a row of weights; returns its scale.
    fn quantise_weights(weights: &[f32], out: &mut [i8]) -> f32 {
        let scale = largest_magnitude(weights) / WEIGHT;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        for (out, w) in out.iter_mut().zip(weights) { *out = nearest(w * inverse) as i8; }
        scale
    }

    /// Quantises a vector to integers of magnitude at most `most`, packed in pairs; returns its scale.
    fn quantise_activations(x: &[f32], most: f32, out: &mut [i32]) -> f32 {
        let scale = largest_magnitude(x) / most;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let (pairs, last) = x.as_chunks::<2>();
        for (out, [even, odd]) in out.iter_mut().zip(pairs) {
            *out = pack(nearest(even * inverse) as i16, nearest(odd * inverse) as i16);
        }
        if let ([even], Some(out)) = (last, out.last_mut()) { *out = pack(nearest(even * inverse) as i16, 0); }
        scale
    }
}

/// Rounds `x`, |x| < 2²², to the nearest integer, ties to even: adding 1.5 · 2²³ leaves it in the lowest bits of the
/// mantissa.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must vectorise in its caller")]
fn nearest(x: f32) -> i32 {
    const ROUND: f32 = 12_582_912.0;
    ((x + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32)
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must vectorise in its caller")]
fn largest_magnitude(x: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (blocks, rest) = x.as_chunks::<16>();
    for block in blocks {
        for (m, x) in lanes.iter_mut().zip(block) {
            *m = m.max(x.abs());
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(0.0, |m: f32, x| m.max(x.abs()))
}
