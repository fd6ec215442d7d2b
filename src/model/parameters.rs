//! A network's parameters by name, as in a checkpoint: values in row-major order, and a shape.
//!
//! Inference uses these directly. With the feature `candle` they convert to and from Candle's tensors for training.

use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(feature = "candle")]
use candle_core::{Device, Tensor};

/// Parameters by name.
pub type Parameters = BTreeMap<String, Parameter>;

/// One parameter, f32. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    shape: Vec<usize>,
    values: Arc<Vec<f32>>,
}

/// A parameter that a network or a gate needs is missing.
#[derive(Debug, thiserror::Error)]
#[error("the parameter {0} is missing")]
pub struct MissingParameter(String);

impl Parameter {
    /// # Panics
    /// If the number of `values` differs from the product of `shape`.
    pub fn new(values: Vec<f32>, shape: Vec<usize>) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{shape:?}");
        let values = Arc::new(values);
        Self { shape, values }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All values in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(feature = "candle")]
impl Parameter {
    /// As a tensor on `device`.
    pub fn tensor(&self, device: &Device) -> candle_core::Result<Tensor> {
        Tensor::from_slice(self.values(), self.shape(), device)
    }

    /// From a tensor on any device.
    pub fn from_tensor(tensor: &Tensor) -> candle_core::Result<Self> {
        let values = tensor.flatten_all()?.to_vec1()?;
        Ok(Self::new(values, tensor.dims().to_vec()))
    }
}

/// The parameter of this name.
pub(crate) fn named<'a>(
    parameters: &'a Parameters,
    name: &str,
) -> Result<&'a Parameter, MissingParameter> {
    parameters
        .get(name)
        .ok_or_else(|| MissingParameter(name.to_owned()))
}
