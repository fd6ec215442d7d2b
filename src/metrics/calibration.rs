//! Expected calibration error: the gap between shown probabilities and observed accuracy.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::observation::Shown;

/// Number of equal-width bins over [0, 1].
const BINS: usize = 15;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bin {
    answers: u64,
    right: u64,
    confidence: f64,
}

/// Reliability diagram of first answers (Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    bins: [Bin; BINS],
}

impl Calibration {
    /// Counts one first answer.
    pub fn add(&mut self, shown: Shown) {
        let confidence = f64::from(shown.probability).clamp(0.0, 1.0);
        let bin = &mut self.bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.answers += 1;
        bin.right += u64::from(shown.right);
        bin.confidence += confidence;
    }

    /// Figures of the non-empty bins: the points of a reliability diagram.
    pub fn bins(&self) -> Vec<ReliabilityBin> {
        let width = 1.0 / BINS as f64;
        let bins = self.bins.iter().enumerate();
        bins.filter_map(|(k, bin)| {
            Some(ReliabilityBin {
                from: k as f64 * width,
                to: (k + 1) as f64 * width,
                answers: bin.answers,
                confidence: super::ratio(bin.confidence, bin.answers)?,
                accuracy: super::ratio(bin.right as f64, bin.answers)?,
            })
        })
        .collect()
    }

    /// Expected calibration error: Σ |bin| / n · |accuracy − confidence| over the bins. `None` before the first answer.
    pub fn error(&self) -> Option<f64> {
        // |bin| / n · |right / |bin| − confidence / |bin||: the bin size cancels, leaving one division.
        let gap = self
            .bins
            .iter()
            .map(|bin| (bin.right as f64 - bin.confidence).abs())
            .sum();
        super::ratio(gap, self.bins.iter().map(|bin| bin.answers).sum())
    }
}

/// A bin of first answers with similar probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower bound of the bin, inclusive.
    pub from: f64,
    /// Upper bound of the bin, exclusive.
    pub to: f64,
    /// Number of answers.
    pub answers: u64,
    /// Their mean probability.
    pub confidence: f64,
    /// Share of correct answers.
    pub accuracy: f64,
}

impl AddAssign<&Self> for Calibration {
    fn add_assign(&mut self, other: &Self) {
        for (mine, theirs) in self.bins.iter_mut().zip(&other.bins) {
            mine.answers += theirs.answers;
            mine.right += theirs.right;
            mine.confidence += theirs.confidence;
        }
    }
}
