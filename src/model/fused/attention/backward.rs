//! The sublayer's backward pass.

use std::sync::PoisonError;

use rayon::prelude::*;

use super::heads::{clear_except, rotate, rows_of};
use super::{Attention, HeadSizes, LaneHead, Saved};
use crate::model::fused::norm::{add_gradient, scale_rows, through_norm};
use crate::model::fused::{PackedRhs, View};
use crate::simd::{dot, exp, multiversioned};

/// The gradients of one [`LaneHead`].
struct HeadGradients {
    /// `[group,T,D]`, rotated.
    queries: Vec<f32>,
    /// `[T,D]`, rotated.
    keys: Vec<f32>,
    /// `[T,D]`.
    values: Vec<f32>,
    /// `[group]`.
    gain: Vec<f32>,
}

impl Attention {
    /// Gradients of the input and of the concatenated weights, given the gradient of the outputs.
    #[expect(
        clippy::too_many_lines,
        reason = "the backward equations, in their order"
    )]
    pub(super) fn backward(&self, x: &[f32], flat: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let weights = self.split(flat);
        let (queries, _, columns) = self.sizes.columns();
        let saved = std::mem::take(&mut *self.saved.lock().unwrap_or_else(PoisonError::into_inner));
        let mut d_flat = vec![0.0; flat.len()];
        let (d_projection, rest) = d_flat.split_at_mut(columns * self.width);
        let (d_gain, d_output) = rest.split_at_mut(self.sizes.heads);

        let d_y = View::new(grad, self.rows(), self.width);
        let mixed = View::new(&saved.mixed, self.rows(), queries);
        PackedRhs::new(mixed, self.precision, true).product(
            d_output,
            queries,
            d_y.t(),
            false,
            true,
        );
        let mut d_mixed = vec![0.0; self.rows() * queries];
        let output = View::new(weights.output, self.width, queries);
        PackedRhs::new(output, self.precision, true).product(
            &mut d_mixed,
            queries,
            d_y,
            false,
            true,
        );

        let tasks = self.tasks();
        let gradients: Vec<HeadGradients> = tasks
            .par_iter()
            .enumerate()
            .map(|(index, &task)| {
                self.attend_backward((index, task), &saved, weights.gain, &d_mixed)
            })
            .collect();
        drop(d_mixed);
        for (task, gradients) in tasks.iter().zip(&gradients) {
            let heads = &mut d_gain[task.head * self.group()..][..self.group()];
            heads
                .iter_mut()
                .zip(&gradients.gain)
                .for_each(|(a, b)| *a += b);
        }
        let d_projected = self.projection_gradient(&saved, &gradients);
        drop(gradients);

        let mut normal = x.to_vec();
        scale_rows(&mut normal, &saved.inverse);
        let d_rows = View::new(&d_projected, self.rows(), columns);
        PackedRhs::new(
            View::new(&normal, self.rows(), self.width),
            self.precision,
            true,
        )
        .product(d_projection, self.width, d_rows.t(), false, true);
        let mut d_normal = vec![0.0; self.rows() * self.width];
        let projection = View::new(weights.projection, columns, self.width);
        PackedRhs::new(projection, self.precision, true).product(
            &mut d_normal,
            self.width,
            d_rows,
            false,
            true,
        );
        (
            through_norm(grad, &normal, &saved.inverse, &d_normal),
            d_flat,
        )
    }

    /// The gradients of a lane's projected queries, keys and values, and of the gains of its query heads.
    #[expect(
        clippy::too_many_lines,
        reason = "the backward equations, in their order"
    )]
    fn attend_backward(
        &self,
        (index, task): (usize, LaneHead),
        saved: &Saved,
        gain: &[f32],
        d_mixed: &[f32],
    ) -> HeadGradients {
        let size = self.sizes.head_size;
        let keys = self.keys(task, &saved.projected);
        let values = self.values(task, &saved.projected);
        let mut d_keys = vec![0.0; keys.len()];
        let mut d_values = vec![0.0; values.len()];
        let mut d_queries = vec![0.0; self.group() * self.steps * size];
        let mut d_gain = vec![0.0; self.group()];
        for (member, d_queries) in d_queries.chunks_exact_mut(self.steps * size).enumerate() {
            let queries = self.queries(task, member, &saved.projected, gain);
            let column = (task.head * self.group() + member) * size;
            let (width, _, all) = self.sizes.columns();
            let d_out = self.columns_of(task.lane, (d_mixed, width), column);
            let out = self.columns_of(task.lane, (&saved.mixed, width), column);
            let normalizers = &saved.normalizers[index][member * self.steps..][..self.steps];
            for block in self.blocks() {
                let (visible, mut scores) = self.scores(task, &block, &queries, &keys);
                let mut d_scores = vec![0.0; scores.len()];
                let d_block = rows_of(&d_out, &block, size);
                PackedRhs::F32(rows_of(&values, &visible, size).t()).product(
                    &mut d_scores,
                    visible.len(),
                    d_block,
                    false,
                    false,
                );
                let rows = scores.chunks_exact_mut(visible.len());
                for ((row, scores), d_scores) in block
                    .clone()
                    .zip(rows)
                    .zip(d_scores.chunks_exact_mut(visible.len()))
                {
                    let at = row * size..(row + 1) * size;
                    let mean = dot(&d_out[at.clone()], &out[at]);
                    let seen = self.visible(task, row, visible.start);
                    let (p, d) = (&mut scores[seen.clone()], &mut d_scores[seen.clone()]);
                    softmax_gradient(p, d, normalizers[row], mean);
                    clear_except(scores, &seen);
                    clear_except(d_scores, &seen);
                }
                let (p, d_s) = (
                    View::new(&scores, block.len(), visible.len()),
                    View::new(&d_scores, block.len(), visible.len()),
                );
                let at = visible.start * size..visible.end * size;
                PackedRhs::F32(d_block).product(
                    &mut d_values[at.clone()],
                    size,
                    p.t(),
                    true,
                    false,
                );
                let q = rows_of(&queries, &block, size);
                PackedRhs::F32(q).product(&mut d_keys[at], size, d_s.t(), true, false);
                let d_q = &mut d_queries[block.start * size..block.end * size];
                PackedRhs::F32(rows_of(&keys, &visible, size))
                    .product(d_q, size, d_s, false, false);
            }
            let plain = self.columns_of(task.lane, (&saved.projected, all), column);
            d_gain[member] = dot(d_queries, &plain) / (size as f32).sqrt();
            let scale = self.scale(task, member, gain);
            d_queries.iter_mut().for_each(|d| *d *= scale);
        }
        let own = self.past() * size..;
        HeadGradients {
            queries: d_queries,
            keys: d_keys[own.clone()].to_vec(),
            values: d_values[own].to_vec(),
            gain: d_gain,
        }
    }

    /// The gradient of the projection before heads were normalised and rotated, `[T*B,(Q+2K)*D]`.
    fn projection_gradient(&self, saved: &Saved, gradients: &[HeadGradients]) -> Vec<f32> {
        let HeadSizes {
            heads,
            key_value_heads,
            head_size: size,
            ..
        } = self.sizes;
        let columns = self.sizes.columns().2;
        let mut all = vec![0.0; self.rows() * columns];
        all.par_chunks_exact_mut(columns)
            .enumerate()
            .for_each(|(row, d_row)| {
                let (step, lane) = (row / self.lanes, row % self.lanes);
                let (angles, projected) = (
                    self.positions.angles(row),
                    &saved.projected[row * columns..],
                );
                let inverse = &saved.inverse_heads[row * (heads + key_value_heads)..];
                let at = step * size..(step + 1) * size;
                let (mut normal, mut d_normal) = (vec![0.0; size], vec![0.0; size]);
                for (head, d_head) in d_row.chunks_exact_mut(size).enumerate() {
                    let of = |key_value_head| &gradients[lane * key_value_heads + key_value_head];
                    let gradient = if head < heads {
                        let member = head % self.group();
                        &of(head / self.group()).queries[member * self.steps * size..][at.clone()]
                    } else if head < heads + key_value_heads {
                        &of(head - heads).keys[at.clone()]
                    } else {
                        d_head.copy_from_slice(
                            &of(head - heads - key_value_heads).values[at.clone()],
                        );
                        continue;
                    };
                    d_normal.copy_from_slice(gradient);
                    rotate(&mut d_normal, angles, true);
                    normal.copy_from_slice(&projected[head * size..(head + 1) * size]);
                    rotate(&mut normal, angles, true);
                    add_gradient(&normal, inverse[head], &d_normal, d_head);
                }
            });
        all
    }
}

multiversioned! {
    /// Turns scores into probabilities, and the gradient of probabilities into that of scores; `mean` is the sum of probabilities
    /// times their gradients.
    fn softmax_gradient(scores: &mut [f32], gradients: &mut [f32], normalizer: f32, mean: f32) {
        for (s, d) in scores.iter_mut().zip(gradients) {
            *s = exp(*s - normalizer);
            *d = *s * (*d - mean);
        }
    }
}
