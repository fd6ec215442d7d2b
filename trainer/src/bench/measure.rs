//! One turn of a benchmark: real training steps on synthetic batches.

use std::time::Instant;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor, Var};
use minicopilot::model::{MatmulPrecision, SplitMix64, initial_parameters, peak_rate};
use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::experiment::Experiment;
use crate::tasks::{LanguageModel, Phases};
use crate::training::{Learner, Solo};

/// Rows of the vocabulary that the contract prescribes.
pub(super) const VOCABULARY_SIZE: usize = 10_002;
/// Steps before the clock starts: the first ones allocate their memory from the system.
const WARM_UP: usize = 2;

/// The result of one turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Turn {
    pub(super) tokens_per_second: f64,
    pub(super) peak_memory_mib: f64,
    /// Rate of a single matrix product, see [`turn`]; not measured for PyTorch.
    #[serde(default)]
    pub(super) peak_gflops: Option<f64>,
    /// Share of the time per phase.
    #[serde(default)]
    pub(super) phases: Vec<(String, f64)>,
}

/// Trains for about `seconds`. On the CPU the peak is the rate of a matrix product on all threads whose operands fit
/// the cache; on a GPU it is the rate of a large product. GPU work is asynchronous, so phases are not timed there.
pub fn turn(
    experiment: &Experiment,
    precision: MatmulPrecision,
    device: &Device,
    seconds: f64,
) -> Result<Turn> {
    let mut experiment = experiment.clone();
    experiment.training.precision = precision;
    let config = experiment.model_config(VOCABULARY_SIZE);
    let parameters = initial_parameters(
        &config,
        experiment.training.initialization,
        experiment.training.seed,
        &[],
    );
    let parameters = parameters
        .into_iter()
        .map(|(name, parameter)| Ok((name, Var::from_tensor(&parameter.tensor(device)?)?)))
        .collect::<candle_core::Result<_>>()?;
    let task = LanguageModel::over(&experiment, VOCABULARY_SIZE, &parameters, device)?;
    let mut learner = Learner::new(task, parameters, &experiment.training, Box::new(Solo))?;
    let batch = batch(&experiment);
    let mut phases: Vec<(&'static str, f64)> = Vec::new();
    let (mut began, mut done) = (Instant::now(), 0);
    for step in 0.. {
        let result = learner.step(
            &batch,
            experiment.training.rate(step as u64, 0.0),
            step as u64,
        )?;
        if step < WARM_UP {
            began = Instant::now();
            continue;
        }
        done += result.tokens;
        add_up(&mut phases, result.phases);
        if began.elapsed().as_secs_f64() >= seconds {
            break;
        }
    }
    device.synchronize()?;
    let took = began.elapsed().as_secs_f64();
    if !device.is_cpu() {
        return Ok(Turn {
            tokens_per_second: done as f64 / took,
            peak_memory_mib: gpu_peak(device)?,
            peak_gflops: Some(product_rate(precision, device)? / 1e9),
            phases: Vec::new(),
        });
    }
    Ok(Turn {
        tokens_per_second: done as f64 / took,
        peak_memory_mib: peak_memory()?,
        peak_gflops: Some(peak_rate(precision) / 1e9),
        phases: phases
            .into_iter()
            .map(|(name, seconds)| (name.to_owned(), seconds / took))
            .collect(),
    })
}

/// Adds the phases of a step to the totals.
fn add_up(sums: &mut Vec<(&'static str, f64)>, step: Phases) {
    for (k, (name, seconds)) in step.seconds.into_iter().enumerate() {
        match sums.get_mut(k) {
            Some((_, sum)) => *sum += seconds,
            None => sums.push((name, seconds)),
        }
    }
}

/// Tokens with a Zipf distribution: the k-th most frequent occurs with probability proportional to 1 / k.
fn batch(experiment: &Experiment) -> Batch {
    let (steps, lanes) = (experiment.training.steps, experiment.training.lanes);
    let mut generator = SplitMix64::new(experiment.training.seed);
    let mut ids = || {
        let most = ((VOCABULARY_SIZE - 2) as f64).ln();
        (0..steps * lanes)
            .map(|_| 1 + (generator.uniform() * most).exp() as u32)
            .collect::<Vec<u32>>()
    };
    Batch {
        steps,
        lanes,
        inputs: ids(),
        targets: ids(),
        starts: vec![false; steps * lanes],
    }
}

/// Peak resident memory of this process, in MiB.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("peak memory needs /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.context("/proc/self/status has no VmHWM")? / 1024.0)
}

/// FLOP/s of a large matrix product.
fn product_rate(precision: MatmulPrecision, device: &Device) -> Result<f64> {
    const SIDE: usize = 8192;
    const PRODUCTS: usize = 20;
    let dtype = match precision {
        MatmulPrecision::F32 => DType::F32,
        MatmulPrecision::Bf16 => DType::BF16,
    };
    // Random values: a GPU multiplies constant matrices faster.
    let a = Tensor::randn(0f32, 1.0, (SIDE, SIDE), device)?.to_dtype(dtype)?;
    a.matmul(&a)?;
    device.synchronize()?;
    let began = Instant::now();
    for _ in 0..PRODUCTS {
        a.matmul(&a)?;
    }
    device.synchronize()?;
    Ok((PRODUCTS * 2 * SIDE.pow(3)) as f64 / began.elapsed().as_secs_f64())
}

#[cfg(feature = "cuda")]
fn gpu_peak(device: &Device) -> Result<f64> {
    Ok(crate::memory::peak_gpu_memory(device)?)
}

#[cfg(not(feature = "cuda"))]
fn gpu_peak(_: &Device) -> Result<f64> {
    anyhow::bail!("built without CUDA")
}
