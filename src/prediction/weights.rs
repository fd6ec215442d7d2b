//! The gate and the reranker: the names and shapes of their parameters in a checkpoint, and their forward passes.
//!
//! `trainer gate` has the same forward passes in Candle, to fit them; a test there compares the two.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::candidates::{CANDIDATE_FEATURES, LOGS};
use super::experts::{EXPERTS, FEATURES};
use crate::simd::{dot, tanh};

/// Numbers that the hidden state is projected to.
pub const PROJECTED: usize = 32;
/// Units of the gate.
pub const GATE: usize = 48;
/// What the reranker is told of the context: the gate's units and the projected hidden state.
pub const UNITS: usize = GATE + PROJECTED;
/// Units of the reranker.
pub const RERANKER: usize = 32;

/// Name and shape of every parameter, for a network with this hidden size.
pub fn parameters(hidden_size: usize) -> Vec<(String, Vec<usize>)> {
    let shapes: [(&str, &[usize]); 16] = [
        ("gate.centre", &[hidden_size]),
        ("gate.mean", &[FEATURES]),
        ("gate.deviation", &[FEATURES]),
        ("gate.projection.weight", &[PROJECTED, hidden_size]),
        ("gate.projection.bias", &[PROJECTED]),
        ("gate.hidden.weight", &[GATE, FEATURES + PROJECTED]),
        ("gate.hidden.bias", &[GATE]),
        ("gate.output.weight", &[EXPERTS.len(), GATE]),
        ("gate.output.bias", &[EXPERTS.len()]),
        ("reranker.exponent.weight", &[LOGS, UNITS]),
        ("reranker.exponent.bias", &[LOGS]),
        ("reranker.context.weight", &[RERANKER, UNITS]),
        ("reranker.context.bias", &[RERANKER]),
        ("reranker.hidden.weight", &[RERANKER, CANDIDATE_FEATURES]),
        ("reranker.output.weight", &[1, RERANKER]),
        ("reranker.output.bias", &[1]),
    ];
    let owned = shapes.iter();
    owned
        .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
        .collect()
}

/// `W x + b`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    pub(super) fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self { weight, bias }
    }

    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(x.len()).zip(&self.bias);
        rows.map(|(row, bias)| dot(row, x) + bias).collect()
    }
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) centre: Vec<f32>,
    pub(super) mean: Vec<f32>,
    pub(super) deviation: Vec<f32>,
    pub(super) projection: Linear,
    pub(super) hidden: Linear,
    pub(super) output: Linear,
    pub(super) exponent: Linear,
    pub(super) context: Linear,
    /// Without bias: the context's is added.
    pub(super) candidate: Linear,
    pub(super) score: Linear,
}

impl Weights {
    /// From tensors with the names and shapes of [`parameters`].
    pub(super) fn new(tensors: &BTreeMap<String, Tensor>) -> candle_core::Result<Self> {
        let values = |name: &str| -> candle_core::Result<Vec<f32>> {
            match tensors.get(name) {
                Some(tensor) => tensor.flatten_all()?.to_vec1(),
                None => candle_core::bail!("{name} is missing"),
            }
        };
        let linear = |name: &str| -> candle_core::Result<Linear> {
            let weight = values(&format!("{name}.weight"))?;
            Ok(Linear::new(weight, values(&format!("{name}.bias"))?))
        };
        Ok(Self {
            centre: values("gate.centre")?,
            mean: values("gate.mean")?,
            deviation: values("gate.deviation")?,
            projection: linear("gate.projection")?,
            hidden: linear("gate.hidden")?,
            output: linear("gate.output")?,
            exponent: linear("reranker.exponent")?,
            context: linear("reranker.context")?,
            candidate: Linear::new(values("reranker.hidden.weight")?, vec![0.0; RERANKER]),
            score: linear("reranker.output")?,
        })
    }
}

/// What the gate makes of the evidence.
pub(super) struct Gated {
    /// `[EXPERTS]`, without the prior.
    pub(super) logits: Vec<f32>,
    /// What the reranker is told of the context, `[UNITS]`.
    pub(super) units: Vec<f32>,
}

impl Weights {
    /// The gate: standardised features and the projected hidden state `[H]` through one layer of tanh units.
    pub(super) fn gate(&self, features: &[f32; FEATURES], hidden: &[f32]) -> Gated {
        let standard = features.iter().zip(&self.mean).zip(&self.deviation);
        let mut inputs: Vec<f32> = standard.map(|((x, m), d)| (x - m) / d).collect();
        inputs.extend(self.projection.apply(hidden).into_iter().map(tanh));
        let mut units = self.hidden.apply(&inputs);
        units.iter_mut().for_each(|unit| *unit = tanh(*unit));
        let logits = self.output.apply(&units);
        units.extend_from_slice(&inputs[FEATURES..]);
        Gated { logits, units }
    }

    /// The reranker's score of each candidate in the context of `units`: its log probability in the mixture, a weighted sum
    /// of all log probabilities, and what one layer of tanh units makes of its features.
    pub(super) fn scores(
        &self,
        units: &[f32],
        candidates: impl Iterator<Item = [f32; CANDIDATE_FEATURES]>,
    ) -> Vec<f32> {
        let exponents = self.exponent.apply(units);
        let context = self.context.apply(units);
        let score = |features: [f32; CANDIDATE_FEATURES]| {
            let logs = features.iter().zip(&exponents);
            let powers: f32 = logs.map(|(log, exponent)| log * exponent).sum();
            let mut hidden = self.candidate.apply(&features);
            for (h, c) in hidden.iter_mut().zip(&context) {
                *h = tanh(*h + c);
            }
            features[0] + powers + self.score.apply(&hidden)[0]
        };
        candidates.map(score).collect()
    }
}
