//! Compares the GPU operations with the fused CPU operations, and the kernels, compiled as C for the CPU, with their
//! Rust versions. With `--features cuda`, the first test runs on the GPU.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;

use super::super::dropout::dropout;
use super::super::fused::Weights;
use super::super::layer_state::LayerState;
use super::super::loss;
use super::super::{
    Architecture, Initialization, MatmulPrecision, Model, ModelConfig, Softmax, SplitMix64,
    TrainingPass, initial_parameters,
};
use super::{lstm, output};

const VOCABULARY: usize = 23;
const HIDDEN: usize = 10;
const STEPS: usize = 12;
const LANES: usize = 5;

fn device() -> Device {
    if cfg!(feature = "cuda") {
        Device::new_cuda(0).unwrap()
    } else {
        Device::Cpu
    }
}

fn ids(count: usize, below: usize, seed: u64) -> Vec<u32> {
    let mut generator = SplitMix64::new(seed);
    (0..count)
        .map(|_| (generator.next_u64() % below as u64) as u32)
        .collect()
}

fn normal(count: usize, seed: u64) -> Vec<f32> {
    let mut generator = SplitMix64::new(seed);
    (0..count).map(|_| generator.normal() as f32).collect()
}

/// Largest difference relative to the largest value.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b
        .iter()
        .fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn losses_and_gradients_match_the_fused_operations() {
    let config = ModelConfig {
        architecture: Architecture::ResidualLstm,
        vocabulary_size: VOCABULARY,
        embedding_size: 6,
        hidden_size: HIDDEN,
        dropout: 0.0,
        transformer: None,
    };
    let parameters = initial_parameters(&config, Initialization::Pytorch, 3, &[]);
    let starts: Vec<bool> = ids(STEPS * LANES, 6, 5).iter().map(|&x| x == 0).collect();
    let inputs = ids(STEPS * LANES, VOCABULARY, 4);
    let targets = ids(STEPS * LANES, VOCABULARY, 6); // some are 0, which is <PAD>
    let state = |layer: u64, device: &Device| {
        let part =
            |seed| Tensor::from_vec(normal(LANES * HIDDEN, seed), (LANES, HIDDEN), device).unwrap();
        LayerState::new(&part(10 + layer), Some(&part(20 + layer)))
    };
    let variables = |device: &Device| -> BTreeMap<String, Var> {
        let parameters = parameters.iter();
        parameters
            .map(|(name, t)| {
                let t = t.tensor(device).unwrap();
                (name.clone(), Var::from_tensor(&t).unwrap())
            })
            .collect()
    };

    let expected = {
        let vars = variables(&Device::Cpu);
        let tensors = vars.iter().map(|(n, v)| (n.clone(), v.as_tensor().clone()));
        let vb = VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu);
        let model = Model::new(&config, &vb).unwrap();
        let ids = Tensor::from_slice(&inputs, (STEPS, LANES), &Device::Cpu).unwrap();
        let [first, second] = [0, 1].map(|layer| state(layer, &Device::Cpu));
        let before: Vec<Tensor> = first.tensors().chain(second.tensors()).cloned().collect();
        let training = TrainingPass {
            starts: Some(&starts),
            ..TrainingPass::default()
        };
        let before = super::super::State::from_tensors(&before).unwrap();
        let (hidden, after) = model.seq_training(&ids, &before, training).unwrap();
        let loss = model
            .loss(
                &hidden,
                &targets,
                &Softmax::Full,
                MatmulPrecision::F32,
                loss::count(&targets),
            )
            .unwrap();
        let gradients = loss.backward().unwrap();
        let mut all = vec![("loss".to_owned(), flat(&loss))];
        all.extend(
            after
                .tensors()
                .unwrap()
                .iter()
                .map(|t| ("state".to_owned(), flat(t))),
        );
        all.extend(
            vars.iter()
                .map(|(n, v)| (n.clone(), flat(gradients.get(v).unwrap()))),
        );
        all
    };

    let device = device();
    let vars = variables(&device);
    let weights = |layer: &str| {
        let get = |name: &str| vars[&format!("{layer}.{name}_l0")].as_tensor().clone();
        Weights {
            input: get("weight_ih"),
            recurrent: get("weight_hh"),
            bias_input: get("bias_ih"),
            bias_recurrent: get("bias_hh"),
        }
    };
    // On a CPU both precisions compute in f32. On a GPU bf16 rounds factors and logits to 2^-9 and TF32 to 2^-11, and
    // the errors pass through two layers and a dozen steps.
    let precisions: &[(MatmulPrecision, f32)] = if cfg!(feature = "cuda") {
        &[(MatmulPrecision::F32, 2e-5), (MatmulPrecision::Bf16, 2e-2)]
    } else {
        &[(MatmulPrecision::F32, 2e-5)]
    };
    for &(precision, tolerance) in precisions {
        let layer = |x: &Tensor, name: &str, index: u64| {
            let state = state(index, &device);
            super::allow_tf32(precision);
            lstm::seq(x, &weights(name), &state, Some(&starts)).unwrap()
        };
        let ids = Tensor::from_slice(&inputs, STEPS * LANES, &device).unwrap();
        let x = super::lookup(vars["embedding.weight"].as_tensor(), &ids).unwrap();
        let (h1, s1) = layer(&x.reshape((STEPS, LANES, 6)).unwrap(), "lstm1", 0);
        let (h2, s2) = layer(&h1, "lstm2", 1);
        let hidden = (h1 + h2).unwrap().reshape(((), HIDDEN)).unwrap();
        let [w, b] = ["output.weight", "output.bias"].map(|name| vars[name].as_tensor());
        // Chunks of 16 rows: three full ones and a remainder.
        let loss = output::in_chunks(
            16,
            &hidden,
            w,
            b,
            &targets,
            precision,
            loss::count(&targets),
        )
        .unwrap();
        let gradients = loss.backward().unwrap();
        let mut all = vec![flat(&loss)];
        all.extend(s1.tensors().chain(s2.tensors()).map(flat));
        all.extend(vars.values().map(|v| flat(gradients.get(v).unwrap())));
        assert_eq!(all.len(), expected.len());
        for (ours, (name, expected)) in all.iter().zip(&expected) {
            let difference = difference(ours, expected);
            assert!(difference < tolerance, "{precision:?} {name}: {difference}");
        }
    }
}

