//! Lexer throughput in MB/s of source on one core: token spans alone, and with spellings as the server and `trainer
//! prepare` need them.
//!
//! Reads the files below the folder in `MINICOPILOT_PYTHON_FILES`, by default the standard library of the `python3` on
//! the PATH. `tests/python/compare_lexer.py --bench FOLDER` measures CPython's own tokenizer.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, hint};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minicopilot::python::{Lexer, decode, lex, surface};
use minicopilot::tokenizer::Vocabulary;

fn bench(criterion: &mut Criterion) {
    let mut files = Vec::new();
    read_python(&folder(), &mut files);
    let mut text = String::new();
    let bytes = files.iter().map(|file| file.len() as u64).sum();
    let tokens = || {
        files
            .iter()
            .flat_map(|file| lex(file).into_iter().map(move |token| (file, token)))
    };
    println!(
        "{} files, {bytes} bytes, {} tokens",
        files.len(),
        tokens().count()
    );
    let surfaces = tokens().map(|(file, token)| {
        surface(file, token, &mut text);
        (text.clone(), 1)
    });
    let vocabulary = Vocabulary::from_counts(surfaces, 10_000);

    let mut group = criterion.benchmark_group("lexer");
    group
        .throughput(Throughput::Bytes(bytes))
        .sample_size(10)
        .measurement_time(Duration::from_secs(5));
    group.bench_function("spans", |bencher| {
        bencher.iter(|| {
            files
                .iter()
                .map(|file| Lexer::new(file).count())
                .sum::<usize>()
        });
    });
    group.bench_function("spans kept", |bencher| {
        bencher.iter(|| files.iter().map(|file| lex(file).len()).sum::<usize>());
    });
    group.bench_function("vocabulary ids", |bencher| {
        bencher.iter(|| {
            for file in &files {
                for token in Lexer::new(file) {
                    surface(file, token, &mut text);
                    hint::black_box(vocabulary.id(&text));
                }
            }
        });
    });
}

fn folder() -> PathBuf {
    if let Some(folder) = env::var_os("MINICOPILOT_PYTHON_FILES") {
        return folder.into();
    }
    let print_folder = [
        "-c",
        "import sysconfig; print(sysconfig.get_path('stdlib'), end='')",
    ];
    let output = Command::new("python3")
        .args(print_folder)
        .output()
        .expect("MINICOPILOT_PYTHON_FILES or python3");
    String::from_utf8(output.stdout)
        .expect("a path in UTF-8")
        .into()
}

/// The contents of all `.py` files below a folder.
fn read_python(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder)
        .expect("a folder of Python files")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            read_python(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.extend(fs::read(&path).map(|bytes| decode(&bytes).into_owned()));
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
