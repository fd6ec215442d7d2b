//! Compares the default model as served, in int8, with the same weights in f32 by Candle, on real files.

use std::fs;

use candle_core::{Device, Tensor};
use minicopilot::embedded;
use minicopilot::inference::{Engine, StateHistory};
use minicopilot::python::{START, lex, surface};

/// The ids of the most probable entries, in ascending order.
fn best(scores: &[f32], count: usize) -> Vec<usize> {
    let mut ids: Vec<usize> = (0..scores.len()).collect();
    ids.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    ids.truncate(count);
    ids.sort_unstable();
    ids
}

#[test]
fn the_default_model_answers_in_int8_as_in_f32() {
    let checkpoint = embedded::load(None).unwrap();
    let engine = Engine::of(&checkpoint, None).unwrap();
    let model = checkpoint.model(&Device::Cpu).unwrap();
    let (mut asked, mut same_first, mut same_five) = (0, 0, 0);
    for file in ["compare_lexer.py", "make_fixtures.py", "pytorch_model.py"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python");
        let text = fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let mut token_text = String::new();
        let mut ids = vec![checkpoint.vocabulary.id(START)];
        ids.extend(lex(&text).into_iter().map(|token| {
            surface(&text, token, &mut token_text);
            checkpoint.vocabulary.id(&token_text)
        }));
        let input = Tensor::from_iter(ids.iter().map(|id| id.get()), &Device::Cpu).unwrap();
        let zero = model.zero_state(1).unwrap();
        let (hidden, _) = model.seq(&input.unsqueeze(1).unwrap(), &zero).unwrap();
        let logits = model.logits(&hidden.squeeze(1).unwrap()).unwrap();
        let mut session = StateHistory::new();
        for (read, logits) in (1..).zip(logits.to_vec2::<f32>().unwrap()) {
            let answer = session.distribution(&engine, &ids[..read]).unwrap();
            let probabilities = answer.to_dense();
            asked += 1;
            same_first += usize::from(best(&probabilities, 1) == best(&logits, 1));
            same_five += usize::from(best(&probabilities, 5) == best(&logits, 5));
        }
    }
    assert!(asked > 1500, "{asked} places");
    assert!(same_first * 1000 >= asked * 995, "{same_first} of {asked}");
    assert!(same_five * 100 >= asked * 99, "{same_five} of {asked}");
}
