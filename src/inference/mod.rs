//! Serving-time inference: the distribution over the next token, at the cost of what changed since the last request.
//!
//! An [`Engine`] is the network, shared by all documents. A [`StateHistory`] holds what it has read of one document.
//! This module knows token ids only: no text, no vocabulary, no protocol.
//!
//! A network implements [`network::Network`] and has its own [`network::StateStore`], which keeps its states along a
//! document. The recurrent network keeps snapshots ([`snapshot_store`]); a transformer would keep a key-value cache in
//! its own store.
//!
//! The weights are int8, quantised when the model is loaded. A step reads every recurrent weight, and a distribution
//! reads every output weight, so their size determines the latency ([`int8`]). Apart from the quantisation,
//! [`recurrent`] computes what [`crate::model::Model`] computes in f32; `trainer evaluate quantized` measures how well
//! the two agree.

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

use crate::model::checkpoint::Checkpoint;
use crate::model::{MissingParameter, ModelConfig, Parameter, Parameters, named};
use crate::simd::{dot, softmax_in_place};
use crate::tokenizer::TokenId;
use int8::kernel::Kernel;
use int8::matrix;
use network::{Network, StateOf};
use recurrent::RecurrentNetwork;

/// Why a distribution could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The context has no tokens, not even `<s>`.
    #[error("the context is empty")]
    EmptyContext,
    /// An id in the context is not in the vocabulary.
    #[error("no token has the id {}", .0.get())]
    UnknownId(TokenId),
}

/// Rounds the parameters of `config` to the values that an engine stores: each weight is an 8-bit integer times its
/// row's scale. With these weights, the engine and the f32 network agree. Rounding them again changes nothing.
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

/// The network type that the server runs.
type ServedNetwork = RecurrentNetwork;

/// A quantised network, shared by all documents.
#[derive(Debug)]
pub struct Engine {
    network: ServedNetwork,
    temperature: f32,
    /// The centre of the continuous cache; see [`Engine::new`].
    mean_hidden: Option<Vec<f32>>,
}

impl Engine {
    /// Quantises the network that `config` describes from its f32 parameters. Logits are divided by `temperature`.
    ///
    /// Given the network's mean hidden state `[H]`, histories keep the hidden state after each token for
    /// [`StateHistory::similarities`], which centres the states on the mean. With `None`, histories keep no hidden
    /// states.
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

    /// [`Engine::new`] with the network and the temperature of a checkpoint.
    pub fn of(
        checkpoint: &Checkpoint,
        mean_hidden: Option<&[f32]>,
    ) -> Result<Self, MissingParameter> {
        let config = &checkpoint.config;
        Self::new(
            &config.model,
            checkpoint.parameters(),
            config.temperature,
            mean_hidden,
        )
    }

    /// The names of the kernels that this processor can run, fastest first.
    pub fn kernels() -> Vec<&'static str> {
        Kernel::available().into_iter().map(Kernel::name).collect()
    }

    /// Changes to another of [`Engine::kernels`], which gives the same results at another speed. Returns false if there
    /// is no such kernel.
    pub fn choose_kernel(&mut self, name: &str) -> bool {
        let kernel = Kernel::available()
            .into_iter()
            .find(|kernel| kernel.name() == name);
        kernel.is_some_and(|kernel| {
            self.network.set_kernel(kernel);
            true
        })
    }

    /// The name of the kernel in use.
    pub fn kernel(&self) -> &'static str {
        self.network.kernel().name()
    }

    /// Bytes of weights read for one more token, and for one distribution.
    pub fn bytes_read(&self) -> (usize, usize) {
        (self.network.step_bytes(), self.network.output_bytes())
    }

    /// Fails if an id is not in the vocabulary.
    fn check(&self, ids: &[TokenId]) -> Result<(), EngineError> {
        let unknown = |id: &&TokenId| id.index() >= self.network.vocabulary_size();
        match ids.iter().find(unknown) {
            Some(&id) => Err(EngineError::UnknownId(id)),
            None => Ok(()),
        }
    }

    fn distribution(&self, state: &StateOf<ServedNetwork>) -> Distribution {
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
