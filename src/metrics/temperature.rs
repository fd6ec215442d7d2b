//! Temperature scaling: fits the temperature that minimizes the cross-entropy.

use std::ops::AddAssign;

use crate::simd::{largest, sum_of_exponentials};
use crate::tokenizer::TokenId;

/// Number of inverse temperatures tried.
const POINTS: usize = 21;
/// The first inverse temperature, and the step between them.
const FIRST: f64 = 0.7;
const STEP: f64 = 0.03;

/// Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2): mean cross-entropy of
/// `softmax(logits / T)` on a grid of 1 / T. The cross-entropy is convex in 1 / T.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemperatureFit {
    nats: [f64; POINTS],
}

impl TemperatureFit {
    /// Counts one target.
    pub fn add(&mut self, logits: &[f32], target: TokenId) {
        let highest = largest(logits);
        let below = f64::from(highest - logits[target.index()]);
        for (point, nats) in self.nats.iter_mut().enumerate() {
            let inverse = FIRST + STEP * point as f64;
            *nats += inverse * below + sum_of_exponentials(logits, highest, inverse as f32).ln();
        }
    }

    /// The temperature with the lowest cross-entropy; 1 if no target was counted.
    pub fn temperature(&self) -> f64 {
        let best = (0..POINTS)
            .min_by(|&a, &b| self.nats[a].total_cmp(&self.nats[b]))
            .unwrap_or(0);
        if self.nats[best] <= 0.0 {
            return 1.0;
        }
        // Vertex of the parabola through the best point and its neighbours.
        let middle = best.clamp(1, POINTS - 2);
        let [left, at, right] = [middle - 1, middle, middle + 1].map(|point| self.nats[point]);
        let curvature = left - 2.0 * at + right;
        let offset = if curvature > 0.0 {
            0.5 * (left - right) / curvature
        } else {
            0.0
        };
        1.0 / (FIRST + STEP * (middle as f64 + offset.clamp(-1.0, 1.0)))
    }
}

impl AddAssign<&Self> for TemperatureFit {
    fn add_assign(&mut self, other: &Self) {
        self.nats
            .iter_mut()
            .zip(&other.nats)
            .for_each(|(mine, theirs)| *mine += theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SplitMix64;

    /// Fitting targets drawn from `softmax(logits / T)` recovers T.
    #[test]
    fn the_temperature_that_made_the_targets_is_found() {
        for expected in [0.85, 1.0, 1.2] {
            let mut generator = SplitMix64::new(1);
            let mut fit = TemperatureFit::default();
            for _ in 0..40_000 {
                let logits: Vec<f32> = (0..20).map(|_| 2.0 * generator.normal() as f32).collect();
                let weights = logits.iter().map(|&z| (f64::from(z) / expected).exp());
                let mut left = generator.uniform() * weights.clone().sum::<f64>();
                let target = weights
                    .take_while(|w| {
                        left -= w;
                        left > 0.0
                    })
                    .count();
                let mut one = TemperatureFit::default();
                one.add(&logits, TokenId::at(target.min(19)));
                fit += &one;
            }
            let found = fit.temperature();
            assert!(
                (found / expected - 1.0).abs() < 0.02,
                "{found} for {expected}"
            );
        }
        assert!((TemperatureFit::default().temperature() - 1.0).abs() < 1e-12);
    }
}
