//! Output layer, softmax and cross-entropy as one operation, in chunks: the logits of a whole batch (10,002 per token,
//! for thousands of tokens) are never in memory at once. The forward pass also computes the gradients, which follow
//! from the logits by a few subtractions; the backward pass only scales them.

use std::sync::{Mutex, PoisonError};

#[cfg(test)]
use candle_core::D;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::fused::{PackedRhs, View, slice, threads};
use super::gpu;
use super::pass::MatmulPrecision;
use super::softmax::Softmax;
use crate::simd::{dot, softmax_in_place};
use crate::tokenizer::TokenId;

/// `<PAD>`: a target that is ignored.
const PAD: u32 = TokenId::PAD.get();

/// Rows per thread whose logits are in memory at once.
const CHUNK: usize = 256;

/// Cross-entropy in nats of `targets` `[N]` given `hidden` `[N,H]`, summed over those that are not `<PAD>` and divided
/// by `divisor`. The gradients are divided before they are multiplied by the weights, so that a sum over several
/// batches with one divisor has the same precision as a mean over one batch.
pub(super) fn cross_entropy(
    hidden: &Tensor,
    w: &Tensor,
    b: &Tensor,
    targets: &[u32],
    softmax: &Softmax,
    precision: MatmulPrecision,
    divisor: u64,
) -> Result<Tensor> {
    let divisor = divisor.max(1);
    if hidden.device().is_cpu() {
        let op = OutputLoss {
            targets: targets.to_vec(),
            softmax: softmax.clone(),
            precision,
            divisor,
            gradients: Mutex::default(),
        };
        return hidden.contiguous()?.apply_op3(w, b, op);
    }
    gpu::cross_entropy(&hidden.contiguous()?, w, b, targets, precision, divisor)
}

/// Number of targets that are not `<PAD>`.
#[cfg(test)]
pub(super) fn count(targets: &[u32]) -> u64 {
    targets.iter().filter(|&&target| target != PAD).count() as u64
}

/// The mean loss over all classes in plain Candle operations: the reference implementation.
#[cfg(test)]
pub(super) fn plain(hidden: &Tensor, w: &Tensor, b: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let counted: Vec<f32> = targets
        .iter()
        .map(|&t| f32::from(u8::from(t != PAD)))
        .collect();
    let counted = Tensor::new(counted, hidden.device())?; // [N]
    let logits = hidden.matmul(&w.t()?)?.broadcast_add(b)?; // [N,V]
    let log_p = candle_nn::ops::log_softmax(&logits, D::Minus1)?; // [N,V]
    let targets = Tensor::new(targets, hidden.device())?.unsqueeze(1)?; // [N,1]
    let log_p = log_p.gather(&targets, 1)?.squeeze(1)?; // [N]
    let sum = (log_p * &counted)?.sum_all()?.neg()?;
    sum / counted.sum_all()?
}

/// The classes of the softmax as a small dense layer.
struct Classes {
    weight: Vec<f32>, // [K,H]
    bias: Vec<f32>,   // [K], corrected where sampled
    ids: Vec<u32>,    // [K]: vocabulary id of each column
    head: usize,      // columns below this are ids themselves
}

impl Classes {
    fn gather(softmax: &Softmax, w: &[f32], b: &[f32], hidden: usize) -> Option<Self> {
        let Softmax::Sampled { head, tail } = softmax else {
            return None;
        };
        let head = *head as usize;
        let correction = ((b.len() - head) as f32 / tail.len() as f32).ln();
        let mut weight = w[..head * hidden].to_vec();
        let mut bias = b[..head].to_vec();
        for &id in tail {
            weight.extend_from_slice(&w[id as usize * hidden..][..hidden]);
            bias.push(b[id as usize] + correction);
        }
        let ids = (0..head as u32).chain(tail.iter().copied()).collect();
        Some(Self {
            weight,
            bias,
            ids,
            head,
        })
    }
}

#[derive(Default)]
struct Gradients {
    hidden: Vec<f32>, // [N,H]
    weight: Vec<f32>, // [V,H]
    bias: Vec<f32>,   // [V]
}

