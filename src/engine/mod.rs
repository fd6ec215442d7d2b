//! Serving-time inference: the distribution over the next token, at the cost of what changed since the last question.
//!
//! An [`Engine`] is the network, shared by everyone; a [`Session`] is what one document has taught it so far. Knows
//! token ids only: no text, no vocabulary, no protocol.

mod session;

use candle_core::{D, Device, Tensor};

pub use session::Session;

use crate::model::{Model, State};

/// Why there is no distribution.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A tensor operation failed: the model's parts do not fit each other, or memory ran out.
    #[error("the network could not be run: {0}")]
    Network(#[from] candle_core::Error),
    /// A context has no token, not even `<s>`.
    #[error("there is no distribution after no tokens at all")]
    EmptyContext,
}

/// A network that answers questions about one document at a time.
#[derive(Debug)]
pub struct Engine {
    model: Model,
    temperature: f64,
}

/// Where the network stands after some token.
#[derive(Clone, Debug)]
struct Reading {
    state: State,
    /// Output of the last layer, `[1,H]`; none before the first token.
    hidden: Option<Tensor>,
}

impl Engine {
    /// An engine over `model`, whose logits are divided by `temperature`.
    pub fn new(model: Model, temperature: f64) -> Self {
        Self { model, temperature }
    }

    /// Before the first token.
    fn start(&self) -> Result<Reading, EngineError> {
        Ok(Reading {
            state: self.model.zero_state(1)?,
            hidden: None,
        })
    }

    /// Reads `ids` on from `from`.
    fn read(&self, from: &Reading, ids: &[u32]) -> Result<Reading, EngineError> {
        let (hidden, state) = self
            .model
            .seq(&Tensor::new(ids, &Device::Cpu)?.unsqueeze(1)?, &from.state)?; // [T,1,H]
        // Only the last row is kept, and not as a view that would keep the whole block alive.
        let hidden = hidden.get(ids.len() - 1)?.force_contiguous()?; // [1,H]
        Ok(Reading {
            state,
            hidden: Some(hidden),
        })
    }

    /// Softmax over the vocabulary after `reading`.
    fn distribution(&self, reading: &Reading) -> Result<Vec<f32>, EngineError> {
        let hidden = reading.hidden.as_ref().ok_or(EngineError::EmptyContext)?;
        let logits = (self.model.logits(hidden)? / self.temperature)?; // [1,V]
        Ok(candle_nn::ops::softmax(&logits, D::Minus1)?
            .squeeze(0)?
            .to_vec1()?)
    }
}

#[cfg(test)]
mod tests;
