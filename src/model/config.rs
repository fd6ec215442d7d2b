//! Model configuration: architecture, sizes, and the names and shapes of the parameters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum of each size of a transformer.
const MAX_SIZE: usize = 1 << 14;

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
    /// A decoder-only transformer (Vaswani et al. 2017), whose output layer shares the embedding's matrix.
    Transformer,
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
    /// Dropout probability between the layers (of a transformer: after the embedding) and before the output layer, in training
    /// only.
    pub dropout: f64,
    /// The sizes that only a transformer has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformer: Option<TransformerConfig>,
}

/// The sizes of a transformer's layers. Its embedding size and hidden size are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerConfig {
    /// Number of layers: attention and a feed-forward network in each.
    pub layers: usize,
    /// `Q`, the query heads of a layer.
    pub heads: usize,
    /// `K`, the key-value heads of a layer, each shared by `Q / K` query heads.
    pub key_value_heads: usize,
    /// `D`, the values per head.
    pub head_size: usize,
    /// Pairs of each head's values that are rotated by the token's position.
    pub rotated_pairs: usize,
    /// `M`, the inner size of the feed-forward network.
    pub inner_size: usize,
    /// Number of tokens that each layer attends to, the current one included. Layer `i` uses number `i` modulo their count.
    pub windows: Vec<usize>,
}

impl TransformerConfig {
    /// How many tokens a layer attends to.
    pub fn window(&self, layer: usize) -> usize {
        self.windows[layer % self.windows.len()]
    }

    fn is_too_large(&self) -> bool {
        let sizes = [self.layers, self.heads, self.head_size, self.inner_size];
        let largest = sizes.iter().chain(&self.windows).max();
        largest.is_some_and(|&size| size > MAX_SIZE) || self.heads * self.head_size > MAX_SIZE
    }

    fn problem(&self) -> Option<&'static str> {
        let checks = [
            (
                self.is_too_large(),
                "the sizes of a transformer, and heads * head_size, must be at most 16384",
            ),
            (
                self.layers == 0,
                "model.transformer.layers must be at least 1",
            ),
            (
                self.key_value_heads == 0
                    || self.heads == 0
                    || !self.heads.is_multiple_of(self.key_value_heads),
                "model.transformer.heads must be a multiple of key_value_heads",
            ),
            (
                self.head_size == 0 || self.rotated_pairs > self.head_size / 2,
                "model.transformer.head_size must be at least twice rotated_pairs",
            ),
            (
                self.inner_size == 0,
                "model.transformer.inner_size must be at least 1",
            ),
            (
                self.windows.iter().min().is_none_or(|&window| window < 2),
                "model.transformer.windows must name at least one number, each at least 2",
            ),
        ];
        let found = checks.into_iter().find(|(is_so, _)| *is_so);
        found.map(|(_, problem)| problem)
    }
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
        if let Some(sizes) = &self.transformer {
            all.extend(transformer_parameters(sizes, h));
            all.push(("output.bias".to_owned(), vec![v]));
            return all;
        }
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

    /// Name of each weight matrix between hidden layers, and how many matrices, one per gate or head, are stacked along its rows.
    pub fn hidden_matrices(&self) -> Vec<(String, usize)> {
        if let Some(sizes) = &self.transformer {
            let all = transformer_parameters(sizes, self.hidden_size).into_iter();
            let matrices = all.filter(|(_, shape)| shape.len() == 2);
            let stacked = |name: &str| {
                let is_projection = name.ends_with("projection.weight");
                if is_projection {
                    sizes.heads + 2 * sizes.key_value_heads
                } else {
                    1
                }
            };
            return matrices
                .map(|(name, _)| (name.clone(), stacked(&name)))
                .collect();
        }
        let layers = [0, 1].into_iter();
        let names =
            layers.flat_map(|layer| ["weight_ih", "weight_hh"].map(|parameter| (layer, parameter)));
        names
            .map(|(layer, parameter)| (self.layer_parameter(layer, parameter), self.gates()))
            .collect()
    }

    /// Why the transformer's sizes are invalid, missing or not allowed; `None` if they are fine.
    pub fn problem(&self) -> Option<&'static str> {
        match (&self.transformer, self.architecture) {
            (None, Architecture::Transformer) => Some("[model.transformer] must give its sizes"),
            (None, _) => None,
            (Some(sizes), Architecture::Transformer) => {
                let differs = self.embedding_size != self.hidden_size;
                let differs = differs
                    .then_some("a transformer's embedding_size and hidden_size must be the same");
                sizes.problem().or(differs)
            }
            (Some(_), _) => Some("[model.transformer] belongs to architecture = \"transformer\""),
        }
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
            Architecture::Rnn | Architecture::Transformer => 1,
            Architecture::Lstm | Architecture::ResidualLstm => 4,
        }
    }

    /// Module and layer suffix of each recurrent layer: a baseline is one two-layer module in PyTorch, the residual
    /// model two one-layer modules.
    fn layer_names(&self) -> [(&'static str, &'static str); 2] {
        match self.architecture {
            Architecture::Rnn | Architecture::Transformer => [("rnn", "l0"), ("rnn", "l1")],
            Architecture::Lstm => [("lstm", "l0"), ("lstm", "l1")],
            Architecture::ResidualLstm => [("lstm1", "l0"), ("lstm2", "l0")],
        }
    }
}

/// Name and shape of each parameter of a transformer's layers, `C` being the hidden size.
fn transformer_parameters(sizes: &TransformerConfig, c: usize) -> Vec<(String, Vec<usize>)> {
    let TransformerConfig {
        layers,
        heads,
        key_value_heads,
        head_size,
        inner_size,
        ..
    } = *sizes;
    let queries = heads * head_size;
    let projected = queries + 2 * key_value_heads * head_size;
    let of_layer = |layer: usize| {
        [
            ("attention.projection.weight", vec![projected, c]),
            ("attention.gain", vec![heads]),
            ("attention.output.weight", vec![c, queries]),
            ("feed_forward.up.weight", vec![inner_size, c]),
            ("feed_forward.down.weight", vec![c, inner_size]),
        ]
        .map(|(name, shape)| (format!("layers.{layer}.{name}"), shape))
    };
    (0..layers).flat_map(of_layer).collect()
}
