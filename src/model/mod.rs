//! The networks: embedding, two recurrent layers, output layer; RNN, LSTM and residual LSTM.
//!
//! One constructor serves training and inference: what it gets from the [`VarBuilder`] are variables when the
//! trainer builds the model and plain tensors when the server does. Knows nothing of files, text or optimisers.
//!
//! Axes, everywhere: `T` time steps, `B` batch lanes, `E` embedding, `H` hidden, `V` vocabulary, `G` gates
//! (4 in an LSTM, 1 in an RNN). Sequences are time-major, `[T,B,..]`, so that one step is one contiguous block.

pub mod checkpoint;
mod dropout;
mod fused;
mod gpu;
mod gradient_flow;
mod initial;
mod loss;
mod random;
mod recurrent;
mod softmax;

pub use fused::{accelerated as bf16_accelerated, peak_rate};
pub use gradient_flow::GradientFlow;
pub use initial::{Initialization, initial_parameters};
pub use random::{SplitMix64, shuffle};
pub use softmax::Softmax;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use dropout::dropout;
use recurrent::{Layer, LayerState};

/// Which network.
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

/// The sizes of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Which network.
    pub architecture: Architecture,
    /// `V`: rows of the embedding and of the output layer, `<PAD>` and `<UNK>` included.
    pub vocabulary_size: usize,
    /// `E`.
    pub embedding_size: usize,
    /// `H`.
    pub hidden_size: usize,
    /// Probability with which an element is zeroed between the layers and before the output layer, in training only.
    pub dropout: f64,
}

impl ModelConfig {
    /// The parameters a checkpoint of this model holds: name and shape, in PyTorch's naming and gate order (i, f, g, o).
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let Self {
            vocabulary_size: v,
            embedding_size: e,
            hidden_size: h,
            ..
        } = *self;
        let mut all = vec![("embedding.weight".to_owned(), vec![v, e])];
        for (index, (prefix, layer)) in self.layer_names().into_iter().enumerate() {
            let gates = self.gates() * h;
            let input = if index == 0 { e } else { h };
            all.push((format!("{prefix}.weight_ih_{layer}"), vec![gates, input]));
            all.push((format!("{prefix}.weight_hh_{layer}"), vec![gates, h]));
            all.push((format!("{prefix}.bias_ih_{layer}"), vec![gates]));
            all.push((format!("{prefix}.bias_hh_{layer}"), vec![gates]));
        }
        all.push(("output.weight".to_owned(), vec![v, h]));
        all.push(("output.bias".to_owned(), vec![v]));
        all
    }

    /// How many numbers the model learns.
    pub fn parameter_count(&self) -> usize {
        self.parameters()
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    /// `G`.
    fn gates(&self) -> usize {
        match self.architecture {
            Architecture::Rnn => 1,
            Architecture::Lstm | Architecture::ResidualLstm => 4,
        }
    }

    /// Module and layer suffix of each recurrent layer: the baselines are one two-layer module in PyTorch, the
    /// residual model two modules of one layer.
    fn layer_names(&self) -> [(&'static str, &'static str); 2] {
        match self.architecture {
            Architecture::Rnn => [("rnn", "l0"), ("rnn", "l1")],
            Architecture::Lstm => [("lstm", "l0"), ("lstm", "l1")],
            Architecture::ResidualLstm => [("lstm1", "l0"), ("lstm2", "l0")],
        }
    }
}

/// The recurrent state after some token: one `h` (and `c`) of `[B,H]` for each layer. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct State {
    layers: [LayerState; 2],
}

impl State {
    /// The tensors of the state, in a fixed order: to be written to a checkpoint or compressed.
    pub fn tensors(&self) -> Vec<&Tensor> {
        self.layers.iter().flat_map(LayerState::tensors).collect()
    }

    /// The state that `tensors`, in the order of [`State::tensors`], describe.
    pub fn from_tensors(tensors: &[Tensor]) -> Result<Self> {
        let layers = match tensors {
            [h1, h2] => [LayerState::new(h1, None), LayerState::new(h2, None)],
            [h1, c1, h2, c2] => [LayerState::new(h1, Some(c1)), LayerState::new(h2, Some(c2))],
            _ => candle_core::bail!(
                "a recurrent state has two or four tensors, not {}",
                tensors.len()
            ),
        };
        Ok(Self { layers })
    }
}

/// In what the factors of training's matrix products are held; sums are f32 in either case, and so are the weights
/// that the optimiser updates (Micikevicius et al. 2018, "Mixed Precision Training"; bf16: Kalamkar et al. 2019).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatmulPrecision {
    /// 24 bits of mantissa.
    #[default]
    F32,
    /// 8 bits of mantissa, the range of f32.
    Bf16,
}

/// What training asks of a pass besides the outputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Training<'a> {
    /// `[T*B]`, time-major: where an input is the first token of a file, the state before it counts as zero.
    pub starts: Option<&'a [bool]>,
    /// Seed of this pass's dropout masks; without one nothing is dropped.
    pub dropout_seed: Option<u64>,
    /// Of the recurrent layers' matrix products.
    pub precision: MatmulPrecision,
}

