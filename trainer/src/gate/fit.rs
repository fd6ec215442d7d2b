//! Fits the gate and the reranker by maximum likelihood of the actual next tokens, with AdamW over shuffled examples.

use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::ops::{log_softmax, softmax};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use minicopilot::model::{Parameter, Parameters, SplitMix64, shuffle};
use minicopilot::prediction::{
    CANDIDATE_FEATURES, Expert, FEATURES, LOGS, RERANKED, UNITS, parameters,
};

/// Batch size.
const BATCH: usize = 256;
/// Initial learning rates; they decay linearly to zero.
const GATE_RATE: f64 = 2e-3;
const RERANKER_RATE: f64 = 1e-3;

/// Inputs of the gate and the probability that each expert assigned to the actual token; one row per example.
#[derive(Default)]
pub struct GateExamples {
    pub features: Vec<f32>,
    pub hidden: Vec<f32>,
    pub priors: Vec<f32>,
    pub likelihoods: Vec<f32>,
}

/// Inputs of the reranker for the mixture's top candidates, and the index of the actual one.
#[derive(Default)]
pub struct RerankerExamples {
    pub units: Vec<f32>,
    /// `[RERANKED, CANDIDATE_FEATURES]` per row.
    pub candidates: Vec<f32>,
    pub targets: Vec<u32>,
}

impl GateExamples {
    pub fn len(&self) -> usize {
        self.priors.len() / Expert::COUNT
    }

    pub fn append(&mut self, mut other: Self) {
        self.features.append(&mut other.features);
        self.hidden.append(&mut other.hidden);
        self.priors.append(&mut other.priors);
        self.likelihoods.append(&mut other.likelihoods);
    }
}

impl RerankerExamples {
    pub fn append(&mut self, mut other: Self) {
        self.units.append(&mut other.units);
        self.candidates.append(&mut other.candidates);
        self.targets.append(&mut other.targets);
    }
}

/// Named variables of the shapes in [`parameters`], with the affine map `x W^T + b`.
#[derive(Default)]
struct Variables(BTreeMap<String, Var>);

impl Variables {
    /// Initial layers: normal weights with the given deviation, or 1 / √(number of inputs) without one; zero biases in
    /// the layers that have them.
    fn initial(
        generator: &mut SplitMix64,
        hidden_size: usize,
        initial: &[(&str, Option<f64>)],
    ) -> candle_core::Result<Self> {
        let shapes: BTreeMap<String, Vec<usize>> = parameters(hidden_size).into_iter().collect();
        let mut variables = Self::default();
        for &(layer, deviation) in initial {
            let weight = format!("{layer}.weight");
            let shape = &shapes[&weight][..];
            let deviation = deviation.unwrap_or_else(|| 1.0 / (shape[1] as f64).sqrt());
            // The sum of twelve uniform numbers is close enough to normal.
            let mut normal = || (0..12).map(|_| generator.uniform()).sum::<f64>() - 6.0;
            let count = shape.iter().product();
            let values: Vec<f32> = std::iter::repeat_with(|| (deviation * normal()) as f32)
                .take(count)
                .collect();
            let var = Var::from_vec(values, shape, &Device::Cpu)?;
            variables.0.insert(weight, var);
            let bias = format!("{layer}.bias");
            if let Some(shape) = shapes.get(&bias) {
                let var = Var::zeros(&shape[..], DType::F32, &Device::Cpu)?;
                variables.0.insert(bias, var);
            }
        }
        Ok(variables)
    }

    fn get(&self, name: &str) -> &Tensor {
        self.0[name].as_tensor()
    }

    fn product(&self, x: &Tensor, weight: &str) -> candle_core::Result<Tensor> {
        x.broadcast_matmul(&self.get(weight).t()?)
    }

    fn linear(&self, x: &Tensor, name: &str) -> candle_core::Result<Tensor> {
        let product = self.product(x, &format!("{name}.weight"))?;
        product.broadcast_add(self.get(&format!("{name}.bias")))
    }