struct OutputLoss {
    targets: Vec<u32>,
    softmax: Softmax,
    precision: MatmulPrecision,
    divisor: u64,
    gradients: Mutex<Gradients>,
}

/// Partial sums of one thread.
struct Sums {
    loss: f64,
    weight: Vec<f32>,            // [K,H]
    bias: Vec<f32>,              // [K]
    own: Vec<(u32, f32, usize)>, // (tail target, its logit's gradient, row): classes outside the dense ones
}

impl OutputLoss {
    #[allow(
        clippy::too_many_lines,
        reason = "one pass from rows to gradients, read from top to bottom"
    )]
    fn forward(&self, h: &[f32], w: &[f32], b: &[f32], hidden: usize) -> (f32, Gradients) {
        let scale = 1.0 / self.divisor as f32;
        let sampled = Classes::gather(&self.softmax, w, b, hidden);
        let (weight, bias) = sampled
            .as_ref()
            .map_or((w, b), |c| (&c.weight[..], &c.bias[..]));
        let weight = View::new(weight, bias.len(), hidden); // [K,H]
        let to_logits = PackedRhs::new(weight.t(), self.precision, true);
        let to_hidden = PackedRhs::new(weight, self.precision, true);
        let mut d_hidden = vec![0.0; h.len()];

        let rows = self.targets.len().div_ceil(threads()).max(1);
        let parts = (
            h.par_chunks(rows * hidden),
            d_hidden.par_chunks_mut(rows * hidden),
            self.targets.par_chunks(rows),
        );
        let sums: Vec<Sums> = parts
            .into_par_iter()
            .enumerate()
            .map(|(part, (h, d_hidden, targets))| {
                let classes = bias.len();
                let mut sums = Sums {
                    loss: 0.0,
                    weight: vec![0.0; classes * hidden],
                    bias: vec![0.0; classes],
                    own: Vec::new(),
                };
                let chunks = h
                    .chunks(CHUNK * hidden)
                    .zip(d_hidden.chunks_mut(CHUNK * hidden))
                    .zip(targets.chunks(CHUNK));
                for (index, ((h, d_hidden), targets)) in chunks.enumerate() {
                    let first = part * rows + index * CHUNK;
                    let mut logits = vec![0.0; targets.len() * classes]; // [n,K]
                    let rows = View::new(h, targets.len(), hidden);
                    to_logits.product(&mut logits, classes, rows, false, false);
                    for (row, (logits, &target)) in
                        logits.chunks_exact_mut(classes).zip(targets).enumerate()
                    {
                        logits.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
                        let h = &h[row * hidden..(row + 1) * hidden];
                        sums.loss += row_gradient(
                            logits,
                            target,
                            scale,
                            sampled.as_ref(),
                            || {
                                dot(h, &w[target as usize * hidden..][..hidden])
                                    + b[target as usize]
                            },
                            |gradient| sums.own.push((target, gradient, first + row)),
                        );
                        sums.bias
                            .iter_mut()
                            .zip(&*logits)
                            .for_each(|(a, z)| *a += z);
                    }
                    let d_logits = View::new(&logits, targets.len(), classes);
                    to_hidden.product(d_hidden, hidden, d_logits, false, false);
                    let rows = PackedRhs::new(rows, self.precision, false);
                    rows.product(&mut sums.weight, hidden, d_logits.t(), true, false);
                }
                sums
            })
            .collect();
        let mut gradients = Gradients {
            hidden: d_hidden,
            weight: vec![0.0; w.len()],
            bias: vec![0.0; b.len()],
        };
        let mut loss = 0.0;
        for part in sums {
            loss += part.loss;
            gradients.add(&part, sampled.as_ref().map(|c| &c.ids[..]), hidden);
            for (target, gradient, row) in part.own {
                let at = target as usize * hidden..(target as usize + 1) * hidden;
                let (h, d_h) = (
                    &h[row * hidden..(row + 1) * hidden],
                    &mut gradients.hidden[row * hidden..(row + 1) * hidden],
                );
                gradients.bias[target as usize] += gradient;
                gradients.weight[at.clone()]
                    .iter_mut()
                    .zip(h)
                    .for_each(|(a, h)| *a += gradient * h);
                d_h.iter_mut()
                    .zip(&w[at])
                    .for_each(|(a, w)| *a += gradient * w);
            }
        }
        ((loss / self.divisor as f64) as f32, gradients)
    }
}