/// A network, ready to be trained or to answer.
#[derive(Clone, Debug)]
pub struct Model {
    config: ModelConfig,
    embedding: Tensor, // [V,E]
    layers: [Layer; 2],
    output_weight: Tensor, // [V,H]
    output_bias: Tensor,   // [V]
}

impl Model {
    /// The model that `config` describes, over the parameters in `vb` ([`ModelConfig::parameters`]).
    pub fn new(config: &ModelConfig, vb: &VarBuilder) -> Result<Self> {
        let mut parameters = Vec::new();
        for (name, shape) in config.parameters() {
            parameters.push(vb.get(shape, &name)?);
        }
        let output_bias = parameters.pop().expect("output.bias");
        let output_weight = parameters.pop().expect("output.weight");
        let layers =
            [&parameters[1..5], &parameters[5..9]].map(|p| Layer::new(config.architecture, p));
        Ok(Self {
            config: config.clone(),
            embedding: parameters[0].clone(),
            layers,
            output_weight,
            output_bias,
        })
    }

    /// The sizes.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Where the parameters lie.
    pub fn device(&self) -> &Device {
        self.embedding.device()
    }

    /// The state before a file's first token.
    pub fn zero_state(&self, batch: usize) -> Result<State> {
        let zero = || self.layers[0].zero_state(batch, self.config.hidden_size, self.device());
        Ok(State {
            layers: [zero()?, zero()?],
        })
    }

    /// One token a lane: `ids` `[B]` -> final hidden `[B,H]` and the state after it.
    pub fn step(&self, ids: &Tensor, state: &State) -> Result<(Tensor, State)> {
        let (hidden, state) = self.seq(&ids.unsqueeze(0)?, state)?;
        Ok((hidden.squeeze(0)?, state))
    }

    /// `ids` `[T,B]` -> final hidden `[T,B,H]` and the state after the last step. No gradient is kept.
    pub fn seq(&self, ids: &Tensor, state: &State) -> Result<(Tensor, State)> {
        self.forward(ids, state, None)
    }

    /// [`Model::seq`] with gradients, dropout and file starts. The returned state is detached (truncated
    /// back-propagation through time, Williams & Peng 1990): no gradient flows into an earlier pass.
    pub fn seq_training(
        &self,
        ids: &Tensor,
        state: &State,
        training: Training,
    ) -> Result<(Tensor, State)> {
        self.forward(ids, state, Some(training))
    }

    fn forward(
        &self,
        ids: &Tensor,
        state: &State,
        training: Option<Training>,
    ) -> Result<(Tensor, State)> {
        let x = self.embed(ids)?; // [T,B,E]
        let drop = |x: Tensor, site: u64| match training.and_then(|t| t.dropout_seed) {
            Some(seed) if self.config.dropout > 0.0 => {
                dropout(&x, self.config.dropout, SplitMix64::mix(seed, site))
            }
            _ => Ok(x),
        };
        let (h1, s1) = self.layers[0].seq(&x, &state.layers[0], training)?; // [T,B,H]
        let (h2, s2) = self.layers[1].seq(&drop(h1.clone(), 0)?, &state.layers[1], training)?; // [T,B,H]
        let hidden = self.join(&h1, h2)?;
        Ok((drop(hidden, 1)?, State { layers: [s1, s2] }))
    }

    /// `ids` `[T,B]` -> `[T,B,E]`.
    fn embed(&self, ids: &Tensor) -> Result<Tensor> {
        let (steps, lanes) = ids.dims2()?;
        let flat = ids.flatten_all()?;
        let x = if ids.device().is_cpu() {
            self.embedding.index_select(&flat, 0)?
        } else {
            gpu::lookup(&self.embedding, &flat)?
        }; // [T*B,E]
        x.reshape((steps, lanes, self.config.embedding_size))
    }

    /// What the output layer reads, of both layers' outputs.
    fn join(&self, h1: &Tensor, h2: Tensor) -> Result<Tensor> {
        match self.config.architecture {
            Architecture::ResidualLstm => h1 + h2,
            Architecture::Rnn | Architecture::Lstm => Ok(h2),
        }
    }

    /// Logits `[..,V]` of final hidden states `[..,H]`.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let mut shape = hidden.dims().to_vec();
        let hidden = hidden.reshape(((), self.config.hidden_size))?; // [N,H]
        let logits = hidden
            .matmul(&self.output_weight.t()?)?
            .broadcast_add(&self.output_bias)?; // [N,V]
        *shape.last_mut().expect("hidden has an axis") = self.config.vocabulary_size;
        logits.reshape(shape)
    }

    /// Cross-entropy in nats of `targets` `[T*B]` after final hidden states `[T,B,H]`, summed over the targets that are not
    /// `<PAD>` and divided by `divisor`: a batch's share of the mean over `divisor` targets. The logits of the whole batch
    /// are never alive at once. On a GPU the softmax is always the full one.
    pub fn loss(
        &self,
        hidden: &Tensor,
        targets: &[u32],
        softmax: &Softmax,
        precision: MatmulPrecision,
        divisor: u64,
    ) -> Result<Tensor> {
        let hidden = hidden.reshape(((), self.config.hidden_size))?; // [N,H]
        loss::cross_entropy(
            &hidden,
            &self.output_weight,
            &self.output_bias,
            targets,
            softmax,
            precision,
            divisor,
        )
    }
}

#[cfg(test)]
mod tests;