/// `kernels.cu` as a program, see `emulate.c`.
struct Emulator {
    _folder: tempfile::TempDir,
    program: PathBuf,
}

impl Emulator {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("emulate");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/gpu/emulate.c");
        let compiled = Command::new("cc")
            .args([
                "-O1",
                "-Wall",
                "-Wno-unused-function",
                "-Werror",
                "-pthread",
            ])
            .arg("-o")
            .args([&program, &source])
            .arg("-lm")
            .status()
            .expect("this test needs a C compiler, which Rust's linker is one of: cc");
        assert!(compiled.success(), "kernels.cu does not compile as C");
        Self {
            _folder: folder,
            program,
        }
    }

    /// The first array after running the kernel in blocks of 8 threads.
    fn run(&self, kernel: &str, blocks: usize, arrays: &[&[u8]], numbers: &str) -> Vec<u8> {
        let bytes: Vec<String> = arrays.iter().map(|array| array.len().to_string()).collect();
        let mut child = Command::new(&self.program)
            .args([kernel, &blocks.to_string(), &bytes.join(","), numbers])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = arrays.concat();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success(), "{kernel}: {}", output.status);
        output.stdout
    }

    /// Runs one thread per element on f32 arrays, and compares with the Rust result.
    fn check(&self, kernel: &str, count: usize, arrays: &[&[u8]], numbers: &str, rust: &Tensor) {
        let ours = f32_values(&self.run(kernel, count.div_ceil(8), arrays, numbers));
        let difference = difference(&ours, &flat(rust));
        assert!(difference < 1e-6, "{kernel}: {difference}");
    }
}

fn bytes<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&x| to_bytes(x)).collect()
}

fn f32_bytes(tensor: &Tensor) -> Vec<u8> {
    bytes(&flat(tensor), f32::to_le_bytes)
}

fn u32_bytes(tensor: &Tensor) -> Vec<u8> {
    bytes(&tensor.to_vec1().unwrap(), u32::to_le_bytes)
}

