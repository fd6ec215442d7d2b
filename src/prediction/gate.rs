//! The gate: a small network that weighs the experts by their features and by the hidden state.
//!
//! `trainer gate` has the same forward pass in Candle, to fit it.

use super::expert::{Expert, Scope};
use super::features::FEATURES;
use super::linear::{Linear, NamedShape, values};
use super::scores::ExpertScores;
use super::tuning::{FEATURE_FLOOR, HALF_TRUSTED_TOKENS};
use crate::inference::Distribution;
use crate::model::{MissingParameter, Parameters};
use crate::simd::tanh;
use crate::tokenizer::UNK;

/// Numbers that the hidden state is projected to.
const PROJECTED: usize = 32;
/// Hidden units.
const HIDDEN: usize = 48;
/// What the reranker is told of the context: the hidden units and the projected hidden state.
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

/// What the gate makes of a context.
pub(super) struct GateOutput {
    /// By expert, without the prior.
    pub(super) logits: Vec<f32>,
    /// What the reranker is told of the context, `[UNITS]`.
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

    /// From parameters with these names and shapes.
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

    /// Standardised features and the projected hidden state `[H]` through one layer of tanh units.
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

/// Log prior weights derived from the network alone: the mass of the vocabulary goes to the network, that of `<UNK>` to the
/// experts for out-of-vocabulary names, and an expert without any mass gets -∞.
pub fn prior(answer: &Distribution, scores: &ExpertScores) -> [f32; Expert::COUNT] {
    let unknown = answer.probabilities[UNK as usize].clamp(FEATURE_FLOOR, 1.0 - FEATURE_FLOOR);
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

/// Lowers the weights of a small project's experts: the gate was fitted on whole packages. `tokens` is the project's length.
pub(super) fn shrink_project_weights(weights: &mut [f32; Expert::COUNT], tokens: usize) {
    let share = tokens as f32 / (tokens as f32 + HALF_TRUSTED_TOKENS);
    for expert in Expert::of(Scope::Project) {
        weights[expert as usize] *= share;
    }
    let total: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
}