    /// The gate of a batch: standardised features `[B,FEATURES]`, hidden states `[B,H]` and priors `[B,EXPERTS]` ->
    /// expert weights `[B,EXPERTS]`, hidden units `[B,GATE]` and projected hidden states `[B,PROJECTED]`; the last two
    /// are the reranker's context. Must equal `minicopilot::prediction::Mixture::weigh`.
    fn gate(
        &self,
        standard: &Tensor,
        hidden: &Tensor,
        priors: &Tensor,
    ) -> candle_core::Result<(Tensor, [Tensor; 2])> {
        let projected = self.linear(hidden, "gate.projection")?.tanh()?;
        let inputs = Tensor::cat(&[standard, &projected], 1)?;
        let units = self.linear(&inputs, "gate.hidden")?.tanh()?;
        let logits = (self.linear(&units, "gate.output")? + priors)?;
        Ok((softmax(&logits, D::Minus1)?, [units, projected]))
    }

    /// The reranker's scores `[B,K]` of candidates `[B,K,CANDIDATE_FEATURES]` given context units `[B,UNITS]`. Must
    /// equal `minicopilot::prediction::Mixture::scores`.
    fn scores(&self, units: &Tensor, candidates: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, count, features) = candidates.dims3()?;
        let logs = candidates.narrow(2, 0, LOGS)?;
        let exponents = self.linear(units, "reranker.exponent")?;
        let powers = logs.broadcast_mul(&exponents.unsqueeze(1)?)?.sum(2)?;
        let context = self.linear(units, "reranker.context")?.unsqueeze(1)?;
        let flat = candidates.reshape((batch * count, features))?;
        let hidden = self.product(&flat, "reranker.hidden.weight")?;
        let hidden = hidden.reshape((batch, count, ()))?;
        let hidden = hidden.broadcast_add(&context)?.tanh()?;
        let flat = hidden.reshape((batch * count, ()))?;
        let score = self.linear(&flat, "reranker.output")?;
        let mixture = logs.narrow(2, 0, 1)?.squeeze(2)?;
        (score.reshape((batch, count))? + powers)? + mixture
    }

    fn optimizer(&self, rate: f64) -> candle_core::Result<AdamW> {
        let parameters = ParamsAdamW {
            lr: rate,
            weight_decay: 0.01,
            ..ParamsAdamW::default()
        };
        AdamW::new(self.0.values().cloned().collect(), parameters)
    }

    fn parameters(&self) -> candle_core::Result<Parameters> {
        let copies = self.0.iter();
        copies
            .map(|(name, var)| Ok((name.clone(), Parameter::from_tensor(var)?)))
            .collect()
    }
}

/// Gathers `rows` of `values`: `[rows.len(), width]`.
fn gathered(values: &[f32], width: usize, rows: &[usize]) -> candle_core::Result<Tensor> {
    let mut batch = Vec::with_capacity(rows.len() * width);
    for &row in rows {
        batch.extend_from_slice(&values[row * width..(row + 1) * width]);
    }
    Tensor::from_vec(batch, (rows.len(), width), &Device::Cpu)
}

/// Runs `epochs` passes over `count` shuffled examples; `loss` returns the loss of a batch.
fn optimise(
    variables: &Variables,
    rate: f64,
    count: usize,
    epochs: usize,
    seed: u64,
    loss: &dyn Fn(&[usize]) -> candle_core::Result<Tensor>,
    after_epoch: &mut dyn FnMut(usize, f64) -> Result<()>,
) -> Result<()> {
    let mut optimizer = variables.optimizer(rate)?;
    let mut generator = SplitMix64::new(seed);
    let mut order: Vec<usize> = (0..count).collect();
    let steps = epochs * count.div_ceil(BATCH);
    let mut step = 0;
    for epoch in 0..epochs {
        shuffle(&mut order, |n| generator.next_u64() % n);
        let mut sum = 0.0;
        for rows in order.chunks(BATCH) {
            optimizer.set_learning_rate(rate * (1.0 - step as f64 / steps as f64));
            let loss = loss(rows)?;
            optimizer.backward_step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?) * rows.len() as f64;
            step += 1;
        }
        after_epoch(epoch, sum / count as f64)?;
    }
    Ok(())
}

