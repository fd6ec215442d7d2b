//! The result of an evaluation: a table for people, JSON for programs.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::parts::{Miss, Part};
use super::server::Setting;
use super::typist::Counts;
use crate::metrics::{Figures, LatencyFigures, ReliabilityBin};

/// Figures of one evaluation. All are for whole files: the model has read each file from its start.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How much of the file before a target the model has read. Always `whole`.
    pub context: &'static str,
    /// Whether each path was opened as a project; otherwise every file was opened without a workspace.
    pub project: bool,
    /// Number of files the sample was drawn from.
    pub files: usize,
    /// Number of blocks typed.
    pub blocks: usize,
    /// Random seed of the sample.
    pub seed: u64,
    /// Total time in seconds.
    pub seconds: f64,
    /// The metrics.
    pub figures: Figures,
    /// Strict figures of the parts.
    pub parts: Vec<Part>,
    /// Accuracy of first answers by probability.
    pub reliability: Vec<ReliabilityBin>,
    /// The most confident errors: targets not among the first five, to which the server gave the most probability.
    pub misses: Vec<Miss>,
    /// Measured at the client's end of the pipe.
    pub latency: Latencies,
}

/// Response times.
#[derive(Debug, Serialize)]
pub struct Latencies {
    /// For `textDocument/completion`.
    pub completion: Option<LatencyFigures>,
    /// For `minicopilot/nextTokens`.
    pub next_tokens: Option<LatencyFigures>,
    /// For the first request after opening a text, which the model must read first.
    pub opening: Option<LatencyFigures>,
}

impl Report {
    pub(super) fn new(
        counts: &Counts,
        blocks: usize,
        files: usize,
        setting: Setting<'_>,
        took: Duration,
    ) -> Self {
        Self {
            context: "whole",
            project: setting.in_project,
            files,
            blocks,
            seed: setting.sample.seed,
            seconds: took.as_secs_f64(),
            figures: counts.metrics.figures(),
            parts: counts.parts.figures(),
            reliability: counts.metrics.calibration().bins(),
            misses: counts.parts.misses().to_vec(),
            latency: Latencies {
                completion: counts.completion.figures(),
                next_tokens: counts.next_tokens.figures(),
                opening: counts.opening.figures(),
            },
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            project,
            files,
            blocks,
            seed,
            seconds,
            figures,
            latency,
            ..
        } = self;
        let alone = if *project {
            "with projects"
        } else {
            "without a workspace"
        };
        writeln!(
            f,
            "files {files}, blocks {blocks}, seed {seed}, {alone}, {seconds:.0} s\n"
        )?;
        write!(f, "{figures}")?;
        let latencies = [
            ("completion", &latency.completion),
            ("nextTokens", &latency.next_tokens),
            ("opening", &latency.opening),
        ];
        for (name, latency) in latencies {
            if let Some(latency) = latency {
                writeln!(f, "{name:<12}{latency}")?;
            }
        }
        Ok(())
    }
}
