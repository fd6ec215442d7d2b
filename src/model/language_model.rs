//! A language model in Candle: embedding, layers, output layer.
//!
//! One constructor serves training and inference: the [`VarBuilder`] provides variables in training and plain tensors
//! otherwise.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;

use super::config::{Architecture, ModelConfig};
use super::dropout::dropout;
use super::layer_state::LayerState;
use super::parameters::Parameters;
use super::pass::{MatmulPrecision, TrainingPass};
use super::random::SplitMix64;
use super::recurrent::Layer;
use super::softmax::Softmax;
use super::transformer::{self, Block, TransformerState};
use super::{gpu, loss};

/// What a network remembers of the tokens that it has read. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct State(pub(super) Memory);

#[derive(Clone, Debug)]
pub(super) enum Memory {
    /// `h` (and `c` in an LSTM) of shape `[B,H]` per layer.
    Recurrent([LayerState; 2]),
    /// Keys and values.
    Transformer(TransformerState),
}

impl State {
    /// The tensors of the state in a fixed order, for checkpoints or compression.
    pub fn tensors(&self) -> Result<Vec<Tensor>> {
        match &self.0 {
            Memory::Recurrent(layers) => {
                let tensors = layers.iter().flat_map(LayerState::tensors);
                Ok(tensors.cloned().collect())
            }
            Memory::Transformer(state) => state.tensors(),
        }
    }

    /// The state described by `tensors`, in the order of [`State::tensors`].
    pub fn from_tensors(tensors: &[Tensor]) -> Result<Self> {
        let layers = match tensors {
            [h1, h2] => [LayerState::new(h1, None), LayerState::new(h2, None)],
            [h1, c1, h2, c2] => [LayerState::new(h1, Some(c1)), LayerState::new(h2, Some(c2))],
            [read, layers @ ..] if !layers.is_empty() && layers.len().is_multiple_of(2) => {
                let state = TransformerState::from_tensors(read, layers)?;
                return Ok(Self(Memory::Transformer(state)));
            }
            _ => candle_core::bail!("no state has {} tensors", tensors.len()),
        };
        Ok(Self(Memory::Recurrent(layers)))
    }
}

/// The layers between embedding and output layer.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Recurrent(Box<[Layer; 2]>),
    Transformer(Vec<Block>),
}

/// A network for training or inference.
#[derive(Clone, Debug)]
pub struct Model {
    config: ModelConfig,
    pub(super) embedding: Tensor, // [V,E]
    pub(super) body: Body,
    pub(super) output_weight: Tensor, // [V,H]
    pub(super) output_bias: Tensor,   // [V]
}

impl Model {
    /// The model described by `config` over the parameters in `vb` ([`ModelConfig::parameters`]).
    pub fn new(config: &ModelConfig, vb: &VarBuilder) -> Result<Self> {
        let mut parameters = Vec::new();
        for (name, shape) in config.parameters() {
            parameters.push(vb.get(shape, &name)?);
        }
        let output_bias = parameters.pop().expect("output.bias");
        let (body, output_weight) = if let Some(sizes) = &config.transformer {
            let blocks = transformer::blocks(sizes, &parameters[1..]);
            (Body::Transformer(blocks), parameters[0].clone())
        } else {
            let output_weight = parameters.pop().expect("output.weight");
            let layers =
                [&parameters[1..5], &parameters[5..9]].map(|p| Layer::new(config.architecture, p));
            (Body::Recurrent(Box::new(layers)), output_weight)
        };
        Ok(Self {
            config: config.clone(),
            embedding: parameters[0].clone(),
            body,
            output_weight,
            output_bias,
        })
    }

    /// The model over `parameters`, for inference on `device`.
    pub fn from_parameters(
        config: &ModelConfig,
        parameters: &Parameters,
        device: &Device,
    ) -> Result<Self> {
        let tensors: HashMap<_, _> = parameters
            .iter()
            .map(|(name, parameter)| Ok((name.clone(), parameter.tensor(device)?)))
            .collect::<Result<_>>()?;
        let vb = VarBuilder::from_tensors(tensors, DType::F32, device);
        Self::new(config, &vb)
    }

