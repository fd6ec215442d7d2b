//! A transformer's feed-forward sublayer as one operation: `y = x + relu(norm(x) U^T)^2 D^T` (squared ReLU: So et al. 2021,
//! "Primer").

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::graph::{gradients, slice};
use super::norm::{normalize, scale_rows, through_norm};
use super::{PackedRhs, View};
use crate::model::pass::MatmulPrecision;
use crate::simd::multiversioned;

/// `x` `[T,B,C]` -> `[T,B,C]`, with `up` `[M,C]` and `down` `[C,M]`.
pub(crate) fn feed_forward(
    x: &Tensor,
    up: &Tensor,
    down: &Tensor,
    precision: MatmulPrecision,
) -> Result<Tensor> {
    let (inner, width) = up.dims2()?;
    let flat = Tensor::cat(&[up.flatten_all()?, down.flatten_all()?], 0)?;
    x.contiguous()?.apply_op2(
        &flat,
        FeedForward {
            width,
            inner,
            precision,
            saved: Mutex::default(),
        },
    )
}

struct FeedForward {
    /// `C`.
    width: usize,
    /// `M`.
    inner: usize,
    precision: MatmulPrecision,
    saved: Mutex<Saved>,
}

/// What the backward pass needs besides the input.
#[derive(Default)]
struct Saved {
    /// Inverse root mean square of each input row, `[N]`.
    inverse: Vec<f32>,
    /// `norm(x) U^T` `[N,M]`.
    before: Vec<f32>,
}

impl FeedForward {
    fn forward(&self, x: &[f32], flat: &[f32]) -> Vec<f32> {
        let (width, inner, rows) = (self.width, self.inner, x.len() / self.width);
        let (up, down) = flat.split_at(inner * width);
        let (normal, inverse) = normalize(x, width);
        let mut before = vec![0.0; rows * inner];
        let up = PackedRhs::new(View::new(up, inner, width).t(), self.precision, true);
        up.product(
            &mut before,
            inner,
            View::new(&normal, rows, width),
            false,
            true,
        );
        let mut y = x.to_vec();
        let after = activated(&before);
        let down = PackedRhs::new(View::new(down, width, inner).t(), self.precision, true);
        down.product(&mut y, width, View::new(&after, rows, inner), true, true);
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Saved { inverse, before };
        y
    }

    fn backward(&self, x: &[f32], flat: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (width, inner, rows) = (self.width, self.inner, x.len() / self.width);
        let (up, down) = flat.split_at(inner * width);
        let saved = std::mem::take(&mut *self.saved.lock().unwrap_or_else(PoisonError::into_inner));
        let after = activated(&saved.before);
        let mut d_flat = vec![0.0; flat.len()];
        let (d_up, d_down) = d_flat.split_at_mut(inner * width);
        let right = PackedRhs::new(View::new(&after, rows, inner), self.precision, true);
        right.product(d_down, inner, View::new(grad, rows, width).t(), false, true);
        drop(right);

        let mut d_before = vec![0.0; rows * inner];
        let down = PackedRhs::new(View::new(down, width, inner), self.precision, true);
        down.product(
            &mut d_before,
            inner,
            View::new(grad, rows, width),
            false,
            true,
        );
        d_before
            .par_chunks_mut(CHUNK)
            .zip(saved.before.par_chunks(CHUNK))
            .for_each(|(d, before)| activation_gradient(d, before));

        let mut normal = x.to_vec();
        scale_rows(&mut normal, &saved.inverse);
        let right = PackedRhs::new(View::new(&normal, rows, width), self.precision, true);
        right.product(
            d_up,
            width,
            View::new(&d_before, rows, inner).t(),
            false,
            true,
        );
        let mut d_normal = vec![0.0; rows * width];
        let up = PackedRhs::new(View::new(up, inner, width), self.precision, true);
        up.product(
            &mut d_normal,
            width,
            View::new(&d_before, rows, inner),
            false,
            true,
        );
        (
            through_norm(grad, &normal, &saved.inverse, &d_normal),
            d_flat,
        )
    }
}

/// Values that a thread takes at a time.
const CHUNK: usize = 1 << 14;

fn activated(before: &[f32]) -> Vec<f32> {
    let mut after = vec![0.0; before.len()];
    after
        .par_chunks_mut(CHUNK)
        .zip(before.par_chunks(CHUNK))
        .for_each(|(after, before)| activation(after, before));
    after
}

multiversioned! {
    fn activation(after: &mut [f32], before: &[f32]) {
        for (a, b) in after.iter_mut().zip(before) {
            let positive = b.max(0.0);
            *a = positive * positive;
        }
    }
}

multiversioned! {
    fn activation_gradient(d: &mut [f32], before: &[f32]) {
        for (d, b) in d.iter_mut().zip(before) {
            *d *= 2.0 * b.max(0.0);
        }
    }
}

impl CustomOp2 for FeedForward {
    fn name(&self) -> &'static str {
        "feed-forward"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        l1: &Layout,
        flat: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.forward(slice(x, l1)?, slice(flat, l2)?);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        flat: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        gradients([x, flat, grad], |[x, flat, grad]| {
            self.backward(x, flat, grad)
        })
    }
}
