//! `step` against `seq`, fused against plain operations, gradients against finite differences, overfitting one batch,
//! and PyTorch's numbers.

mod pytorch;
mod transformer;

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;

use super::language_model::{Body, Memory};
use super::layer_state::LayerState;
use super::recurrent::Layer;
use super::*;

const RECURRENT: [Architecture; 3] = [
    Architecture::Rnn,
    Architecture::Lstm,
    Architecture::ResidualLstm,
];
const ALL: [Architecture; 4] = [
    Architecture::Rnn,
    Architecture::Lstm,
    Architecture::ResidualLstm,
    Architecture::Transformer,
];

fn tiny(architecture: Architecture) -> ModelConfig {
    let is_transformer = architecture == Architecture::Transformer;
    ModelConfig {
        architecture,
        vocabulary_size: 23,
        embedding_size: if is_transformer { 10 } else { 6 },
        hidden_size: 10,
        dropout: 0.0,
        transformer: is_transformer.then(|| TransformerConfig {
            layers: 3,
            heads: 4,
            key_value_heads: 2,
            head_size: 6,
            rotated_pairs: 2,
            inner_size: 14,
            windows: vec![5, 70, 2],
        }),
    }
}

/// A model over fresh variables, and the variables.
fn fresh(config: &ModelConfig, seed: u64) -> (Model, HashMap<String, Var>) {
    let parameters = initial_parameters(config, Initialization::Pytorch, seed, &[]);
    let tensors = parameters
        .iter()
        .map(|(name, parameter)| (name.clone(), parameter.tensor(&Device::Cpu).unwrap()));
    variables(config, tensors)
}

fn variables(
    config: &ModelConfig,
    tensors: impl IntoIterator<Item = (String, Tensor)>,
) -> (Model, HashMap<String, Var>) {
    let vars: HashMap<_, _> = tensors
        .into_iter()
        .map(|(name, t)| (name, Var::from_tensor(&t).unwrap()))
        .collect();
    let tensors = vars
        .iter()
        .map(|(name, var)| (name.clone(), var.as_tensor().clone()))
        .collect();
    let model = Model::new(
        config,
        &VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu),
    )
    .unwrap();
    (model, vars)
}

fn random_ids(count: usize, below: u32, seed: u64) -> Vec<u32> {
    let mut generator = SplitMix64::new(seed);
    (0..count)
        .map(|_| (generator.next_u64() % u64::from(below)) as u32)
        .collect()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    (a - b)
        .unwrap()
        .abs()
        .unwrap()
        .flatten_all()
        .unwrap()
        .max(0)
        .unwrap()
        .to_scalar()
        .unwrap()
}

#[test]
fn parameter_counts_are_those_of_the_original_experiment() {
    let count = |architecture| {
        ModelConfig {
            architecture,
            vocabulary_size: 10_002,
            embedding_size: 256,
            hidden_size: 512,
            dropout: 0.3,
            transformer: None,
        }
        .parameter_count()
    };
    assert_eq!(RECURRENT.map(count), [8_611_090, 11_369_746, 11_369_746]);
}

#[test]
fn step_repeated_equals_seq() {
    for architecture in ALL {
        let (model, _) = fresh(&tiny(architecture), 1);
        let (steps, lanes) = (17, 3);
        let ids = Tensor::from_vec(
            random_ids(steps * lanes, 23, 2),
            (steps, lanes),
            &Device::Cpu,
        )
        .unwrap();
        let start = model.zero_state(lanes).unwrap();
        let (whole, end) = model.seq(&ids, &start).unwrap();
        // A transformer's products have other shapes one step at a time, and add in another order.
        let tolerance = if architecture == Architecture::Transformer {
            1e-5
        } else {
            1e-6
        };
        let mut state = start;
        for t in 0..steps {
            let hidden;
            (hidden, state) = model.step(&ids.get(t).unwrap(), &state).unwrap();
            assert!(
                largest_difference(&hidden, &whole.get(t).unwrap()) < tolerance,
                "{architecture:?} at step {t}"
            );
        }
        for (a, b) in state.tensors().unwrap().iter().zip(&end.tensors().unwrap()) {
            assert!(largest_difference(a, b) < tolerance, "{architecture:?}");
        }
    }
}

