//! Weight initialisation with our own random generator, because Candle's CPU generator cannot be seeded.

use serde::{Deserialize, Serialize};

use super::{Architecture, ModelConfig, SplitMix64};
use crate::model::{Parameter, Parameters};

/// Distribution of the initial weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialization {
    /// As in PyTorch: embedding N(0, 1) (`nn.Embedding`), everything else uniform in ±1/√H (`nn.LSTM`, and `nn.Linear`,
    /// whose Kaiming bound with a = √5 is 1/√fan-in).
    /// A transformer's matrices as by Xavier (Glorot & Bengio 2010).
    #[default]
    Pytorch,
    /// Embedding N(0, 0.3), orthogonal recurrent matrices per gate (Saxe et al. 2014), forget-gate bias 1 (Jozefowicz
    /// et al. 2015), output bias at the log frequency of each token; the rest as in PyTorch. A transformer's matrices have variance
    /// 1 / fan-in, and each block begins as the identity.
    Informed,
}

/// The initial parameters of a model by name. `frequencies` are the counts of each id in the training data, used for
/// the output bias of [`Initialization::Informed`].
pub fn initial_parameters(
    config: &ModelConfig,
    initialization: Initialization,
    seed: u64,
    frequencies: &[u64],
) -> Parameters {
    let informed = initialization == Initialization::Informed;
    let bound = 1.0 / (config.hidden_size as f64).sqrt();
    let mut parameters = Parameters::new();
    for (index, (name, shape)) in config.parameters().into_iter().enumerate() {
        let mut generator = SplitMix64::new(SplitMix64::mix(seed, index as u64));
        let count = shape.iter().product();
        let values: Vec<f32> = if config.transformer.is_some() && name != "output.bias" {
            of_transformer(&name, &shape, informed, &mut generator)
        } else if name == "embedding.weight" {
            let deviation = if informed { 0.3 } else { 1.0 };
            (0..count)
                .map(|_| (deviation * generator.normal()) as f32)
                .collect()
        } else if informed && name.contains("weight_hh") {
            let square = config.hidden_size;
            (0..count / (square * square))
                .flat_map(|_| orthogonal(square, &mut generator))
                .collect()
        } else if informed && name == "output.bias" {
            log_frequencies(frequencies, count)
        } else {
            let mut values: Vec<f32> = (0..count)
                .map(|_| (bound * (2.0 * generator.uniform() - 1.0)) as f32)
                .collect();
            if informed && config.architecture != Architecture::Rnn && name.contains("bias_ih") {
                let h = config.hidden_size;
                values[h..2 * h].fill(1.0); // the forget gate is the second of i, f, g, o
            }
            values
        };
        parameters.insert(name, Parameter::new(values, shape));
    }
    parameters
}

/// Initial values of a transformer's parameter: the embedding normal with deviation 0.02, as it is the output layer too (Radford
/// et al. 2019, GPT-2); gains 2; matrices uniform with variance 1 / fan-in if `informed`, else as by Xavier (Glorot & Bengio
/// 2010). If `informed`, the last matrix of each sublayer is 0, so that each block begins as the identity.
fn of_transformer(
    name: &str,
    shape: &[usize],
    informed: bool,
    generator: &mut SplitMix64,
) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let is_last = name.ends_with("output.weight") || name.ends_with("down.weight");
    match *shape {
        _ if name == "embedding.weight" => (0..count)
            .map(|_| (0.02 * generator.normal()) as f32)
            .collect(),
        [rows, columns] if !(informed && is_last) => {
            let variance = if informed {
                1.0 / columns as f64
            } else {
                2.0 / (rows + columns) as f64
            };
            let bound = (3.0 * variance).sqrt();
            (0..count)
                .map(|_| (bound * (2.0 * generator.uniform() - 1.0)) as f32)
                .collect()
        }
        [_, _] => vec![0.0; count],
        _ => vec![2.0; count],
    }
}

/// Log relative frequency of each id, with add-one smoothing so that unseen ids stay finite.
fn log_frequencies(frequencies: &[u64], count: usize) -> Vec<f32> {
    let total: u64 = frequencies.iter().sum::<u64>() + count as u64;
    (0..count)
        .map(|id| {
            ((frequencies.get(id).copied().unwrap_or(0) + 1) as f64 / total as f64).ln() as f32
        })
        .collect()
}

/// A random orthogonal matrix, row-major: modified Gram-Schmidt on normal rows, in f64.
fn orthogonal(size: usize, generator: &mut SplitMix64) -> Vec<f32> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
    while rows.len() < size {
        let mut row: Vec<f64> = (0..size).map(|_| generator.normal()).collect();
        for earlier in &rows {
            let dot: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(earlier).for_each(|(a, b)| *a -= dot * b);
        }
        let norm = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        if norm > 1e-3 {
            row.iter_mut().for_each(|a| *a /= norm);
            rows.push(row);
        }
    }
    rows.into_iter().flatten().map(|a| a as f32).collect()
}