/// Fits the gate to `examples`. `centre` is the mean hidden state `[H]`.
pub fn gate(
    examples: &GateExamples,
    centre: &[f32],
    epochs: usize,
    seed: u64,
    progress: &mut dyn FnMut(usize, f64) -> Result<()>,
) -> Result<Parameters> {
    let hidden_size = centre.len();
    let (mean, deviation) = moments(&examples.features, FEATURES);
    let (mean, deviation) = (
        Tensor::new(&mean[..], &Device::Cpu)?,
        Tensor::new(&deviation[..], &Device::Cpu)?,
    );
    let layers = [
        ("gate.projection", None),
        ("gate.hidden", None),
        ("gate.output", Some(0.0)), // the prior decides at first
    ];
    let variables = Variables::initial(&mut SplitMix64::new(seed), hidden_size, &layers)?;
    let loss = |rows: &[usize]| {
        let features = gathered(&examples.features, FEATURES, rows)?;
        let hidden = gathered(&examples.hidden, hidden_size, rows)?;
        let priors = gathered(&examples.priors, Expert::COUNT, rows)?;
        let likelihoods = gathered(&examples.likelihoods, Expert::COUNT, rows)?;
        let standard = features.broadcast_sub(&mean)?.broadcast_div(&deviation)?;
        let (weights, _) = variables.gate(&standard, &hidden, &priors)?;
        let mixed = (weights * likelihoods)?.sum(1)?;
        mixed.log()?.mean_all()?.neg()
    };
    optimise(
        &variables,
        GATE_RATE,
        examples.len(),
        epochs,
        seed,
        &loss,
        progress,
    )?;
    let mut parameters = variables.parameters()?;
    parameters.insert(
        "gate.centre".to_owned(),
        Parameter::new(centre.to_vec(), vec![centre.len()]),
    );
    parameters.insert("gate.mean".to_owned(), Parameter::from_tensor(&mean)?);
    parameters.insert(
        "gate.deviation".to_owned(),
        Parameter::from_tensor(&deviation)?,
    );
    Ok(parameters)
}

/// A reranker that leaves the order unchanged.
pub fn neutral_reranker() -> Result<Parameters> {
    Ok(reranker_variables(&mut SplitMix64::new(0))?.parameters()?)
}

fn reranker_variables(generator: &mut SplitMix64) -> candle_core::Result<Variables> {
    let layers = [
        ("reranker.exponent", Some(0.0)),
        ("reranker.context", Some(0.1)),
        ("reranker.hidden", Some(0.05)), // logarithms range from 0 to -14
        ("reranker.output", Some(0.0)),
    ];
    let any_size = 1; // the reranker's shapes do not depend on the hidden state's
    Variables::initial(generator, any_size, &layers)
}

/// Fits the reranker to `examples`.
pub fn reranker(
    examples: &RerankerExamples,
    epochs: usize,
    seed: u64,
    progress: &mut dyn FnMut(usize, f64) -> Result<()>,
) -> Result<Parameters> {
    let variables = reranker_variables(&mut SplitMix64::new(seed))?;
    let width = RERANKED * CANDIDATE_FEATURES;
    let loss = |rows: &[usize]| {
        let count = rows.len();
        let units = gathered(&examples.units, UNITS, rows)?;
        let candidates = gathered(&examples.candidates, width, rows)?;
        let candidates = candidates.reshape((count, RERANKED, CANDIDATE_FEATURES))?;
        let targets: Vec<u32> = rows.iter().map(|&row| examples.targets[row]).collect();
        let targets = Tensor::from_vec(targets, (count, 1), &Device::Cpu)?;
        log_softmax(&variables.scores(&units, &candidates)?, D::Minus1)?
            .gather(&targets, 1)?
            .mean_all()?
            .neg()
    };
    let count = examples.targets.len();
    optimise(
        &variables,
        RERANKER_RATE,
        count,
        epochs,
        seed,
        &loss,
        progress,
    )?;
    Ok(variables.parameters()?)
}

/// Mean and standard deviation of each column.
fn moments(values: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut sums, mut squares) = (vec![0.0f64; width], vec![0.0f64; width]);
    for row in values.chunks_exact(width) {
        for ((sum, square), &x) in sums.iter_mut().zip(&mut squares).zip(row) {
            *sum += f64::from(x);
            *square += f64::from(x) * f64::from(x);
        }
    }
    let count = (values.len() / width).max(1) as f64;
    let mean = sums.iter().map(|sum| (sum / count) as f32).collect();
    let deviation = sums.iter().zip(&squares).map(|(sum, square)| {
        let variance = square / count - (sum / count) * (sum / count);
        // A constant feature carries no information.
        if variance > 1e-6 {
            variance.sqrt() as f32
        } else {
            1.0
        }
    });
    let deviation = deviation.collect();
    (mean, deviation)
}

#[cfg(test)]
mod tests;