    /// The sizes.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The device of the parameters.
    pub fn device(&self) -> &Device {
        self.embedding.device()
    }

    /// The initial state of a file: zeros.
    pub fn zero_state(&self, batch: usize) -> Result<State> {
        Ok(State(match &self.body {
            Body::Recurrent(layers) => {
                let zero = || layers[0].zero_state(batch, self.config.hidden_size, self.device());
                Memory::Recurrent([zero()?, zero()?])
            }
            Body::Transformer(blocks) => {
                Memory::Transformer(transformer::zero_state(blocks, batch)?)
            }
        }))
    }

    /// One step: `ids` `[B]` -> final hidden `[B,H]` and the new state.
    pub fn step(&self, ids: &Tensor, state: &State) -> Result<(Tensor, State)> {
        let (hidden, state) = self.seq(&ids.unsqueeze(0)?, state)?;
        Ok((hidden.squeeze(0)?, state))
    }

    /// `ids` `[T,B]` -> final hidden `[T,B,H]` and the final state. Keeps no gradient.
    pub fn seq(&self, ids: &Tensor, state: &State) -> Result<(Tensor, State)> {
        self.forward(ids, state, None)
    }

    /// [`Model::seq`] with gradients, dropout and file starts. The returned state is detached (truncated
    /// backpropagation through time, Williams & Peng 1990): no gradient flows into an earlier pass.
    pub fn seq_training(
        &self,
        ids: &Tensor,
        state: &State,
        training: TrainingPass,
    ) -> Result<(Tensor, State)> {
        self.forward(ids, state, Some(training))
    }

    fn forward(
        &self,
        ids: &Tensor,
        state: &State,
        training: Option<TrainingPass>,
    ) -> Result<(Tensor, State)> {
        let x = self.embed(ids)?; // [T,B,E]
        let drop = |x: Tensor, site: u64| match training.and_then(|t| t.dropout_seed) {
            Some(seed) if self.config.dropout > 0.0 => {
                dropout(&x, self.config.dropout, SplitMix64::mix(seed, site))
            }
            _ => Ok(x),
        };
        let (hidden, after) = match (&self.body, &state.0) {
            (Body::Recurrent(layers), Memory::Recurrent(before)) => {
                let (h1, s1) = layers[0].seq(&x, &before[0], training)?; // [T,B,H]
                let (h2, s2) = layers[1].seq(&drop(h1.clone(), 0)?, &before[1], training)?; // [T,B,H]
                (self.join(&h1, h2)?, Memory::Recurrent([s1, s2]))
            }
            (Body::Transformer(blocks), Memory::Transformer(before)) => {
                let (hidden, after) = transformer::seq(blocks, &drop(x, 0)?, before, training)?;
                (hidden, Memory::Transformer(after))
            }
            _ => candle_core::bail!("the state is one of another architecture"),
        };
        Ok((drop(hidden, 1)?, State(after)))
    }

    /// Embeds `ids` `[T,B]` -> `[T,B,E]`.
    pub(super) fn embed(&self, ids: &Tensor) -> Result<Tensor> {
        let (steps, lanes) = ids.dims2()?;
        let flat = ids.flatten_all()?;
        let x = if ids.device().is_cpu() {
            self.embedding.index_select(&flat, 0)?
        } else {
            gpu::lookup(&self.embedding, &flat)?
        }; // [T*B,E]
        x.reshape((steps, lanes, self.config.embedding_size))
    }

    /// The output layer's input, from the outputs of both layers.
    pub(super) fn join(&self, h1: &Tensor, h2: Tensor) -> Result<Tensor> {
        match self.config.architecture {
            Architecture::ResidualLstm => h1 + h2,
            _ => Ok(h2),
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

    /// Cross-entropy in nats of `targets` `[T*B]` given final hidden states `[T,B,H]`, summed over the targets that are
    /// not `<PAD>` and divided by `divisor`: a batch's contribution to the mean over `divisor` targets. The logits of
    /// the whole batch are never in memory at once. On a GPU the softmax is always full. Targets are the numbers of their
    /// [`TokenId`](crate::tokenizer::TokenId)s, like the ids in a tensor.
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
