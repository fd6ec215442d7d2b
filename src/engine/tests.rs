//! A session that has seen anything answers as one that has seen nothing.

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use proptest::prelude::*;

use super::session::MOST_MILESTONES;
use super::*;
use crate::model::{Architecture, Initialization, ModelConfig, initial_parameters};

const VOCABULARY: u32 = 40;

fn engine() -> Engine {
    let config = ModelConfig {
        architecture: Architecture::ResidualLstm,
        vocabulary_size: VOCABULARY as usize,
        embedding_size: 8,
        hidden_size: 16,
        dropout: 0.0,
    };
    let parameters = initial_parameters(&config, Initialization::Informed, 42, &[], &Device::Cpu)
        .expect("parameters");
    let vb = VarBuilder::from_tensors(parameters.into_iter().collect(), DType::F32, &Device::Cpu);
    Engine::new(Model::new(&config, &vb).expect("model"), 1.0)
}

/// The largest difference from what a fresh session says.
fn deviation(session: &mut Session, engine: &Engine, context: &[u32]) -> f32 {
    let answer = session.distribution(engine, context).expect("distribution");
    let fresh = Session::new()
        .distribution(engine, context)
        .expect("distribution");
    assert!((fresh.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    answer
        .iter()
        .zip(fresh.iter())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Replaces tokens somewhere and asks somewhere.
#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    removed: usize,
    inserted: Vec<u32>,
    asked: prop::sample::Index,
    /// Blocks read ahead before the question, as a warm-up that was interrupted would.
    warmed: usize,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let tokens = prop::collection::vec(0..VOCABULARY, 0..80);
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
        let mut session = Session::new();
        let mut ids = vec![2];
        for Edit { at, removed, inserted, asked, warmed } in edits {
            let at = at.index(ids.len());
            let end = ids.len().min(at + removed);
            ids.splice(at..end, inserted);
            if ids.is_empty() {
                ids.push(2);
            }
            let left = std::cell::Cell::new(warmed);
            let stop = || left.replace(left.get().saturating_sub(1)) == 0;
            session.read(&engine, &ids, &stop).expect("read");
            let context = &ids[..=asked.index(ids.len())];
            prop_assert!(deviation(&mut session, &engine, context) < 1e-5);
        }
    }
}

/// How many tokens a question after `context` would read.
fn cost(session: &mut Session, engine: &Engine, context: &[u32]) -> usize {
    session.read(engine, context, &|| true).expect("read");
    context.len()
        - session
            .nearest(engine, context.len())
            .expect("nearest")
            .read
}

#[test]
fn a_question_costs_what_changed() {
    let engine = engine();
    let mut session = Session::new();
    let mut ids: Vec<u32> = (0..1000).map(|i| i % VOCABULARY).collect();
    let mut ask = |ids: &[u32]| {
        let cost = cost(&mut session, &engine, ids);
        session.distribution(&engine, ids).expect("distribution");
        cost
    };
    assert_eq!(ask(&ids), 1000, "the first question reads everything");
    ids.push(7);
    assert_eq!(ask(&ids), 1, "a new token");
    ids.pop();
    assert_eq!(ask(&ids), 0, "the token deleted again");
    assert_eq!(
        ask(&ids[..500]),
        20,
        "the cursor further up: from the milestone at 480"
    );
    assert_eq!(ask(&ids), 0, "and back");
    ids[990] += 1;
    assert_eq!(ask(&ids), 40, "a change at 990: from the milestone at 960");
    ids.insert(0, 3);
    assert_eq!(ask(&ids), 1001, "a change at the top: everything");
}

#[test]
fn a_very_long_document_keeps_few_states() {
    let engine = engine();
    let mut session = Session::new();
    let ids: Vec<u32> = (0..100_000).map(|i| i % 37).collect();
    session.read(&engine, &ids, &|| false).expect("read");
    assert!(session.milestones.len() <= MOST_MILESTONES);
    assert!(cost(&mut session, &engine, &ids[..70_000]) < 128);
}

#[test]
fn no_tokens_are_an_error() {
    let answer = Session::new().distribution(&engine(), &[]);
    assert!(matches!(answer, Err(EngineError::EmptyContext)));
}
