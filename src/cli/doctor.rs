//! `minicopilot doctor`: diagnostics to paste into a bug report.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;

use super::output::print;
use crate::inference::{Engine, StateHistory, reference};
use crate::model::checkpoint::Checkpoint;
use crate::python;
use crate::tokenizer::TokenId;

/// Text for testing and timing.
const TEXT: &str = "import os\n\n\ndef main(argv=None):\n    for name in sorted(os.listdir('.')):\n        print(name)\n";
const TOKENS: usize = 1000;
/// How often operations that take microseconds are repeated. The fastest run counts, to exclude other load on the machine.
const REPETITIONS: usize = 50;
/// Largest accepted difference between int8 and f32 outputs. The largest of a hundred thousand differences on real text was
/// .08.
const TOLERANCE: f32 = 0.1;

/// Loads the model with `load`, tests it with every kernel, and prints a report.
#[expect(
    clippy::too_many_lines,
    reason = "a list of checks, each reported when it finishes"
)]
pub fn run(load: impl FnOnce() -> anyhow::Result<Checkpoint>) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let checkpoint = load()?;
    let config = &checkpoint.config;
    let mut engine = Engine::of(&checkpoint, None)?;
    let loaded = began.elapsed();
    let ids = ids(&checkpoint);

    let mut report = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(report, "{name:<18}{value}"); // to a string cannot fail
    };
    line(
        "minicopilot",
        format!(
            "{} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    );
    line(
        "model",
        format!(
            "{}, {} parameters, weights {:.12}",
            config.model.architecture,
            config.model.parameter_count(),
            config.fingerprints.weights
        ),
    );
    line("loaded in", format!("{:.0} ms", loaded.as_secs_f64() * 1e3));
    line("kernel", engine.kernel().to_owned());

    let (step, output) = engine.bytes_read();
    let speed = |bytes: usize, seconds: f64| {
        let rate = bytes as f64 / seconds / 1e9;
        format!("{:.0} µs, {rate:.1} GB/s of weights", seconds * 1e6)
    };
    let mut session = StateHistory::new();
    let began = Instant::now();
    session.read(&engine, &ids, &|| false)?;
    let all = began.elapsed().as_secs_f64();
    line(&format!("{TOKENS} tokens"), format!("{:.1} ms", all * 1e3));
    let mut longer = ids.clone();
    let (mut token, mut distribution) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..REPETITIONS {
        longer.push(ids[longer.len() % TOKENS]);
        let began = Instant::now();
        session.read(&engine, &longer, &|| false)?;
        token = token.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        session.distribution(&engine, &longer)?;
        distribution = distribution.min(began.elapsed().as_secs_f64());
    }
    line("one token", speed(step, token));
    line("one distribution", speed(output, distribution));

    let expected = StateHistory::new().distribution(&engine, &ids)?;
    let exact = reference::distribution(
        &config.model,
        checkpoint.parameters(),
        config.temperature,
        &ids,
    )?;
    let differences = (0..)
        .map(TokenId::new)
        .zip(&exact)
        .map(|(id, p)| (expected.probability(id) - p).abs());
    let difference = differences.fold(0.0, f32::max);
    ensure!(
        difference < TOLERANCE,
        "self-test: a probability differs by {difference} from that of the f32 network; please report this"
    );
    for kernel in Engine::kernels() {
        ensure!(
            engine.choose_kernel(kernel),
            "self-test: the kernel {kernel} is not available; please report this"
        );
        ensure!(
            StateHistory::new().distribution(&engine, &ids)? == expected,
            "self-test: {kernel} gives different answers; please report this"
        );
    }
    line(
        "self-test",
        format!(
            "passed: {} give the same answers, within {difference:.4} of the f32 network",
            Engine::kernels().join(", ")
        ),
    );
    print(&report)?;
    Ok(ExitCode::SUCCESS)
}

/// The token ids of [`TEXT`], repeated.
fn ids(checkpoint: &Checkpoint) -> Vec<TokenId> {
    let mut spelling = String::new();
    let tokens = python::lex(TEXT).into_iter().map(|token| {
        python::surface(TEXT, token, &mut spelling);
        checkpoint.vocabulary.id(&spelling)
    });
    let tokens: Vec<TokenId> = tokens.collect();
    tokens.into_iter().cycle().take(TOKENS).collect()
}
