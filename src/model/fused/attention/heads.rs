//! One head of one lane: its queries, keys and values, what it sees, and its scores.

use std::ops::Range;

use super::{Attention, LaneHead};
use crate::model::fused::{PackedRhs, View};

/// Queries whose scores are in memory at once.
const QUERY_BLOCK: usize = 64;

impl Attention {
    /// A query head's queries `[T,D]`, multiplied by its scale.
    pub(super) fn queries(
        &self,
        task: LaneHead,
        member: usize,
        projected: &[f32],
        gain: &[f32],
    ) -> Vec<f32> {
        let scale = self.scale(task, member, gain);
        let column = (task.head * self.group() + member) * self.sizes.head_size;
        let mut queries = self.columns_of(task.lane, (projected, self.sizes.columns().2), column);
        queries.iter_mut().for_each(|q| *q *= scale);
        queries
    }

    /// The factor of a query head's scores, `gain / √D`.
    pub(super) fn scale(&self, task: LaneHead, member: usize, gain: &[f32]) -> f32 {
        gain[task.head * self.group() + member] / (self.sizes.head_size as f32).sqrt()
    }

    /// A key-value head's keys `[P+T,D]`.
    pub(super) fn keys(&self, task: LaneHead, projected: &[f32]) -> Vec<f32> {
        let (queries, keys, all) = self.sizes.columns();
        let column = task.head * self.sizes.head_size;
        let mut found = self.columns_of(task.lane, (&self.past_keys, keys), column);
        found.extend(self.columns_of(task.lane, (projected, all), queries + column));
        found
    }

    /// A key-value head's values `[P+T,D]`.
    pub(super) fn values(&self, task: LaneHead, projected: &[f32]) -> Vec<f32> {
        let (queries, keys, all) = self.sizes.columns();
        let column = task.head * self.sizes.head_size;
        let mut found = self.columns_of(task.lane, (&self.past_values, keys), column);
        found.extend(self.columns_of(task.lane, (projected, all), queries + keys + column));
        found
    }

    /// The values `[N,D]` of one head, from `column` on, in the rows of a lane; rows have `width` columns.
    pub(super) fn columns_of(
        &self,
        lane: usize,
        (rows, width): (&[f32], usize),
        column: usize,
    ) -> Vec<f32> {
        let size = self.sizes.head_size;
        let mut found = Vec::with_capacity(rows.len() / (width * self.lanes) * size);
        for row in rows.chunks_exact(width).skip(lane).step_by(self.lanes) {
            found.extend_from_slice(&row[column..column + size]);
        }
        found
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let steps = self.steps;
        (0..steps)
            .step_by(QUERY_BLOCK)
            .map(move |first| first..(first + QUERY_BLOCK).min(steps))
    }

    /// The keys that the query of a step sees: indices into the past and then the pass, from `first` on.
    pub(super) fn visible(&self, task: LaneHead, step: usize, first: usize) -> Range<usize> {
        let end = self.past() + step + 1;
        let seen = self.positions.visible(step * self.lanes + task.lane);
        end - seen.min(self.sizes.window).min(end) - first..end - first
    }

    /// The scores of a block of queries over the range of keys that any of them sees.
    pub(super) fn scores(
        &self,
        task: LaneHead,
        block: &Range<usize>,
        queries: &[f32],
        keys: &[f32],
    ) -> (Range<usize>, Vec<f32>) {
        let size = self.sizes.head_size;
        let firsts = block.clone().map(|step| self.visible(task, step, 0).start);
        let all = firsts.min().unwrap_or(0)..self.past() + block.end;
        let mut scores = vec![0.0; block.len() * all.len()];
        PackedRhs::F32(rows_of(keys, &all, size).t()).product(
            &mut scores,
            all.len(),
            rows_of(queries, block, size),
            false,
            false,
        );
        (all, scores)
    }
}

/// Sets to 0 what a query does not see.
pub(super) fn clear_except(scores: &mut [f32], seen: &Range<usize>) {
    scores[..seen.start].fill(0.0);
    scores[seen.end..].fill(0.0);
}

/// Some rows of a row-major matrix.
pub(super) fn rows_of<'a>(matrix: &'a [f32], rows: &Range<usize>, columns: usize) -> View<'a> {
    View::new(
        &matrix[rows.start * columns..rows.end * columns],
        rows.len(),
        columns,
    )
}

/// Rotates the first pairs of a head, `(i, i + N)` by the angle i of N; backwards if `inverse`.
pub(super) fn rotate(head: &mut [f32], (cos, sin): (&[f32], &[f32]), inverse: bool) {
    let (first, second) = head.split_at_mut(cos.len());
    let sign = if inverse { -1.0 } else { 1.0 };
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        let sin = sign * sin;
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    }
}
