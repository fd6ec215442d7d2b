//! Quantised matrices and vectors.
//!
//! Weights are int8 with one scale a row, activations int16 with one scale a vector, both symmetric: `w ≈ s q`. The
//! activations' 15 bits cost no memory that matters and no time (the weights' way from memory is what binds), and the
//! error that is left is the weights' own.

use std::ops::Range;

use half::f16;

use super::kernel::{Kernel, LANES, Pair, ROWS, pack};
use crate::simd::multiversioned;

/// Largest magnitude of a quantised weight.
const WEIGHT: f32 = 127.0;

/// Panels that a matrix grows by.
const GROWTH: usize = 16;

/// A matrix `[rows, columns]`.
#[derive(Debug)]
pub(in crate::inference) struct Matrix {
    rows: usize,
    /// Pairs of columns.
    pairs: usize,
    /// Panel after panel; rows and columns that make the last ones full are zero.
    panels: Vec<Pair>,
    /// Of each row, those that fill the last panel included.
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
    /// Quantises `weights`, `[rows, columns]` row by row.
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

    /// A matrix without rows, to be filled with [`Matrix::push_direction`].
    pub(in crate::inference) fn empty(columns: usize) -> Self {
        Self {
            rows: 0,
            pairs: columns.div_ceil(2),
            panels: Vec::new(),
            scales: Vec::new(),
        }
    }

    /// How many rows.
    pub(in crate::inference) fn rows(&self) -> usize {
        self.rows
    }

    /// The products of some rows with the one vector of `x`.
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

    /// Appends a row, quantised and then divided by its length: products with it are projections on its direction.
    pub(in crate::inference) fn push_direction(&mut self, row: &[f32]) {
        if self.rows == self.scales.len() {
            if self.panels.len() == self.panels.capacity() {
                // Not twice as much as it has: every document has such a matrix.
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

    /// Drops the first rows, as many as make full panels within `rows`; how many those are.
    pub(in crate::inference) fn drop_first(&mut self, rows: usize) -> usize {
        let panels = rows.min(self.rows) / ROWS;
        self.panels.drain(..panels * self.pairs);
        self.scales.drain(..panels * ROWS);
        self.rows -= panels * ROWS;
        panels * ROWS
    }

    /// Bytes that one product reads.
    pub(in crate::inference) fn bytes(&self) -> usize {
        size_of_val(&self.panels[..]) + size_of_val(&self.scales[..])
    }

    /// Row `row` as activations, appended to `out`: the embedding's rows are the first layer's input as they stand.
    pub(in crate::inference) fn push_row(&self, row: usize, out: &mut Activations) {
        let (panel, lane) = (row / ROWS * self.pairs, row % ROWS * 2);
        let pairs = self.panels[panel..panel + self.pairs].iter();
        out.packed
            .extend(pairs.map(|pair| pack(i16::from(pair[lane]), i16::from(pair[lane + 1]))));
        out.scales.push(self.scales[row]);
        out.pairs = self.pairs;
    }

    /// `out[t] += W x[t]` for each vector; `out` is `[vectors, rows]`.
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
    /// How many vectors.
    pub(in crate::inference) fn len(&self) -> usize {
        self.scales.len()
    }

    /// Appends the vectors of `other`, which are as long.
    pub(in crate::inference) fn extend(&mut self, other: &Self) {
        self.pairs = other.pairs;
        self.packed.extend_from_slice(&other.packed);
        self.scales.extend_from_slice(&other.scales);
    }

    /// Forgets the vectors, keeps their memory.
    pub(in crate::inference) fn clear(&mut self) {
        self.packed.clear();
        self.scales.clear();
    }

    /// Quantises `x` and appends it.
    pub(in crate::inference) fn push(&mut self, x: &[f32]) {
        self.pairs = x.len().div_ceil(2);
        let at = self.packed.len();
        self.packed.resize(at + self.pairs, 0);
        // The sum of all products stays within an int32.
        let most = (i32::MAX as f32 / (WEIGHT * (2 * self.pairs) as f32)).floor();
        let scale = quantise_activations(x, most.min(f32::from(i16::MAX)), &mut self.packed[at..]);
        self.scales.push(scale);
    }
}

/// `weights`, `[rows, columns]`, as a [`Matrix`] keeps them.
pub(in crate::inference) fn rounded(weights: &[f32], columns: usize) -> Vec<f32> {
    let mut quantised = vec![0; columns];
    let mut values = Vec::with_capacity(weights.len());
    for row in weights.chunks_exact(columns) {
        // A scale that f16 can hold 127 times of: then the largest weight, and so the scale, survives being stored.
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

    /// Quantises a vector to at most `most`, packed in pairs; returns its scale.
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

/// The nearest integer to `x`, |x| < 2²², ties to even: adding 1.5 · 2²³ leaves it in the lowest bits of the mantissa.
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
