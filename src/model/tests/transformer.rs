//! The transformer's fused operations against plain Candle operations.

use super::*;
use crate::model::transformer;

/// Hidden states, next state and all gradients, with files that start in the middle of a pass, and after another pass.
#[test]
fn fused_blocks_equal_plain_ones() {
    let config = tiny(Architecture::Transformer);
    let (model, vars) = fresh(&config, 3);
    let (steps, lanes) = (150, 3); // longer than a block of queries and than every window
    let starts: Vec<bool> = random_ids(steps * lanes, 60, 5)
        .into_iter()
        .map(|x| x == 0)
        .collect();
    let training = TrainingPass {
        starts: Some(&starts),
        ..TrainingPass::default()
    };
    let input = |seed| {
        let ids = random_ids(steps * lanes, 23, seed);
        let ids = Tensor::from_vec(ids, (steps, lanes), &Device::Cpu).unwrap();
        model.embed(&ids).unwrap()
    };
    let (Body::Transformer(blocks), Memory::Transformer(zero)) =
        (&model.body, model.zero_state(lanes).unwrap().0)
    else {
        panic!("a transformer")
    };
    let (_, state) = transformer::run(blocks, &input(4), &zero, Some(training), true).unwrap();
    let x = input(6);
    let weights: Vec<f32> = random_ids(steps * lanes * 10, 200, 7)
        .into_iter()
        .map(|x| x as f32 / 100.0 - 1.0)
        .collect();
    let weights = Tensor::from_vec(weights, (steps, lanes, 10), &Device::Cpu).unwrap();
    let [fused, plain] = [false, true].map(|is_plain| {
        let (hidden, after) =
            transformer::run(blocks, &x, &state, Some(training), is_plain).unwrap();
        let loss = (&hidden * &weights).unwrap().sum_all().unwrap();
        (hidden, after.tensors().unwrap(), loss.backward().unwrap())
    });
    assert!(largest_difference(&fused.0, &plain.0) < 1e-5, "hidden");
    for (a, b) in fused.1.iter().zip(&plain.1) {
        assert!(largest_difference(a, b) < 1e-5, "state");
    }
    for (name, var) in vars.iter().filter(|(name, _)| *name != "output.bias") {
        let (a, b) = (fused.2.get(var).unwrap(), plain.2.get(var).unwrap());
        let scale = largest_difference(b, &b.zeros_like().unwrap());
        let difference = largest_difference(a, b) / scale;
        assert!(difference <= 1e-4, "gradient of {name}: {difference}");
    }
}
