//! The gate: a small network that weights the experts, given their features and the hidden state.
//!
//! `trainer gate` fits it with the same forward pass in Candle.

use super::expert::{Expert, Scope};
use super::features::FEATURES;
use super::linear::{Linear, NamedShape, values};
use super::scores::ExpertScores;
use super::tuning::{FEATURE_FLOOR, HALF_TRUSTED_TOKENS};
use crate::inference::Distribution;
use crate::model::{MissingParameter, Parameters};
use crate::simd::tanh;
use crate::tokenizer::TokenId;

/// Dimension that the hidden state is projected to.
const PROJECTED: usize = 32;
/// Number of hidden units.
const HIDDEN: usize = 48;
/// Size of the context vector passed to the reranker: the hidden units and the projected hidden state.
pub const UNITS: usize = HIDDEN + PROJECTED;

/// The gate's parameters.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// The mean hidden state, `[H]`.
    pub(super) mean_hidden: Vec<f32>,
    /// Mean and standard deviation of each feature.
    mean: Vec<f32>,
    deviation: Vec<f32>,
    projection: Linear,
    hidden: Linear,
    output: Linear,
}

/// The gate's output for one context.
pub(super) struct GateOutput {
    /// One per expert, without the prior.
    pub(super) logits: Vec<f32>,
    /// The context vector passed to the reranker, `[UNITS]`.
    pub(super) activations: Vec<f32>,
}

impl Gate {
    /// Name and shape of every parameter, for a network with this hidden size.
    pub(super) fn parameters(hidden_size: usize) -> Vec<NamedShape> {
        vec![
            ("gate.centre", vec![hidden_size]),
            ("gate.mean", vec![FEATURES]),
            ("gate.deviation", vec![FEATURES]),
            ("gate.projection.weight", vec![PROJECTED, hidden_size]),
            ("gate.projection.bias", vec![PROJECTED]),
            ("gate.hidden.weight", vec![HIDDEN, FEATURES + PROJECTED]),
            ("gate.hidden.bias", vec![HIDDEN]),
            ("gate.output.weight", vec![Expert::COUNT, HIDDEN]),
            ("gate.output.bias", vec![Expert::COUNT]),
        ]
    }

    /// Reads the gate from parameters with these names and shapes.
    pub(super) fn new(given: &Parameters) -> Result<Self, MissingParameter> {
        Ok(Self {
            mean_hidden: values(given, "gate.centre")?,
            mean: values(given, "gate.mean")?,
            deviation: values(given, "gate.deviation")?,
            projection: Linear::new(given, "gate.projection")?,
            hidden: Linear::new(given, "gate.hidden")?,
            output: Linear::new(given, "gate.output")?,
        })
    }

    /// Applies one layer of tanh units to the standardized features `[FEATURES]` and the projected hidden state `[H]`.
    pub(super) fn forward(&self, features: &[f32; FEATURES], hidden: &[f32]) -> GateOutput {
        let standard = features.iter().zip(&self.mean).zip(&self.deviation);
        let mut inputs: Vec<f32> = standard.map(|((x, m), d)| (x - m) / d).collect();
        inputs.extend(self.projection.apply(hidden).into_iter().map(tanh));
        let mut activations = self.hidden.apply(&inputs);
        activations.iter_mut().for_each(|unit| *unit = tanh(*unit));
        let logits = self.output.apply(&activations);
        activations.extend_from_slice(&inputs[FEATURES..]);
        GateOutput {
            logits,
            activations,
        }
    }
}

/// Log prior weights derived from the network alone: in-vocabulary mass goes to the network, the `<UNK>` mass to the experts
/// for out-of-vocabulary names. Other experts get 0, and an expert without any mass gets -∞.
pub fn prior(distribution: &Distribution, scores: &ExpertScores) -> [f32; Expert::COUNT] {
    let unknown = distribution.probability(TokenId::UNK);
    let unknown = unknown.clamp(FEATURE_FLOOR, 1.0 - FEATURE_FLOOR);
    Expert::ALL.map(|expert| {
        if !scores.has_mass(expert) {
            f32::NEG_INFINITY
        } else if expert.is_out_of_vocabulary() {
            unknown.ln()
        } else if expert.scope() == Scope::Network {
            (1.0 - unknown).ln()
        } else {
            0.0
        }
    })
}

/// Reduces the weights of the project experts for a small project, since the gate was fitted on whole packages. `tokens` is
/// the project's length.
pub(super) fn shrink_project_weights(weights: &mut [f32; Expert::COUNT], tokens: usize) {
    let share = tokens as f32 / (tokens as f32 + HALF_TRUSTED_TOKENS);
    for expert in Expert::of(Scope::Project) {
        weights[expert as usize] *= share;
    }
    let total: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
}
