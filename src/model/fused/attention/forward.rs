//! The sublayer's forward pass.

use std::sync::PoisonError;

use rayon::prelude::*;

use super::heads::{clear_except, rotate, rows_of};
use super::{Attention, HeadSizes, LaneHead, Saved};
use crate::model::fused::norm::{normalize, normalize_row};
use crate::model::fused::{PackedRhs, View};
use crate::simd::softmax_in_place;

impl Attention {
    /// Outputs `[T*B,C]` of inputs `[T*B,C]`.
    pub(super) fn forward(&self, x: &[f32], flat: &[f32]) -> Vec<f32> {
        let weights = self.split(flat);
        let (queries, _, columns) = self.sizes.columns();
        let (normal, inverse) = normalize(x, self.width);
        let mut projected = vec![0.0; self.rows() * columns];
        let projection = View::new(weights.projection, columns, self.width).t();
        PackedRhs::new(projection, self.precision, true).product(
            &mut projected,
            columns,
            View::new(&normal, self.rows(), self.width),
            false,
            true,
        );
        drop(normal);
        let inverse_heads = self.normalize_and_rotate(&mut projected);

        let tasks = self.tasks();
        let results: Vec<(Vec<f32>, Vec<f32>)> = tasks
            .par_iter()
            .map(|&task| self.attend(task, &projected, weights.gain))
            .collect();
        let (outputs, normalizers): (Vec<_>, Vec<_>) = results.into_iter().unzip();
        let mixed = self.to_rows(&outputs);
        let mut y = x.to_vec();
        let output = View::new(weights.output, self.width, queries).t();
        PackedRhs::new(output, self.precision, true).product(
            &mut y,
            self.width,
            View::new(&mixed, self.rows(), queries),
            true,
            true,
        );
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Saved {
            inverse,
            projected,
            inverse_heads,
            mixed,
            normalizers,
        };
        y
    }

    /// Normalises and rotates queries and keys in place; returns the inverse roots.
    fn normalize_and_rotate(&self, projected: &mut [f32]) -> Vec<f32> {
        let HeadSizes {
            heads,
            key_value_heads,
            head_size,
            ..
        } = self.sizes;
        let placed = heads + key_value_heads;
        let mut inverse = vec![0.0; self.rows() * placed];
        projected
            .par_chunks_exact_mut(self.sizes.columns().2)
            .zip(inverse.par_chunks_exact_mut(placed))
            .enumerate()
            .for_each(|(row, (projected, inverse))| {
                let angles = self.positions.angles(row);
                let heads = projected.chunks_exact_mut(head_size);
                for (head, inverse) in heads.zip(inverse) {
                    *inverse = normalize_row(head);
                    rotate(head, angles, false);
                }
            });
        inverse
    }

    /// The outputs `[group,T,D]` and normalizers `[group,T]` of a lane's query heads.
    fn attend(&self, task: LaneHead, projected: &[f32], gain: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let size = self.sizes.head_size;
        let (keys, values) = (self.keys(task, projected), self.values(task, projected));
        let mut outputs = vec![0.0; self.group() * self.steps * size];
        let mut normalizers = vec![0.0; self.group() * self.steps];
        for (member, (outputs, normalizers)) in outputs
            .chunks_exact_mut(self.steps * size)
            .zip(normalizers.chunks_exact_mut(self.steps))
            .enumerate()
        {
            let queries = self.queries(task, member, projected, gain);
            for block in self.blocks() {
                let (visible, mut scores) = self.scores(task, &block, &queries, &keys);
                for (row, scores) in block.clone().zip(scores.chunks_exact_mut(visible.len())) {
                    let seen = self.visible(task, row, visible.start);
                    normalizers[row] = softmax_in_place(&mut scores[seen.clone()]);
                    clear_except(scores, &seen);
                }
                let values = rows_of(&values, &visible, size);
                PackedRhs::F32(values).product(
                    &mut outputs[block.start * size..block.end * size],
                    size,
                    View::new(&scores, block.len(), visible.len()),
                    false,
                    false,
                );
            }
        }
        (outputs, normalizers)
    }

    /// The outputs of all tasks, `[group,T,D]` each, as rows `[T*B,Q*D]`.
    fn to_rows(&self, outputs: &[Vec<f32>]) -> Vec<f32> {
        let HeadSizes {
            key_value_heads,
            head_size: size,
            ..
        } = self.sizes;
        let mut rows = vec![0.0; self.rows() * self.sizes.columns().0];
        rows.par_chunks_exact_mut(self.sizes.columns().0)
            .enumerate()
            .for_each(|(row, out)| {
                let (step, lane) = (row / self.lanes, row % self.lanes);
                for (head, out) in out.chunks_exact_mut(size).enumerate() {
                    let task = lane * key_value_heads + head / self.group();
                    let at = (head % self.group() * self.steps + step) * size;
                    out.copy_from_slice(&outputs[task][at..at + size]);
                }
            });
        rows
    }
}
