//! Linear layers, and reading the parameters of the gate and the reranker.

use crate::model::{MissingParameter, Parameters, named};
use crate::simd::dot;

/// A parameter's name in a checkpoint, and its shape.
pub(super) type NamedShape = (&'static str, Vec<usize>);

/// `W x + b`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Reads the layer from the parameters `name.weight` `[outputs, inputs]` and `name.bias` `[outputs]`.
    pub(super) fn new(given: &Parameters, name: &str) -> Result<Self, MissingParameter> {
        Ok(Self {
            weight: values(given, &format!("{name}.weight"))?,
            bias: values(given, &format!("{name}.bias"))?,
        })
    }

    /// Reads the layer from the parameter `name.weight` `[outputs, inputs]`.
    pub(super) fn without_bias(
        given: &Parameters,
        name: &str,
        outputs: usize,
    ) -> Result<Self, MissingParameter> {
        Ok(Self {
            weight: values(given, &format!("{name}.weight"))?,
            bias: vec![0.0; outputs],
        })
    }

    /// Applies the layer to `x` `[inputs]` and returns `[outputs]`.
    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(x.len()).zip(&self.bias);
        rows.map(|(row, bias)| dot(row, x) + bias).collect()
    }
}

/// The values of a parameter.
pub(super) fn values(given: &Parameters, name: &str) -> Result<Vec<f32>, MissingParameter> {
    Ok(named(given, name)?.values().to_vec())
}
