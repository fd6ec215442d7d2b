//! The kernels agree with each other and with plain sums, the quantised network agrees with the f32 one, and a
//! history's results do not depend on what it has read before.

use candle_core::{Device, Tensor};
use half::f16;
use proptest::prelude::*;

use super::int8::kernel::pack;
use super::int8::matrix::{self, Activations, Matrix};
use super::snapshot_store::MAX_SNAPSHOTS;
use super::*;
use crate::model::{Architecture, Initialization, Model, SplitMix64, initial_parameters};

const VOCABULARY: u32 = 40;

fn config(architecture: Architecture, embedding_size: usize, hidden_size: usize) -> ModelConfig {
    ModelConfig {
        architecture,
        vocabulary_size: VOCABULARY as usize,
        embedding_size,
        hidden_size,
        dropout: 0.0,
        transformer: None,
    }
}

fn parameters(config: &ModelConfig) -> Parameters {
    initial_parameters(config, Initialization::Informed, 42, &[])
}

fn engine_with_cache(mean_hidden: &[f32]) -> Engine {
    let config = config(Architecture::ResidualLstm, 8, 16);
    Engine::new(&config, &parameters(&config), 1.0, Some(mean_hidden)).expect("engine")
}

fn engine() -> Engine {
    let config = config(Architecture::ResidualLstm, 8, 16);
    Engine::new(&config, &parameters(&config), 1.0, None).expect("engine")
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<TokenId> {
    numbers.into_iter().map(TokenId::new).collect()
}

/// Replaces a token by the next one of the vocabulary.
fn change(id: &mut TokenId) {
    *id = TokenId::new(id.get() + 1);
}

/// Numbers in -1..1.
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut generator = SplitMix64::new(seed);
    (0..count)
        .map(|_| (generator.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
        .collect()
}

/// The distributed weights are rounded and stored in f16: every weight must come back as the same integer.
#[test]
fn rounded_weights_survive_f16_and_rounding_again() {
    let (rows, columns) = (50, 300);
    let weights: Vec<f32> = random(rows * columns, 7)
        .chunks(columns)
        .enumerate()
        .flat_map(|(row, weights)| weights.iter().map(move |w| w * 0.9f32.powi(row as i32)))
        .collect();
    let once = matrix::rounded(&weights, columns);
    let stored: Vec<f32> = once.iter().map(|&w| f16::from_f32(w).to_f32()).collect();
    assert_eq!(matrix::rounded(&stored, columns), once);
    for (weights, rounded) in weights.chunks(columns).zip(once.chunks(columns)) {
        let largest = weights.iter().fold(0.0f32, |m, w| m.max(w.abs()));
        // Half a step, plus the rounding of the scale to f16.
        for (w, r) in weights.iter().zip(rounded) {
            assert!(
                (w - r).abs() <= largest * (0.5 / 127.0 + 1.0 / 2048.0),
                "{w} became {r}"
            );
        }
    }
}

#[test]
fn every_kernel_gives_the_sums_of_plain_loops() {
    for (panels, pairs, vectors) in [(1, 1, 1), (5, 7, 3), (9, 64, 4), (2, 256, 4), (4, 31, 1)] {
        let mut generator = SplitMix64::new(panels as u64);
        let mut next = |most: i64| generator.next_u64() as i64 % most;
        let weights: Vec<[i8; 32]> = (0..panels * pairs)
            .map(|_| std::array::from_fn(|_| next(128) as i8))
            .collect();
        let activations: Vec<[i16; 2]> = (0..vectors * pairs)
            .map(|_| std::array::from_fn(|_| next(16384) as i16))
            .collect();
        let packed: Vec<i32> = activations
            .iter()
            .map(|&[even, odd]| pack(even, odd))
            .collect();
        let plain = |panel: usize, vector: usize, row: usize| -> i32 {
            let columns = (0..pairs).flat_map(|pair| [(pair, 0), (pair, 1)]);
            columns
                .map(|(pair, k)| {
                    let weight = weights[panel * pairs + pair][2 * row + k];
                    i32::from(weight) * i32::from(activations[vector * pairs + pair][k])
                })
                .sum()
        };
        let slices: Vec<&[i32]> = packed.chunks_exact(pairs).collect();
        for kernel in Kernel::available() {
            let mut seen = 0;
            kernel.products(&weights, pairs, &slices, |panel, vector, sums| {
                for (row, &sum) in sums.iter().enumerate() {
                    assert_eq!(sum, plain(panel, vector, row), "{}", kernel.name());
                }
                seen += 1;
            });
            assert_eq!(seen, panels * vectors, "{}", kernel.name());
        }
    }
}

#[test]
fn products_are_those_of_the_quantised_numbers() {
    for (rows, columns, vectors) in [(1, 1, 1), (40, 10, 6), (33, 512, 5)] {
        let (w, x) = (random(rows * columns, 1), random(vectors * columns, 2));
        let matrix = Matrix::new(&w, columns);
        let mut activations = Activations::default();
        x.chunks_exact(columns).for_each(|x| activations.push(x));
        for kernel in Kernel::available() {
            let mut out = vec![0.5; vectors * rows];
            matrix.add_products(kernel, &activations, &mut out);
            for (index, out) in out.iter().enumerate() {
                let (w, x) = (
                    &w[index % rows * columns..][..columns],
                    &x[index / rows * columns..][..columns],
                );
                let exact: f32 = w.iter().zip(x).map(|(w, x)| w * x).sum();
                // Half a step of each weight, times |x|: at most 1/254 of the largest weight.
                let bound = x.iter().map(|x| x.abs()).sum::<f32>() / 254.0 + 1e-3;
                assert!((out - 0.5 - exact).abs() <= bound, "{out} {exact} {bound}");
            }
        }
    }
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    for columns in [512, 513, 2000] {
        let matrix = Matrix::new(&vec![1.0; columns], columns);
        let mut activations = Activations::default();
        activations.push(&vec![-1.0; columns]);
        for kernel in Kernel::available() {
            let mut out = [0.0];
            matrix.add_products(kernel, &activations, &mut out);
            assert!((out[0] / -(columns as f32) - 1.0).abs() < 1e-5, "{out:?}");
        }
    }
}

#[test]
fn every_architecture_answers_as_the_model_in_f32() {
    for architecture in [
        Architecture::Rnn,
        Architecture::Lstm,
        Architecture::ResidualLstm,
    ] {
        let config = config(architecture, 24, 50);
        let parameters = parameters(&config);
        let engine = Engine::new(&config, &parameters, 0.5, None).expect("engine");
        let model = Model::from_parameters(&config, &parameters, &Device::Cpu).expect("model");
        let numbers: Vec<u32> = (0..100).map(|k| k * k % VOCABULARY).collect();
        let ids = ids(numbers.iter().copied());
        let input = Tensor::new(&numbers[..], &Device::Cpu)
            .unwrap()
            .unsqueeze(1)
            .unwrap();
        let (hidden, _) = model.seq(&input, &model.zero_state(1).unwrap()).unwrap();
        let logits = (model.logits(&hidden).unwrap() / 0.5).unwrap();
        let all = candle_nn::ops::softmax_last_dim(&logits)
            .unwrap()
            .squeeze(1)
            .unwrap();
        let all: Vec<Vec<f32>> = all.to_vec2().unwrap();
        let plain = reference::distribution(&config, &parameters, 0.5, &ids).expect("parameters");
        for (plain, expected) in plain.iter().zip(&all[ids.len() - 1]) {
            assert!(
                (plain - expected).abs() < 1e-5,
                "{architecture:?}: {plain} {expected}"
            );
        }
        let mut session = StateHistory::new();
        for (read, expected) in (1..).zip(all) {
            let answer = session
                .distribution(&engine, &ids[..read])
                .expect("distribution");
            let largest = expected.iter().copied().fold(0.0, f32::max);
            for (ours, theirs) in answer.to_dense().iter().zip(expected) {
                assert!(
                    (ours - theirs).abs() < 0.02 * largest,
                    "{architecture:?}: {ours} {theirs}"
                );
            }
        }
    }
}

/// The largest difference from the distribution of a fresh history.
fn deviation(session: &mut StateHistory, engine: &Engine, context: &[TokenId]) -> f32 {
    let answer = session.distribution(engine, context).expect("distribution");
    let fresh = StateHistory::new()
        .distribution(engine, context)
        .expect("distribution");
    let (ours, theirs) = (answer.to_dense(), fresh.to_dense());
    assert!((theirs.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    let pairs = ours.iter().zip(&theirs);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Replaces tokens at one position, then requests a distribution at another.
#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    removed: usize,
    inserted: Vec<TokenId>,
    asked: prop::sample::Index,
    /// Blocks read ahead before the request, like a warm-up that was interrupted.
    warmed: usize,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let tokens = prop::collection::vec((0..VOCABULARY).prop_map(TokenId::new), 0..80);
    let edit = (
        any::<prop::sample::Index>(),
        0..60usize,
        tokens,
        any::<prop::sample::Index>(),
        0..4usize,
    )
        .prop_map(|(at, removed, inserted, asked, warmed)| Edit {
            at,
            removed,
            inserted,
            asked,
            warmed,
        });
    prop::collection::vec(edit, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn edits_leave_no_trace(edits in edits()) {
        let engine = engine();
        let mut session = StateHistory::new();
        let mut ids = ids([2]);
        for Edit { at, removed, inserted, asked, warmed } in edits {
            let at = at.index(ids.len());
            let end = ids.len().min(at + removed);
            ids.splice(at..end, inserted);
            if ids.is_empty() {
                ids.push(TokenId::new(2));
            }
            let left = std::cell::Cell::new(warmed);
            let stop = || left.replace(left.get().saturating_sub(1)) == 0;
            session.read(&engine, &ids, &stop).expect("read");
            let context = &ids[..=asked.index(ids.len())];
            // Stored states are rounded to 11 bits.
            prop_assert!(deviation(&mut session, &engine, context) < 1e-3);
        }
    }
}

/// How many tokens a request after `context` would read.
fn cost(session: &mut StateHistory, engine: &Engine, context: &[TokenId]) -> usize {
    session.read(engine, context, &|| true).expect("read");
    session.unread(engine, context)
}

#[test]
fn a_request_reads_only_what_changed() {
    let engine = engine();
    let mut session = StateHistory::new();
    let mut ids = ids((0..1000).map(|i| i % VOCABULARY));
    let mut ask = |ids: &[TokenId]| {
        let cost = cost(&mut session, &engine, ids);
        session.distribution(&engine, ids).expect("distribution");
        cost
    };
    assert_eq!(ask(&ids), 1000, "the first request reads everything");
    ids.push(TokenId::new(7));
    assert_eq!(ask(&ids), 1, "a new token");
    ids.pop();
    assert_eq!(ask(&ids), 0, "the token is deleted again");
    assert_eq!(
        ask(&ids[..500]),
        20,
        "the cursor moves up: reads from the snapshot at 480"
    );
    assert_eq!(ask(&ids), 0, "and back");
    change(&mut ids[990]);
    assert_eq!(
        ask(&ids),
        40,
        "a change at 990: reads from the snapshot at 960"
    );
    ids.insert(0, TokenId::new(3));
    assert_eq!(ask(&ids), 1001, "a change at the top: reads everything");
}

#[test]
fn a_very_long_document_keeps_few_states() {
    let engine = engine();
    let mut session = StateHistory::new();
    let ids = ids((0..100_000).map(|i| i % 37));
    session.read(&engine, &ids, &|| false).expect("read");
    let store = session.store.as_ref().expect("created by reading");
    assert!(store.len() <= MAX_SNAPSHOTS);
    assert!(cost(&mut session, &engine, &ids[..70_000]) < 128);
}

/// Also in a document so long that its first hidden states were dropped.
#[test]
fn similar_places_do_not_depend_on_earlier_requests() {
    let mean: Vec<f32> = random(16, 3).iter().map(|x| x / 4.0).collect();
    let engine = engine_with_cache(&mean);
    let mut ids = ids((0..20_000u32).map(|i| i.wrapping_mul(i) / 7 % 37));
    let mut session = StateHistory::new();
    let mut check = |ids: &[TokenId]| {
        let ask = |session: &mut StateHistory| {
            let answer = session.distribution(&engine, ids).expect("answer");
            session.similarities(&engine, ids, &answer)
        };
        let (ours, fresh) = (ask(&mut session), ask(&mut StateHistory::new()));
        assert_eq!(ours.first, fresh.first);
        assert_eq!(ours.first + ours.values.len(), ids.len());
        assert_eq!(ours.values.len(), fresh.values.len());
        for (a, b) in ours.values.iter().zip(&fresh.values) {
            assert!((a - b).abs() < 0.03 && (-1.01..1.01).contains(a), "{a} {b}");
        }
    };
    check(&ids[..1]);
    check(&ids[..300]);
    check(&ids);
    check(&ids[..5000]);
    check(&ids);
    change(&mut ids[6000]);
    check(&ids[..7000]);
    check(&ids[..40]);
    check(&ids);
    change(&mut ids[10]);
    check(&ids[..12]);
}

#[test]
fn what_is_far_behind_is_glimpsed() {
    let engine = engine_with_cache(&[0.0; 16]);
    let mut session = StateHistory::new();
    let mut ids = ids((0..20_000).map(|i| i * i % 37));
    let is_far = |session: &StateHistory, ids: &[TokenId]| {
        TruncatedContext::is_wanted(None, session.unread(&engine, ids))
    };
    assert!(is_far(&session, &ids) && !is_far(&session, &ids[..8000]));
    let mut glimpse = TruncatedContext::default();
    assert!(TruncatedContext::is_wanted(
        Some(&glimpse),
        session.unread(&engine, &ids[..8000])
    ));
    // Further tokens are read in the same window. The window moves when it has become twice as long, or when the cursor
    // moves back.
    for (length, first) in [
        (19_000, 17_976),
        (19_001, 17_976),
        (20_000, 17_976),
        (20_025, 19_001),
        (18_990, 17_966),
        (500, 1),
    ] {
        ids.resize(20_025, TokenId::new(1));
        let (answer, cosines) = glimpse.answer(&engine, &ids[..length]).expect("glimpse");
        assert_eq!(cosines.first + cosines.values.len(), length);
        let window = [&ids[..1], &ids[first..length]].concat();
        let alone = StateHistory::new()
            .distribution(&engine, &window)
            .expect("distribution");
        for (p, expected) in answer.to_dense().iter().zip(alone.to_dense()) {
            assert!((p - expected).abs() < 1e-3, "{length}: {p} {expected}");
        }
    }

    session.read(&engine, &ids, &|| false).expect("read");
    assert!(!is_far(&session, &ids));
    change(&mut ids[19_000]);
    assert!(
        !is_far(&session, &ids),
        "a change shortly before the cursor"
    );
    change(&mut ids[100]);
    assert!(is_far(&session, &ids) && !is_far(&session, &ids[..5000]));
}

#[test]
fn no_tokens_are_an_error() {
    assert!(matches!(
        TruncatedContext::default().answer(&engine(), &[]),
        Err(EngineError::EmptyContext)
    ));
    let answer = StateHistory::new().distribution(&engine(), &[]);
    assert!(matches!(answer, Err(EngineError::EmptyContext)));
}

#[test]
fn an_unknown_id_is_an_error() {
    let answer = StateHistory::new().distribution(&engine(), &ids([1, VOCABULARY]));
    assert!(matches!(answer, Err(EngineError::UnknownId(id)) if id.get() == VOCABULARY));
}
