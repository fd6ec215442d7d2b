//! Model configuration: architecture, sizes, and the names and shapes of the parameters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The architecture of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Two Elman layers (Elman 1990). The activation is tanh: it is zero-centred and bounded, so that a state
    /// carried over thousands of tokens cannot grow without limit as it can with ReLU, and it is PyTorch's default.
    Rnn,
    /// Two LSTM layers (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).
    Lstm,
    /// Two LSTM layers whose outputs are added before the output layer: `H_final = H1 + H2`.
    ResidualLstm,
}

/// The spelling in `config.json`.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The sizes of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The architecture.
    pub architecture: Architecture,
    /// `V`: vocabulary size including `<PAD>` and `<UNK>`.
    pub vocabulary_size: usize,
    /// `E`, the embedding size.
    pub embedding_size: usize,
    /// `H`, the hidden size.
    pub hidden_size: usize,
    /// Dropout probability between the layers and before the output layer, in training only.
    pub dropout: f64,
}

impl ModelConfig {
    /// Name and shape of each parameter of a checkpoint, in PyTorch's naming and gate order (i, f, g, o).
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let Self {
            vocabulary_size: v,
            embedding_size: e,
            hidden_size: h,
            ..
        } = *self;
        let mut all = vec![("embedding.weight".to_owned(), vec![v, e])];
        for layer in [0, 1] {
            let gates = self.gates() * h;
            let input = if layer == 0 { e } else { h };
            let name = |parameter| self.layer_parameter(layer, parameter);
            all.push((name("weight_ih"), vec![gates, input]));
            all.push((name("weight_hh"), vec![gates, h]));
            all.push((name("bias_ih"), vec![gates]));
            all.push((name("bias_hh"), vec![gates]));
        }
        all.push(("output.weight".to_owned(), vec![v, h]));
        all.push(("output.bias".to_owned(), vec![v]));
        all
    }

    /// Number of trainable parameters.
    pub fn parameter_count(&self) -> usize {
        self.parameters()
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    /// The name of a recurrent layer's parameter: `weight_ih` of layer 0 is `lstm1.weight_ih_l0` in a residual LSTM.
    pub(crate) fn layer_parameter(&self, layer: usize, parameter: &str) -> String {
        let (module, suffix) = self.layer_names()[layer];
        format!("{module}.{parameter}_{suffix}")
    }

    /// `G`, the number of gates.
    fn gates(&self) -> usize {
        match self.architecture {
            Architecture::Rnn => 1,
            Architecture::Lstm | Architecture::ResidualLstm => 4,
        }
    }

    /// Module and layer suffix of each recurrent layer: a baseline is one two-layer module in PyTorch, the residual
    /// model two one-layer modules.
    fn layer_names(&self) -> [(&'static str, &'static str); 2] {
        match self.architecture {
            Architecture::Rnn => [("rnn", "l0"), ("rnn", "l1")],
            Architecture::Lstm => [("lstm", "l0"), ("lstm", "l1")],
            Architecture::ResidualLstm => [("lstm1", "l0"), ("lstm2", "l0")],
        }
    }
}
