//! Compares the forward passes of the fit with those of the server.

use std::path::Path;

use minicopilot::prediction::Mixture;
use minicopilot::tokenizer::Vocabulary;

use super::*;

/// Number of contexts, and candidates per context.
const CONTEXTS: usize = 64;
const CANDIDATES: usize = RERANKED;
/// Both sides compute in f32, with different summation orders and tanh approximations.
const TOLERANCE: f32 = 2e-5;

/// `count` normal numbers with this standard deviation.
fn normal(generator: &mut SplitMix64, count: usize, deviation: f64) -> Vec<f32> {
    std::iter::repeat_with(|| (deviation * generator.normal()) as f32)
        .take(count)
        .collect()
}

/// Random parameters for a hidden size; deviations are positive.
fn random(generator: &mut SplitMix64, hidden_size: usize) -> Parameters {
    let parameter = |(name, shape): (String, Vec<usize>)| {
        let inputs = if shape.len() > 1 { shape[1] } else { 4 };
        let spread = 1.0 / (inputs as f64).sqrt();
        let mut values = normal(generator, shape.iter().product(), spread);
        if name == "gate.deviation" {
            values
                .iter_mut()
                .for_each(|value| *value = 0.5 + value.abs());
        }
        (name, Parameter::new(values, shape))
    };
    parameters(hidden_size).into_iter().map(parameter).collect()
}

fn shipped() -> Parameters {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/default");
    let tensors = candle_core::safetensors::load(folder.join("gate.safetensors"), &Device::Cpu);
    let tensors = tensors.unwrap().into_iter();
    tensors
        .map(|(name, tensor)| (name, Parameter::from_tensor(&tensor).unwrap()))
        .collect()
}

fn rows(tensor: &Tensor) -> Vec<Vec<f32>> {
    tensor.to_vec2().unwrap()
}

#[track_caller]
fn assert_close(served: &[f32], fitted: &[f32]) {
    assert_eq!(served.len(), fitted.len());
    for (a, b) in served.iter().zip(fitted) {
        let scale = 1.0 + b.abs();
        assert!(
            (a - b).abs() <= TOLERANCE * scale,
            "{a} is served, {b} fitted"
        );
    }
}

/// Compares both sides on random features with realistic deviations and non-positive log probabilities.
fn compare(parameters: &Parameters, generator: &mut SplitMix64) {
    let vocabulary = Vocabulary::from_counts([("name".to_owned(), 1)], 10);
    let mixture = Mixture::new(parameters, &vocabulary).unwrap();
    let tensor = |name: &str| parameters[name].tensor(&Device::Cpu).unwrap();
    let variables = parameters.keys();
    let variables = variables.map(|name| (name.clone(), Var::from_tensor(&tensor(name)).unwrap()));
    let variables = Variables(variables.collect());
    let (mean, deviation) = (&tensor("gate.mean"), &tensor("gate.deviation"));
    let hidden_size = parameters["gate.centre"].values().len();

    let mut batch = |width: usize, deviation: f64| {
        let values = normal(generator, CONTEXTS * width, deviation);
        Tensor::from_vec(values, (CONTEXTS, width), &Device::Cpu).unwrap()
    };
    let standard = batch(FEATURES, 1.0);
    let features = standard.broadcast_mul(deviation).unwrap();
    let features = features.broadcast_add(mean).unwrap();
    let standard = features.broadcast_sub(mean).unwrap();
    let standard = standard.broadcast_div(deviation).unwrap();
    let hidden = batch(hidden_size, 0.5);
    let priors = batch(Expert::COUNT, 2.0);
    let candidates = batch(CANDIDATES * CANDIDATE_FEATURES, 4.0).abs().unwrap();
    let candidates = candidates.neg().unwrap();
    let candidates = candidates.reshape((CONTEXTS, CANDIDATES, CANDIDATE_FEATURES));
    let candidates = candidates.unwrap();

    let (weights, units) = variables.gate(&standard, &hidden, &priors).unwrap();
    let units = Tensor::cat(&units, 1).unwrap();
    let scores = variables.scores(&units, &candidates).unwrap();
    let (features, hidden, priors) = (rows(&features), rows(&hidden), rows(&priors));
    let (weights, units, scores) = (rows(&weights), rows(&units), rows(&scores));
    let candidates: Vec<Vec<Vec<f32>>> = candidates.to_vec3().unwrap();
    for k in 0..CONTEXTS {
        let prior = priors[k][..].try_into().unwrap();
        let features = features[k][..].try_into().unwrap();
        let (served, served_units) = mixture.weigh(features, &hidden[k], prior);
        assert_close(&served, &weights[k]);
        assert_close(&served_units, &units[k]);
        let candidates = candidates[k].iter();
        let candidates: Vec<[f32; CANDIDATE_FEATURES]> =
            candidates.map(|row| row[..].try_into().unwrap()).collect();
        assert_close(&mixture.scores(&units[k], &candidates), &scores[k]);
    }
}

#[test]
fn the_fitted_gate_equals_the_serving_gate() {
    let mut generator = SplitMix64::new(7);
    // A hidden size that is not a multiple of a vector register.
    for hidden_size in [1, 37, 512] {
        let parameters = random(&mut generator, hidden_size);
        compare(&parameters, &mut generator);
    }
    compare(&shipped(), &mut generator);
}