/// Compares fused layers and loss with plain Candle operations under autograd: outputs, loss and all gradients, with
/// files that start in the middle of a batch and padded targets.
#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn fused_equals_plain() {
    for architecture in RECURRENT {
        let config = tiny(architecture);
        let (model, vars) = fresh(&config, 3);
        let (steps, lanes) = (12, 5);
        let ids = random_ids(steps * lanes, 23, 4);
        let starts: Vec<bool> = random_ids(steps * lanes, 6, 5)
            .into_iter()
            .map(|x| x == 0)
            .collect();
        let targets = random_ids(steps * lanes, 23, 6); // some are 0, which is <PAD>
        let ids = Tensor::from_vec(ids, (steps, lanes), &Device::Cpu).unwrap();
        let (_, state) = model.seq(&ids, &model.zero_state(lanes).unwrap()).unwrap(); // a non-zero initial state

        let training = TrainingPass {
            starts: Some(&starts),
            ..TrainingPass::default()
        };
        let (hidden, _) = model.seq_training(&ids, &state, training).unwrap();
        let fused = model
            .loss(
                &hidden,
                &targets,
                &Softmax::Full,
                MatmulPrecision::F32,
                loss::count(&targets),
            )
            .unwrap();
        let fused_gradients = fused.backward().unwrap();

        let x = model
            .embedding
            .index_select(&ids.flatten_all().unwrap(), 0)
            .unwrap()
            .reshape((steps, lanes, 6))
            .unwrap();
        let plain_layer =
            |layer: &Layer, x: &Tensor, s: &LayerState| layer.plain(x, s, Some(&starts)).unwrap().0;
        let (Body::Recurrent(layers), Memory::Recurrent(states)) = (&model.body, &state.0) else {
            panic!("{architecture:?} is recurrent")
        };
        let h1 = plain_layer(&layers[0], &x, &states[0]);
        let h2 = plain_layer(&layers[1], &h1, &states[1]);
        let expected = if architecture == Architecture::ResidualLstm {
            (h1 + h2).unwrap()
        } else {
            h2
        };
        assert!(
            largest_difference(&hidden, &expected) < 1e-6,
            "{architecture:?}: outputs"
        );
        let flat = expected.reshape(((), 10)).unwrap();
        let plain = loss::plain(&flat, &model.output_weight, &model.output_bias, &targets).unwrap();
        assert!(
            largest_difference(&fused, &plain) < 1e-6,
            "{architecture:?}: loss"
        );
        let plain_gradients = plain.backward().unwrap();
        for (name, var) in &vars {
            let (a, b) = (
                fused_gradients.get(var).unwrap(),
                plain_gradients.get(var).unwrap(),
            );
            let scale = largest_difference(b, &b.zeros_like().unwrap());
            assert!(
                largest_difference(a, b) <= 1e-5 * scale,
                "{architecture:?}: gradient of {name}"
            );
        }
    }
}

/// The gradient norm at the input by distance equals the derivative with respect to one embedding row (central
/// differences). Every token occurs once, so a row belongs to one position.
#[test]
fn gradient_flow_is_the_derivative_by_place() {
    for architecture in RECURRENT {
        let (model, vars) = fresh(&tiny(architecture), 11);
        let (steps, targets) = (7, [5]);
        let ids: Vec<u32> = (10..10 + steps as u32).collect();
        let ids = Tensor::from_slice(&ids, (steps, 1), &Device::Cpu).unwrap();
        let flow = model.gradient_flow(&ids, &targets).unwrap();
        let loss = || -> f64 {
            let (hidden, _) = model.seq(&ids, &model.zero_state(1).unwrap()).unwrap();
            let hidden = hidden.get(steps - 1).unwrap();
            let loss = model.loss(
                &hidden,
                &targets,
                &Softmax::Full,
                MatmulPrecision::F32,
                loss::count(&targets),
            );
            f64::from(loss.unwrap().to_scalar::<f32>().unwrap())
        };
        let table = &vars["embedding.weight"];
        let rows: Vec<Vec<f32>> = table.to_vec2().unwrap();
        let set = |row: usize, k: usize, by: f32| {
            let mut rows = rows.clone();
            rows[row][k] += by;
            table
                .set(&Tensor::new(rows, &Device::Cpu).unwrap())
                .unwrap();
        };
        for (distance, &norm) in flow.first_input.iter().enumerate() {
            let row = 10 + steps - 1 - distance;
            let squares = (0..6).map(|k| {
                let step = 0.01;
                set(row, k, step);
                let above = loss();
                set(row, k, -step);
                let below = loss();
                ((above - below) / (2.0 * f64::from(step))).powi(2)
            });
            let expected = squares.sum::<f64>().sqrt();
            table
                .set(&Tensor::new(rows.clone(), &Device::Cpu).unwrap())
                .unwrap();
            assert!(
                (norm - expected).abs() < 0.02 * flow.first_input[0],
                "{architecture:?} at distance {distance}: {norm} {expected}"
            );
        }
    }
}

