//! An evaluation as it is kept: what was measured on what, with all its parts, in one JSON file that reports are made
//! from. `RUN/evaluation-SPLIT.json` is where `trainer report` finds it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use minicopilot::files::write_whole;
use minicopilot::metrics::{ClassFigures, Figures, PositionFigures, ReliabilityBin};
use minicopilot::model::GradientFlow;
use serde::{Deserialize, Serialize};

use super::language_model::Counted;

/// One evaluation of one checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The checkpoint's folder, as it was named.
    pub checkpoint: String,
    /// Fingerprint of its weights.
    pub weights: String,
    /// Targets that it had learned from.
    pub trained_tokens: Option<u64>,
    /// Fingerprint of the prepared data.
    pub data: String,
    /// Which part of it.
    pub split: String,
    /// The limit, if not all of the part was measured.
    pub max_tokens: Option<u64>,
    /// What was measured under each context: `whole`, `1000`, and `trigram` for the baseline.
    pub contexts: BTreeMap<String, Measurement>,
    /// How far back gradients reach, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_flow: Option<GradientFlow>,
}

/// Figures under one context. A baseline without probabilities has no more than `figures`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measurement {
    pub figures: Figures,
    /// Reliability of the first answer.
    #[serde(default)]
    pub calibration: Vec<ReliabilityBin>,
    /// The same with the logits divided by a temperature, where one was fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tempered: Option<Tempered>,
    #[serde(default)]
    pub classes: Vec<ClassFigures>,
    #[serde(default)]
    pub positions: Vec<PositionFigures>,
}

/// Reliability of the first answer under a temperature.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tempered {
    pub temperature: f64,
    pub ece: f64,
    pub calibration: Vec<ReliabilityBin>,
}

impl Measurement {
    /// A network's, with all its parts.
    pub fn of_network(counted: &Counted, temperature: f64) -> Self {
        let Counted { metrics, parts } = counted;
        let is_tempered = (temperature - 1.0).abs() > f64::EPSILON;
        let tempered = metrics.calibration().error().filter(|_| is_tempered);
        Self {
            calibration: metrics.raw_calibration().bins(),
            tempered: tempered.map(|ece| Tempered {
                temperature,
                ece,
                calibration: metrics.calibration().bins(),
            }),
            classes: parts.classes(),
            positions: parts.positions(),
            ..Self::figures_only(metrics.figures())
        }
    }

    /// Nothing but the figures.
    pub fn figures_only(figures: Figures) -> Self {
        Self {
            figures,
            calibration: Vec::new(),
            tempered: None,
            classes: Vec::new(),
            positions: Vec::new(),
        }
    }
}

impl Record {
    /// Writes it to `path`, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        write_whole(path, &text).with_context(|| format!("cannot write {}", path.display()))
    }
}
