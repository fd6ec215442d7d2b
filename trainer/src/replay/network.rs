//! The network of a replay: the served int8 engine, or the f32 network.

use std::sync::Arc;

use anyhow::Result;
use candle_core::{Device, Tensor};
use minicopilot::inference::{CosineScores, Distribution, Engine, StateHistory, WINDOW};
use minicopilot::model::Model;
use minicopilot::tokenizer::TokenId;

/// Tokens whose logits are in memory at once: 2.5 MB.
const TOGETHER: usize = 64;

/// The selected network.
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub enum Network {
    Int8(Engine),
    Full(FullPrecision),
}

/// The f32 network.
pub struct FullPrecision {
    pub model: Model,
    pub temperature: f32,
    /// The mean hidden state, `[H]`.
    pub centre: Vec<f32>,
}

/// One pass of a network over a file.
pub enum ModelPass<'a> {
    Int8(&'a Engine, StateHistory),
    Full(Full<'a>),
}

/// The f32 network's outputs along a file.
pub struct Full<'a> {
    network: &'a FullPrecision,
    /// Final hidden states `[T,H]`, and their unit directions from the centre `[T,H]`.
    hidden: Vec<f32>,
    directions: Vec<f32>,
    /// Logits, starting at the given position.
    logits: (usize, Vec<Vec<f32>>),
}

impl Network {
    /// Starts a pass over a file with these tokens.
    pub fn begin(&self, ids: &[TokenId]) -> Result<ModelPass<'_>> {
        Ok(match self {
            Self::Int8(engine) => ModelPass::Int8(engine, StateHistory::new()),
            Self::Full(network) => ModelPass::Full(network.begin(ids)?),
        })
    }
}

impl FullPrecision {
    fn begin(&self, ids: &[TokenId]) -> Result<Full<'_>> {
        let Self { model, centre, .. } = self;
        let mut hidden: Vec<f32> = Vec::new();
        let mut state = model.zero_state(1)?;
        for ids in ids.chunks(TOGETHER) {
            let ids = ids.iter().map(|id| id.get());
            let input = Tensor::from_iter(ids, &Device::Cpu)?.unsqueeze(1)?; // [T,1]
            let (out, after) = model.seq(&input, &state)?; // [T,1,H]
            state = after;
            hidden.extend(out.flatten_all()?.to_vec1::<f32>()?);
        }
        let mut directions = Vec::with_capacity(hidden.len());
        for hidden in hidden.chunks_exact(centre.len()) {
            let direction: Vec<f32> = hidden.iter().zip(centre).map(|(h, c)| h - c).collect();
            let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt();
            directions.extend(direction.iter().map(|x| x / length.max(f32::MIN_POSITIVE)));
        }
        Ok(Full {
            network: self,
            hidden,
            directions,
            logits: (0, Vec::new()),
        })
    }
}

impl ModelPass<'_> {
    /// The distribution after `context`, which must be longer than before, and the similarity of earlier positions.
    pub fn after(&mut self, context: &[TokenId]) -> Result<(Arc<Distribution>, CosineScores)> {
        match self {
            Self::Int8(engine, session) => {
                let distribution = session.distribution(engine, context)?;
                let cosines = session.similarities(engine, context, &distribution);
                Ok((distribution, cosines))
            }
            Self::Full(full) => full.after(context.len()),
        }
    }
}

impl Full<'_> {
    fn after(&mut self, read: usize) -> Result<(Arc<Distribution>, CosineScores)> {
        let FullPrecision {
            model,
            temperature,
            centre,
        } = self.network;
        let (size, at) = (centre.len(), read - 1);
        if at >= self.logits.0 + self.logits.1.len() {
            let end = (at + TOGETHER).min(self.hidden.len() / size);
            let hidden = &self.hidden[at * size..end * size];
            let hidden = Tensor::from_slice(hidden, (end - at, size), &Device::Cpu)?;
            self.logits = (at, model.logits(&hidden)?.to_vec2()?);
        }
        let logits = &self.logits.1[at - self.logits.0];
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = logits.iter().map(|x| ((x - most) / temperature).exp());
        let mut probabilities: Vec<f32> = powers.collect();
        let total: f32 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= total);
        let nats = probabilities
            .iter()
            .filter(|&&p| p > 0.0)
            .map(|p| -p * p.ln());
        let (entropy, hidden) = (nats.sum(), &self.hidden[at * size..read * size]);
        let distribution = Distribution::new(probabilities, entropy, hidden.to_vec());
        // Position p has the state after token p - 1.
        let first = at.saturating_sub(WINDOW) + 1;
        let here = &self.directions[at * size..read * size];
        let earlier = self.directions[(first - 1) * size..at * size].chunks_exact(size);
        let cosines = earlier.map(|other| other.iter().zip(here).map(|(a, b)| a * b).sum());
        let values = cosines.collect();
        Ok((Arc::new(distribution), CosineScores { first, values }))
    }
}