/// A sample of all but one of the tail classes must be close to the full softmax, and its gradient is the derivative of
/// its own loss (central differences).
#[test]
fn sampled_softmax_estimates_the_full_one() {
    let (rows, hidden, v) = (40, 10, 23usize);
    let value = |count, seed| {
        let mut g = SplitMix64::new(seed);
        (0..count).map(|_| g.normal() as f32).collect::<Vec<_>>()
    };
    let h = Tensor::from_vec(value(rows * hidden, 1), (rows, hidden), &Device::Cpu).unwrap();
    // Logits with a deviation of about 1: the log of an estimate is biased downwards by half its relative variance.
    let w: Vec<f32> = value(v * hidden, 2).into_iter().map(|w| 0.3 * w).collect();
    let w = Var::from_vec(w, (v, hidden), &Device::Cpu).unwrap();
    let b = Var::from_vec(value(v, 3), v, &Device::Cpu).unwrap();
    let targets = random_ids(rows, v as u32, 4);
    let loss = |softmax: &Softmax| {
        loss::cross_entropy(
            &h,
            &w,
            &b,
            &targets,
            softmax,
            MatmulPrecision::F32,
            loss::count(&targets),
        )
        .unwrap()
    };
    let scalar = |t: Tensor| f64::from(t.to_scalar::<f32>().unwrap());

    let full = scalar(loss(&Softmax::Full));
    let mean = (0..200)
        .map(|seed| scalar(loss(&Softmax::sampled(8, 10, v, seed))))
        .sum::<f64>()
        / 200.0;
    assert!((mean - full).abs() < 0.03, "{mean} estimates {full}");

    let softmax = Softmax::sampled(8, 5, v, 9);
    let gradients = loss(&softmax).backward().unwrap();
    for var in [&w, &b] {
        let gradient: Vec<f32> = gradients
            .get(var)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        let values: Vec<f32> = var.flatten_all().unwrap().to_vec1().unwrap();
        for at in (0..values.len()).step_by(7) {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[at] += by;
                var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap())
                    .unwrap();
                scalar(loss(&softmax))
            };
            let numeric = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            var.set(&Tensor::from_vec(values.clone(), var.shape(), &Device::Cpu).unwrap())
                .unwrap();
            assert!(
                (numeric - f64::from(gradient[at])).abs() < 2e-4,
                "{numeric} against {}",
                gradient[at]
            );
        }
    }
}

/// The basis of data-parallel training: losses and gradients of a batch's parts, all divided by the targets of the
/// whole batch, add up to those of the batch, even if a part is only padding.
#[test]
fn losses_of_parts_add_up_to_that_of_the_batch() {
    let (rows, hidden, v) = (24, 6, 23usize);
    let mut g = SplitMix64::new(1);
    let mut normal = |count| (0..count).map(|_| g.normal() as f32).collect::<Vec<_>>();
    let h = Tensor::from_vec(normal(rows * hidden), (rows, hidden), &Device::Cpu).unwrap();
    let w = Var::from_vec(normal(v * hidden), (v, hidden), &Device::Cpu).unwrap();
    let b = Var::from_vec(normal(v), v, &Device::Cpu).unwrap();
    let mut targets = random_ids(rows, v as u32, 4);
    targets[..7].fill(crate::tokenizer::TokenId::PAD.get());
    let divisor = loss::count(&targets);
    for softmax in [Softmax::Full, Softmax::sampled(8, 5, v, 9)] {
        // The loss and its gradient.
        let part = |from: usize, to: usize| {
            let loss = loss::cross_entropy(
                &h.narrow(0, from, to - from).unwrap(),
                &w,
                &b,
                &targets[from..to],
                &softmax,
                MatmulPrecision::F32,
                divisor,
            );
            let loss = loss.unwrap();
            let gradients = loss.backward().unwrap();
            let gradient = gradients.get(&w).unwrap().flatten_all().unwrap();
            [
                vec![loss.to_scalar().unwrap()],
                gradient.to_vec1::<f32>().unwrap(),
            ]
            .concat()
        };
        let whole = part(0, rows);
        let parts = [part(0, 7), part(7, 15), part(15, rows)];
        for (k, expected) in whole.into_iter().enumerate() {
            let sum: f32 = parts.iter().map(|part| part[k]).sum();
            assert!((sum - expected).abs() < 1e-5, "{k}: {sum} {expected}");
        }
        assert_eq!(parts[0][0].to_bits(), 0.0f32.to_bits());
    }
}

#[test]
fn one_batch_can_be_overfitted() {
    for architecture in ALL {
        let (model, vars) = fresh(&tiny(architecture), 7);
        let (steps, lanes) = (8, 2);
        let ids = Tensor::from_vec(
            random_ids(steps * lanes, 23, 8),
            (steps, lanes),
            &Device::Cpu,
        )
        .unwrap();
        let targets: Vec<u32> = random_ids(steps * lanes, 22, 9)
            .into_iter()
            .map(|x| x + 1)
            .collect();
        let state = model.zero_state(lanes).unwrap();
        let mut last = f32::INFINITY;
        for _ in 0..600 {
            let (hidden, _) = model
                .seq_training(&ids, &state, TrainingPass::default())
                .unwrap();
            let loss = model
                .loss(
                    &hidden,
                    &targets,
                    &Softmax::Full,
                    MatmulPrecision::F32,
                    loss::count(&targets),
                )
                .unwrap();
            last = loss.to_scalar().unwrap();
            let gradients = loss.backward().unwrap();
            for var in vars.values() {
                var.set(&(var.as_tensor() - (gradients.get(var).unwrap() * 1.0).unwrap()).unwrap())
                    .unwrap();
            }
        }
        assert!(last < 0.05, "{architecture:?} is still at {last}");
    }
}
