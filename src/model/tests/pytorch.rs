//! Compares logits, loss and gradients with PyTorch's, from fixtures.

use super::*;

/// A fixture from `tests/python/make_fixtures.py`: PyTorch's parameters, inputs and results.
struct Fixture {
    architecture: Architecture,
    tensors: HashMap<String, Tensor>,
}

/// Largest differences from PyTorch: of a logit, relative to the largest one if that is above 1, of the loss, and of a gradient
/// relative to its tensor's largest value.
#[derive(Debug)]
struct Differences {
    logits: f32,
    loss: f32,
    gradient: f32,
}

impl Fixture {
    fn load(architecture: Architecture) -> Self {
        let bytes: &[u8] = match architecture {
            Architecture::Rnn => include_bytes!("../fixtures/rnn.safetensors"),
            Architecture::Lstm => include_bytes!("../fixtures/lstm.safetensors"),
            Architecture::ResidualLstm => include_bytes!("../fixtures/residual_lstm.safetensors"),
            Architecture::Transformer => include_bytes!("../fixtures/transformer.safetensors"),
        };
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).unwrap();
        Self {
            architecture,
            tensors,
        }
    }

    fn ids(&self, name: &str) -> Tensor {
        self.tensors[name].to_dtype(DType::U32).unwrap()
    }

    /// Runs our model on the fixture, with parameters modified by `change`.
    fn differences(
        &self,
        precision: MatmulPrecision,
        change: impl Fn(&str, Tensor) -> Tensor,
    ) -> Differences {
        let config = tiny(self.architecture);
        let parameters = config.parameters().into_iter().map(|(name, _)| {
            let tensor = change(&name, self.tensors[&name].clone());
            (name, tensor)
        });
        let (model, vars) = variables(&config, parameters);
        let state: Vec<Tensor> = (0..)
            .map_while(|k| self.tensors.get(&format!("state.{k}")).cloned())
            .collect();
        let state = if state.is_empty() {
            model.zero_state(2).unwrap()
        } else {
            State::from_tensors(&state).unwrap()
        };
        let targets: Vec<u32> = self
            .ids("targets")
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();

        let training = TrainingPass {
            precision,
            ..TrainingPass::default()
        };
        let (hidden, _) = model
            .seq_training(&self.ids("ids"), &state, training)
            .unwrap();
        let logits = model.logits(&hidden).unwrap();
        let loss = model
            .loss(
                &hidden,
                &targets,
                &Softmax::Full,
                precision,
                loss::count(&targets),
            )
            .unwrap();
        let gradients = loss.backward().unwrap();
        let gradient = vars.iter().map(|(name, var)| {
            let (ours, theirs) = (
                gradients.get(var).unwrap(),
                &self.tensors[&format!("gradient.{name}")],
            );
            largest_difference(ours, theirs)
                / largest_difference(theirs, &theirs.zeros_like().unwrap())
        });
        Differences {
            logits: {
                let expected = &self.tensors["logits"];
                let scale = largest_difference(expected, &expected.zeros_like().unwrap());
                largest_difference(&logits, expected) / scale.max(1.0)
            },
            loss: largest_difference(&loss.reshape(1).unwrap(), &self.tensors["loss"]),
            gradient: gradient.fold(0.0, f32::max),
        }
    }
}

impl Differences {
    fn agree(&self, tolerance: f32) -> bool {
        self.logits <= tolerance && self.loss <= tolerance && self.gradient <= tolerance
    }
}

/// Rounding a factor to bf16 changes it by at most 2^-9 of itself, a product of two by 2^-8. The errors have no common
/// sign, so they do not accumulate in sums of products; they do accumulate with depth, here two layers through a
/// hundred steps and back. Four times the error of one product allows for that, but not for a wrong equation (see the
/// test below).
const BF16_TOLERANCE: f32 = 1.0 / 64.0;

#[test]
fn results_match_pytorch() {
    for architecture in ALL {
        for (precision, tolerance) in [
            (MatmulPrecision::F32, 1e-4),
            (MatmulPrecision::Bf16, BF16_TOLERANCE),
        ] {
            let differences =
                Fixture::load(architecture).differences(precision, |_, tensor| tensor);
            println!("{architecture:?} {precision:?}: {differences:?}");
            assert!(
                differences.agree(tolerance),
                "{architecture:?} {precision:?}: {differences:?}"
            );
        }
    }
}

/// The comparison detects swapped gates and a missing bias.
#[test]
fn the_comparison_with_pytorch_can_fail() {
    let swapped = |name: &str, t: Tensor| {
        if !name.contains("weight_hh") {
            return t;
        }
        let [i, f, g, o] = t.chunk(4, 0).unwrap().try_into().unwrap();
        Tensor::cat(&[f, i, g, o], 0).unwrap()
    };
    for architecture in [Architecture::Lstm, Architecture::ResidualLstm] {
        assert!(
            !Fixture::load(architecture)
                .differences(MatmulPrecision::Bf16, swapped)
                .agree(BF16_TOLERANCE),
            "{architecture:?}: gates swapped"
        );
    }
    for architecture in RECURRENT {
        for bias in ["bias_ih", "bias_hh", "output.bias"] {
            let dropped = |name: &str, t: Tensor| {
                if name.contains(bias) {
                    t.zeros_like().unwrap()
                } else {
                    t
                }
            };
            assert!(
                !Fixture::load(architecture)
                    .differences(MatmulPrecision::Bf16, dropped)
                    .agree(BF16_TOLERANCE),
                "{architecture:?} without {bias}"
            );
        }
    }
    let without = |part: &'static str| {
        move |name: &str, t: Tensor| {
            if name.contains(part) {
                t.zeros_like().unwrap()
            } else {
                t
            }
        }
    };
    for part in ["gain", "layers.1.attention", "up.weight", "output.bias"] {
        assert!(
            !Fixture::load(Architecture::Transformer)
                .differences(MatmulPrecision::Bf16, without(part))
                .agree(BF16_TOLERANCE),
            "transformer without {part}"
        );
    }
}
