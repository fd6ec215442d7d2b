//! A linear layer, and how the parameters of the gate and the reranker are read.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::simd::dot;

/// A parameter's name in a checkpoint, and its shape.
pub(super) type Parameter = (&'static str, Vec<usize>);

/// `W x + b`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// From the tensors `name.weight` `[outputs, inputs]` and `name.bias` `[outputs]`.
    pub(super) fn new(tensors: &BTreeMap<String, Tensor>, name: &str) -> candle_core::Result<Self> {
        Ok(Self {
            weight: values(tensors, &format!("{name}.weight"))?,
            bias: values(tensors, &format!("{name}.bias"))?,
        })
    }

    /// From the tensor `name.weight` `[outputs, inputs]`.
    pub(super) fn without_bias(
        tensors: &BTreeMap<String, Tensor>,
        name: &str,
        outputs: usize,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            weight: values(tensors, &format!("{name}.weight"))?,
            bias: vec![0.0; outputs],
        })
    }

    /// Of `x` `[inputs]`.
    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(x.len()).zip(&self.bias);
        rows.map(|(row, bias)| dot(row, x) + bias).collect()
    }
}

/// The numbers of a tensor.
pub(super) fn values(
    tensors: &BTreeMap<String, Tensor>,
    name: &str,
) -> candle_core::Result<Vec<f32>> {
    match tensors.get(name) {
        Some(tensor) => tensor.flatten_all()?.to_vec1(),
        None => candle_core::bail!("{name} is missing"),
    }
}
