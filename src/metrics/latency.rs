//! Latency percentiles.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Response times of all answers, at four bytes each, for exact percentiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    micros: Vec<u32>,
}

impl Latency {
    /// Counts one answer.
    pub fn add(&mut self, took: Duration) {
        self.micros
            .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// Nearest-rank percentiles; `None` before the first answer.
    pub fn figures(&self) -> Option<LatencyFigures> {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let max = *sorted.last()?;
        let milliseconds = |micros: u32| f64::from(micros) / 1000.0;
        let percentile = |p: usize| milliseconds(sorted[(sorted.len() * p).div_ceil(100) - 1]);
        Some(LatencyFigures {
            answers: sorted.len() as u64,
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
            max_ms: milliseconds(max),
        })
    }
}

impl AddAssign<&Self> for Latency {
    fn add_assign(&mut self, other: &Self) {
        self.micros.extend_from_slice(&other.micros);
    }
}

/// Latency figures, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyFigures {
    /// Number of answers timed.
    pub answers: u64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Maximum.
    pub max_ms: f64,
}

impl fmt::Display for LatencyFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answers,
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms,
        } = self;
        let noun = if *answers == 1 { "answer" } else { "answers" };
        write!(
            f,
            "p50 {p50_ms:.2} ms, p95 {p95_ms:.2} ms, p99 {p99_ms:.2} ms, max {max_ms:.2} ms over {answers} {noun}"
        )
    }
}