impl Gradients {
    /// Adds one thread's sums; `ids` are the vocabulary ids of its rows, or None for all in order.
    fn add(&mut self, sums: &Sums, ids: Option<&[u32]>, hidden: usize) {
        let Some(ids) = ids else {
            self.weight
                .iter_mut()
                .zip(&sums.weight)
                .for_each(|(a, b)| *a += b);
            self.bias
                .iter_mut()
                .zip(&sums.bias)
                .for_each(|(a, b)| *a += b);
            return;
        };
        for ((&id, row), bias) in ids
            .iter()
            .zip(sums.weight.chunks_exact(hidden))
            .zip(&sums.bias)
        {
            self.bias[id as usize] += bias;
            self.weight[id as usize * hidden..][..hidden]
                .iter_mut()
                .zip(row)
                .for_each(|(a, b)| *a += b);
        }
    }
}

/// Turns the logits of one row into their gradient in place; returns the row's loss. A target outside the dense classes
/// has its logit computed by `own_logit` and its gradient passed to `own_gradient`.
fn row_gradient(
    logits: &mut [f32],
    target: u32,
    scale: f32,
    sampled: Option<&Classes>,
    own_logit: impl FnOnce() -> f32,
    own_gradient: impl FnOnce(f32),
) -> f64 {
    if target == PAD {
        logits.fill(0.0);
        return 0.0;
    }
    let own = sampled.filter(|c| target as usize >= c.head);
    let Some(classes) = own else {
        let logit = logits[target as usize];
        let normalizer = softmax_in_place(logits);
        logits.iter_mut().for_each(|p| *p *= scale);
        logits[target as usize] -= scale;
        return f64::from(normalizer - logit);
    };
    if let Ok(column) = classes.ids[classes.head..].binary_search(&target) {
        logits[classes.head + column] = f32::NEG_INFINITY; // it is included exactly, so it is removed from the sample
    }
    let logit = own_logit();
    let dense = softmax_in_place(logits);
    let normalizer = dense.max(logit) + (-(dense - logit).abs()).exp().ln_1p();
    let share = (dense - normalizer).exp() * scale;
    logits.iter_mut().for_each(|p| *p *= share);
    own_gradient(((logit - normalizer).exp() - 1.0) * scale);
    f64::from(normalizer - logit)
}

impl CustomOp3 for OutputLoss {
    fn name(&self) -> &'static str {
        "output-loss"
    }

    fn cpu_fwd(
        &self,
        h: &CpuStorage,
        l1: &Layout,
        w: &CpuStorage,
        l2: &Layout,
        b: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let hidden = l2.shape().dims2()?.1;
        let (loss, gradients) = self.forward(slice(h, l1)?, slice(w, l2)?, slice(b, l3)?, hidden);
        *self
            .gradients
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = gradients;
        Ok((CpuStorage::F32(vec![loss]), Shape::from(())))
    }

    fn bwd(
        &self,
        h: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradients = std::mem::take(
            &mut *self
                .gradients
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let scale = grad.to_scalar::<f32>()?;
        let tensor = |mut values: Vec<f32>, like: &Tensor| {
            #[allow(
                clippy::float_cmp,
                reason = "exactly 1 is the usual case: the loss itself is differentiated"
            )]
            if scale != 1.0 {
                values.iter_mut().for_each(|v| *v *= scale);
            }
            Tensor::from_vec(values, like.shape(), like.device()).map(Some)
        };
        Ok((
            tensor(gradients.hidden, h)?,
            tensor(gradients.weight, w)?,
            tensor(gradients.bias, b)?,
        ))
    }
}
