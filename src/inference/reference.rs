//! A plain f32 implementation, the reference for the quantised network (`minicopilot doctor` compares the two).

use super::recurrent::{elman_cell, lstm_cell};
use crate::model::{Architecture, ModelConfig};
use crate::model::{MissingParameter, Parameter, Parameters, named};
use crate::simd::{dot, softmax_in_place};
use crate::tokenizer::TokenId;

/// The distribution over the token after `ids`, `[V]`; logits are divided by `temperature`.
///
/// # Panics
/// If an id is not in the vocabulary.
pub fn distribution(
    config: &ModelConfig,
    parameters: &Parameters,
    temperature: f64,
    ids: &[TokenId],
) -> Result<Vec<f32>, MissingParameter> {
    let values = |name: &str| named(parameters, name).map(Parameter::values);
    let layer = |layer: usize| -> Result<[&[f32]; 4], MissingParameter> {
        let parameter = |name| values(&config.layer_parameter(layer, name));
        Ok([
            parameter("weight_ih")?,
            parameter("weight_hh")?,
            parameter("bias_ih")?,
            parameter("bias_hh")?,
        ])
    };
    let (embedding, layers) = (values("embedding.weight")?, [layer(0)?, layer(1)?]);
    let (output, output_bias) = (values("output.weight")?, values("output.bias")?);
    let cell = match config.architecture {
        Architecture::Rnn => elman_cell,
        _ => lstm_cell,
    };
    let size = config.hidden_size;
    let mut states = [0, 1].map(|_| (vec![0.0; size], vec![0.0; size]));
    for &id in ids {
        let mut x =
            embedding[id.index() * config.embedding_size..][..config.embedding_size].to_vec(); // [E]
        for ((h, c), [weight_ih, weight_hh, bias_ih, bias_hh]) in states.iter_mut().zip(layers) {
            let biases = bias_ih.iter().zip(bias_hh).map(|(a, b)| a + b);
            let mut gates: Vec<f32> = biases.collect(); // [G*H]
            add_product(&mut gates, weight_ih, &x);
            add_product(&mut gates, weight_hh, h);
            cell(&gates, h, c);
            x.clone_from(h);
        }
    }
    let [(first, _), (mut hidden, _)] = states;
    if config.architecture == Architecture::ResidualLstm {
        hidden.iter_mut().zip(&first).for_each(|(a, b)| *a += b);
    }
    let mut logits = output_bias.to_vec(); // [V]
    add_product(&mut logits, output, &hidden);
    logits.iter_mut().for_each(|z| *z /= temperature as f32);
    softmax_in_place(&mut logits);
    Ok(logits)
}

/// `out += W x`.
fn add_product(out: &mut [f32], w: &[f32], x: &[f32]) {
    for (out, row) in out.iter_mut().zip(w.chunks_exact(x.len())) {
        *out += dot(row, x);
    }
}
