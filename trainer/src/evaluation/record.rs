//! The stored form of an evaluation: subject and detailed metrics in one JSON file. `trainer report` reads it from
//! `RUN/evaluation-SPLIT.json`.

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
    /// The checkpoint's folder, as given by the user.
    pub checkpoint: String,
    /// Fingerprint of its weights.
    pub weights: String,
    /// Targets that the checkpoint was trained on.
    pub trained_tokens: Option<u64>,
    /// Fingerprint of the prepared data.
    pub data: String,
    /// The split.
    pub split: String,
    /// The limit, unless the whole split was evaluated.
    pub max_tokens: Option<u64>,
    /// Results by context: `whole`, `1000`, and `trigram` for the baseline.
    pub contexts: BTreeMap<String, Measurement>,
    /// How far back gradients reach, if requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_flow: Option<GradientFlow>,
}

/// Metrics under one context. A baseline without probabilities only has `figures`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measurement {
    pub figures: Figures,
    /// Calibration of the top prediction.
    #[serde(default)]
    pub calibration: Vec<ReliabilityBin>,
    /// The same after temperature scaling, if a temperature was fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tempered: Option<Tempered>,
    #[serde(default)]
    pub classes: Vec<ClassFigures>,
    #[serde(default)]
    pub positions: Vec<PositionFigures>,
}

/// Calibration of the top prediction under a temperature.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tempered {
    pub temperature: f64,
    pub ece: f64,
    pub calibration: Vec<ReliabilityBin>,
}

impl Measurement {
    /// The complete metrics of a network.
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

    /// Only the headline metrics.
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
    /// Writes the record to `path` atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        write_whole(path, &text).with_context(|| format!("cannot write {}", path.display()))
    }
}