fn f32_values(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

fn random(shape: &[usize], seed: u64) -> Tensor {
    let values = normal(shape.iter().product(), seed);
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn lstm_kernels_match_their_rust_versions() {
    let emulator = Emulator::new();
    let sizes = lstm::Sizes {
        steps: STEPS,
        lanes: LANES,
        hidden: HIDDEN,
    };
    let cells = LANES * HIDDEN;
    let saved = random(&[(STEPS + 1) * 6 * cells], 1);
    let projected = random(&[STEPS * LANES, 4 * HIDDEN], 2);
    let keep = ids(STEPS * LANES, 3, 3).into_iter();
    let keep = Tensor::from_iter(keep.map(|x| f32::from(u8::from(x > 0))), &Device::Cpu).unwrap();
    for step in [0, 4, STEPS - 1] {
        let recurrent = random(&[LANES, 4 * HIDDEN], 4);
        let after = saved.force_contiguous().unwrap();
        let bias = random(&[4 * HIDDEN], 8);
        let arrays = [&after, &projected, &recurrent, &bias, &keep].map(f32_bytes);
        let kernel = lstm::Forward {
            bias: &bias,
            keep: &keep,
            step,
            sizes,
        };
        after.inplace_op3(&projected, &recurrent, &kernel).unwrap();
        let numbers = format!("{step},{LANES},{HIDDEN}");
        emulator.check(
            "lstm_forward",
            cells,
            &arrays.each_ref().map(|a| &a[..]),
            &numbers,
            &after,
        );

        let d = random(&[STEPS * 4 * cells + cells], 5);
        let recurrent = random(&[LANES, HIDDEN], 7);
        let d_outputs = random(&[STEPS, LANES, HIDDEN], 6);
        let arrays = [&d, &saved, &recurrent, &d_outputs, &keep].map(f32_bytes);
        let kernel = lstm::Backward {
            d_outputs: &d_outputs,
            keep: &keep,
            step,
            sizes,
        };
        d.inplace_op3(&saved, &recurrent, &kernel).unwrap();
        let numbers = format!("{step},{STEPS},{LANES},{HIDDEN}");
        emulator.check(
            "lstm_backward",
            cells,
            &arrays.each_ref().map(|a| &a[..]),
            &numbers,
            &d,
        );
    }
}

#[test]
fn softmax_kernels_match_their_rust_versions() {
    const ROWS: usize = 9;
    let emulator = Emulator::new();
    let bias = random(&[VOCABULARY], 9);
    let targets = Tensor::new(ids(ROWS, VOCABULARY, 10), &Device::Cpu).unwrap();
    let (bias_bytes, target_bytes) = (f32_bytes(&bias), u32_bytes(&targets));
    for is_bf16 in [false, true] {
        let suffix = if is_bf16 { "bf16" } else { "f32" };
        let dtype = if is_bf16 { DType::BF16 } else { DType::F32 };
        let logits = (random(&[ROWS, VOCABULARY], 8) * 4.0).unwrap();
        let logits = logits
            .to_dtype(dtype)
            .unwrap()
            .to_dtype(DType::F32)
            .unwrap(); // the kernel's arguments
        let logit_bytes = if is_bf16 {
            bytes(&flat(&logits), |x| half::bf16::from_f32(x).to_le_bytes())
        } else {
            f32_bytes(&logits)
        };
        let statistics = Tensor::zeros((ROWS, 2), DType::F32, &Device::Cpu).unwrap();
        let empty = f32_bytes(&statistics);
        let kernel = output::Statistics { targets: &targets };
        statistics.inplace_op3(&logits, &bias, &kernel).unwrap();
        let arrays = [&empty[..], &logit_bytes, &bias_bytes, &target_bytes];
        let name = format!("softmax_statistics_{suffix}");
        // One block per row.
        emulator.check(
            &name,
            8 * ROWS,
            &arrays,
            &VOCABULARY.to_string(),
            &statistics,
        );

        let kernel = output::Gradient {
            targets: &targets,
            scale: 0.125,
        };
        logits.inplace_op3(&statistics, &bias, &kernel).unwrap();
        let statistics = f32_bytes(&statistics);
        let arrays = [&logit_bytes[..], &statistics, &bias_bytes, &target_bytes];
        let name = format!("softmax_gradient_{suffix}");
        let numbers = format!("0.125,{VOCABULARY}");
        if is_bf16 {
            let ours = emulator.run(&name, ROWS, &arrays, &numbers);
            let (halves, _) = ours.as_chunks::<2>();
            let rounded = flat(&logits).into_iter().map(half::bf16::from_f32);
            for (half, expected) in halves.iter().zip(rounded) {
                let (ours, expected) =
                    (half::bf16::from_le_bytes(*half).to_f32(), expected.to_f32());
                // The exponentials may differ by one or two ulps, which can change a rounding to bf16 by one.
                assert!(
                    (ours - expected).abs() <= expected.abs() / 128.0,
                    "{name}: {ours} {expected}"
                );
            }
        } else {
            emulator.check(&name, 8 * ROWS, &arrays, &numbers, &logits);
        }
    }
}

#[test]
fn dropout_and_embedding_kernels_match_their_rust_versions() {
    let emulator = Emulator::new();
    let x = random(&[3, 33], 14);
    let (seed, probability) = (15, 0.3);
    let dropped = dropout(&x, probability, seed).unwrap();
    let arrays = [&vec![0; 99 * 4][..], &f32_bytes(&x)];
    let threshold = (probability * f64::from(u32::MAX)) as u32;
    let numbers = format!("99,{threshold},{:.9},{seed}", 1.0 / (1.0 - probability));
    emulator.check("dropout", 99, &arrays, &numbers, &dropped);

    let (table, rows) = (random(&[VOCABULARY, 6], 11), random(&[40, 6], 12));
    let chosen = Tensor::new(ids(40, VOCABULARY, 13), &Device::Cpu).unwrap();
    let arrays = [f32_bytes(&table), u32_bytes(&chosen), f32_bytes(&rows)];
    let sums = table.index_add(&chosen, &rows, 0).unwrap();
    let arrays = arrays.each_ref().map(|a| &a[..]);
    emulator.check("embedding_gradient", 40 * 6, &arrays, "40,6", &sums);
}
