//! Serving-time inference: the distribution over the next token, at the cost of what changed since the last question.
//!
//! An [`Engine`] is the network, shared by all documents; a [`StateHistory`] is what it has read of one document. Knows
//! token ids only: no text, no vocabulary, no protocol.
//!
//! A network implements [`network::Network`] and brings its own [`network::StateStore`], which keeps its states along a
//! document. The recurrent network keeps snapshots ([`snapshot_store`]); a transformer would keep a key-value cache, in a
//! store of its own beside it.
//!
//! The weights are int8, quantised as the model is loaded: a step reads every recurrent weight and a distribution every
//! output weight, so their size determines the latency ([`int8`]). Apart from the quantisation, [`recurrent`] computes
//! what [`crate::model::Model`] computes in f32; `trainer evaluate quantized` measures how well the two agree.

mod continuous_cache;
mod distribution;
mod int8;
mod network;
mod recurrent;
mod recurrent_state;
pub mod reference;
mod snapshot_store;
mod state_history;
mod truncated_context;

pub use continuous_cache::{CosineScores, WINDOW};
pub use distribution::Distribution;
pub use state_history::StateHistory;
pub use truncated_context::TruncatedContext;

use crate::model::ModelConfig;
use crate::model::{MissingParameter, Parameter, Parameters, named};
use crate::simd::{dot, softmax_in_place};
use crate::tokenizer::TokenId;
use int8::kernel::Kernel;
use int8::matrix;
use network::{Network, StateOf};
use recurrent::RecurrentNetwork;

/// Why there is no distribution.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The context has no token, not even `<s>`.
    #[error("the context is empty")]
    EmptyContext,
    /// An id of the context is not in the vocabulary.
    #[error("no token has the id {}", .0.get())]
    UnknownId(TokenId),
}

/// The parameters of `config` as an engine keeps them: each weight a multiple, by an integer of 8 bits, of its row's scale.
/// A network of these is one that the engine computes as well as f32 does; rounding them once more changes nothing.
pub fn rounded(
    config: &ModelConfig,
    parameters: &Parameters,
) -> Result<Parameters, MissingParameter> {
    let round = |(name, shape): (String, Vec<usize>)| {
        let parameter = named(parameters, &name)?;
        let parameter = if let [_, columns] = shape[..] {
            Parameter::new(matrix::rounded(parameter.values(), columns), shape)
        } else {
            parameter.clone()
        };
        Ok((name, parameter))
    };
    config.parameters().into_iter().map(round).collect()
}

/// The network that is served.
type ServedNetwork = RecurrentNetwork;

/// A network that answers questions about one document at a time.
#[derive(Debug)]
pub struct Engine {
    network: ServedNetwork,
    temperature: f32,
    /// See [`Engine::new`].
    mean_hidden: Option<Vec<f32>>,
}

impl Engine {
    /// Quantises the network that `config` describes, from its parameters in f32. Logits are divided by `temperature`.
    ///
    /// With the mean hidden state `[H]` of the network, histories keep the hidden state after each token for
    /// [`StateHistory::similarities`], which compares states centred on it; `None` keeps none.
    ///
    /// # Panics
    /// If `mean_hidden` is not of length `H`.
    pub fn new(
        config: &ModelConfig,
        parameters: &Parameters,
        temperature: f64,
        mean_hidden: Option<&[f32]>,
    ) -> Result<Self, MissingParameter> {
        if let Some(mean) = mean_hidden {
            assert_eq!(
                mean.len(),
                config.hidden_size,
                "the mean hidden state must have H values"
            );
        }
        let kernel = Kernel::available()[0];
        Ok(Self {
            network: ServedNetwork::new(config, parameters, kernel)?,
            temperature: temperature as f32,
            mean_hidden: mean_hidden.map(<[f32]>::to_vec),
        })
    }

    /// The kernels that this processor can run, by their instructions' usual name, best first.
    pub fn kernels() -> Vec<&'static str> {
        Kernel::available().into_iter().map(Kernel::name).collect()
    }

    /// Changes to another of [`Engine::kernels`], which gives the same answers at another speed; whether it is one.
    pub fn choose_kernel(&mut self, name: &str) -> bool {
        let kernel = Kernel::available()
            .into_iter()
            .find(|kernel| kernel.name() == name);
        kernel.is_some_and(|kernel| {
            self.network.set_kernel(kernel);
            true
        })
    }

    /// The instructions that multiply, by their usual name.
    pub fn kernel(&self) -> &'static str {
        self.network.kernel().name()
    }

    /// Bytes of weights that one more token reads, and one distribution.
    pub fn bytes_read(&self) -> (usize, usize) {
        (self.network.step_bytes(), self.network.output_bytes())
    }

    /// That the vocabulary has each of `ids`.
    fn check(&self, ids: &[TokenId]) -> Result<(), EngineError> {
        let unknown = |id: &&TokenId| id.index() >= self.network.vocabulary_size();
        match ids.iter().find(unknown) {
            Some(&id) => Err(EngineError::UnknownId(id)),
            None => Ok(()),
        }
    }

    fn answer(&self, state: &StateOf<ServedNetwork>) -> Distribution {
        let hidden = self.network.hidden(state);
        let mut logits = self.network.logits(&hidden);
        logits.iter_mut().for_each(|x| *x /= self.temperature);
        let mut probabilities = logits.clone();
        let normaliser = softmax_in_place(&mut probabilities);
        let entropy = normaliser - dot(&probabilities, &logits);
        Distribution::new(probabilities, entropy, hidden)
    }
}

#[cfg(test)]
mod tests;
