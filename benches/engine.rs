//! Inference benchmark: one token, one distribution, and a prefix of 1,000 tokens, by kernel. Reports time and weight
//! bandwidth in bytes per second, next to the memory's: a sum over the same number of bytes, cached as the weights are,
//! and over 256 MiB, which do not fit the cache.
//!
//! The model is `models/default`; tokens are drawn from a Zipf distribution, roughly as skewed as Python's.

use std::hint;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use minicopilot::context::BufferTokens;
use minicopilot::inference::{Engine, StateHistory};
use minicopilot::model::SplitMix64;
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::prediction::Mixture;
use minicopilot::tokenizer::TokenId;

#[expect(clippy::too_many_lines, reason = "one list of benchmarks")]
fn bench(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default");
    let checkpoint = Checkpoint::load(&folder).expect("models/default");
    let config = &checkpoint.config;
    let new_engine = |mean_hidden| {
        let parameters = checkpoint.parameters();
        Engine::new(&config.model, parameters, config.temperature, mean_hidden).expect("engine")
    };
    let mut engine = new_engine(None);
    let (step, output) = engine.bytes_read();
    // The density of an id falls as its reciprocal: Zipf's law.
    let mut generator = SplitMix64::new(42);
    let mut ids = || {
        let uniform = (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        TokenId::at((config.model.vocabulary_size as f64).powf(uniform) as usize)
    };
    let text: Vec<TokenId> = (0..1000).map(|_| ids()).collect();

    let mut group = criterion.benchmark_group("engine");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_secs(1));
    for bytes in [step + output, 256 << 20] {
        let memory: Vec<u64> = (0..bytes as u64 / 8).collect();
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(
            BenchmarkId::new("memory", format!("{:.0} MB", bytes as f64 / 1e6)),
            |bencher| {
                bencher.iter(|| {
                    hint::black_box(&memory[..])
                        .iter()
                        .fold(0u64, |sum, x| sum.wrapping_add(*x))
                });
            },
        );
    }
    for kernel in Engine::kernels() {
        assert!(engine.choose_kernel(kernel), "{kernel}");
        group.throughput(Throughput::Bytes(step as u64));
        group.bench_function(BenchmarkId::new("one token", kernel), |bencher| {
            let (mut session, mut read) = (StateHistory::new(), text.clone());
            session.read(&engine, &read, &|| false).expect("read");
            bencher.iter(|| {
                read.push(ids());
                session.read(&engine, &read, &|| false)
            });
        });
        group.throughput(Throughput::Bytes(output as u64));
        group.bench_function(BenchmarkId::new("one distribution", kernel), |bencher| {
            let (mut session, mut read) = (StateHistory::new(), text.clone());
            bencher.iter_custom(|times| {
                let one = |_| {
                    read.push(ids());
                    session.read(&engine, &read, &|| false).expect("read");
                    let began = Instant::now();
                    hint::black_box(session.distribution(&engine, &read).expect("distribution"));
                    began.elapsed()
                };
                (0..times).map(one).sum()
            });
        });
        group.throughput(Throughput::Elements(1000));
        group.bench_function(BenchmarkId::new("1000 tokens", kernel), |bencher| {
            bencher.iter(|| StateHistory::new().read(&engine, &text, &|| false));
        });
    }
    if let Some(mixture) = Mixture::of(&checkpoint).expect("gate") {
        let engine = new_engine(Some(mixture.mean_hidden()));
        let text: Vec<TokenId> = (0..4000).map(|_| ids()).collect();
        let (mut session, mut document) = (StateHistory::new(), BufferTokens::new());
        for &id in &text {
            document.push(id, "", true, None);
        }
        let answer = session.distribution(&engine, &text).expect("answer");
        let similarities = || session.similarities(&engine, &text, &answer);
        let similar = similarities();
        let prediction = mixture.predict(&document, &answer, &similar);
        group.throughput(Throughput::Elements(1));
        group.bench_function("4000 similarities", |bencher| bencher.iter(similarities));
        group.bench_function("one mixture behind 4000 tokens", |bencher| {
            bencher.iter(|| mixture.predict(&document, &answer, &similar));
        });
        group.bench_function("one ranking of everything", |bencher| {
            let space = prediction.space(&document);
            bencher.iter(|| mixture.rank(&prediction, &space, &answer, prediction.candidates(), 5));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
