//! Inverted dropout (Srivastava et al. 2014) whose mask is a function of a seed, so that a resumed run drops what
//! an uninterrupted one would have.

use candle_core::{Result, Tensor};

use super::SplitMix64;

/// `x` with each element zeroed with `probability`, the others scaled by `1 / (1 - probability)`.
pub(super) fn dropout(x: &Tensor, probability: f64, seed: u64) -> Result<Tensor> {
    let scale = (1.0 / (1.0 - probability)) as f32;
    let threshold = (probability * u32::MAX as f64) as u32;
    let mut generator = SplitMix64::new(seed);
    let mut mask = Vec::with_capacity(x.elem_count());
    while mask.len() < x.elem_count() {
        let bits = generator.next_u64(); // two elements from each draw
        for half in [bits as u32, (bits >> 32) as u32] {
            mask.push(if half < threshold { 0.0 } else { scale });
        }
    }
    mask.truncate(x.elem_count());
    x * Tensor::from_vec(mask, x.shape(), x.device())?
}
