//! Fuzzing of everything that parses external bytes: a few seconds in every test run, or longer with
//!
//! ```text
//! MINICOPILOT_FUZZ_SECONDS=600 cargo test --release --test fuzz -- --nocapture
//! ```
//!
//! Each case is generated from a seed, which a failure prints: `MINICOPILOT_FUZZ_SEED=number` repeats it. Every bug
//! that is found becomes a regular test next to its fix.

mod common;
#[path = "../src/python/tests/fragments.rs"]
mod fragments;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use minicopilot::files::fingerprint;
use minicopilot::lsp::{Change, Client, Position};
use minicopilot::model::checkpoint::{Checkpoint, Precision};
use minicopilot::model::{
    Architecture, Initialization, ModelConfig, Parameter, SplitMix64, initial_parameters,
};
use minicopilot::prediction;
use minicopilot::python::{self, IncrementalLexer, Kind, Lexer};
use minicopilot::tokenizer::Vocabulary;
use serde_json::{Value, json};

use common::{next_tokens_at, start_with};
use fragments::FRAGMENTS;

/// Runs `case` with different seeds until the time is over.
fn fuzz(name: &str, case: impl Fn(&mut Random)) {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let run = |seed: u64| {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            case(&mut Random(SplitMix64::new(seed)));
        }));
        assert!(
            outcome.is_ok(),
            "{name}: MINICOPILOT_FUZZ_SEED={seed} fails, see above"
        );
    };
    if let Some(seed) = variable("MINICOPILOT_FUZZ_SEED") {
        return run(seed);
    }
    let time = Duration::from_secs(variable("MINICOPILOT_FUZZ_SECONDS").unwrap_or(3));
    let began = Instant::now();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let first = now.map_or(0, |now| now.as_nanos() as u64);
    let mut cases = 0;
    while began.elapsed() < time {
        run(first.wrapping_add(cases));
        cases += 1;
    }
    println!(
        "{name}: {cases} cases in {:.0} s",
        began.elapsed().as_secs_f64()
    );
}

struct Random(SplitMix64);

impl Random {
    /// A number below `end`; 0 if `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end.max(1) as u64) as usize
    }

    fn choice<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Source text of up to `most` fragments.
    fn source(&mut self, most: usize) -> String {
        const MORE: [&str; 8] = [
            "\u{1f40d}",
            "def f(self):\n    return ",
            "import os\n",
            "self.",
            "    ",
            "\n\n",
            "\u{2028}",
            "e\u{301}",
        ];
        let pieces = [&FRAGMENTS[..], &MORE].concat();
        (0..self.below(most + 1))
            .map(|_| *self.choice(&pieces))
            .collect()
    }

    /// A random character boundary.
    fn boundary(&mut self, text: &str) -> usize {
        text.floor_char_boundary(self.below(text.len() + 1))
    }

    /// Replaces, removes, duplicates or truncates some bytes.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..bytes.len().min(at + 1 + self.below(16)))),
                2 => {
                    let copied = bytes[at..bytes.len().min(at + 32)].to_vec();
                    bytes.splice(at..at, copied);
                }
                _ if bytes.is_empty() => bytes.push(0),
                3 => bytes[at] ^= 1 << self.below(8),
                _ => bytes[at] = *self.choice(b"\0\xff{}[]\",:0129-eE "),
            }
        }
    }
}

#[test]
fn files() {
    fuzz("files", |random| {
        let mut bytes = random.source(60).into_bytes();
        random.damage(&mut bytes);
        let text = python::decode(&bytes);
        let (mut end, mut spelling) = (0, String::new());
        let mut spellings = Vec::new();
        for token in Lexer::new(&text) {
            assert!(end <= token.start && token.start < token.end);
            end = token.end;
            python::surface(&text, token, &mut spelling);
            assert_eq!(token.kind == Kind::Eol, spelling == python::EOL);
            spellings.push(spelling.clone());
        }
        python::print(&spellings.iter().map(String::as_str).collect::<Vec<_>>());
    });
}

#[test]
fn texts_read_again() {
    fuzz("texts read again", |random| {
        let (mut text, mut reader) = (random.source(600), IncrementalLexer::default());
        for _ in 0..10 {
            let (start, length) = (random.boundary(&text), random.below(40));
            let end = text.ceil_char_boundary(start + length);
            let inserted = random.source(20);
            text.replace_range(start..end, &inserted);
            let cursor = random.below(text.len() + 9);
            let mut fresh = IncrementalLexer::default();
            let (ours, theirs) = (reader.context(&text, cursor), fresh.context(&text, cursor));
            assert_eq!(
                (ours.tokens, &ours.prefix, ours.place),
                (theirs.tokens, &theirs.prefix, theirs.place),
                "{text:?}"
            );
        }
    });
}

#[test]
fn checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let words = "self def ( ) : return <s> <EOL>".split(' ');
    let vocabulary = Vocabulary::from_counts(words.map(|word| (word.to_owned(), 1)), 100);
    let config = ModelConfig {
        architecture: Architecture::ResidualLstm,
        vocabulary_size: vocabulary.len(),
        embedding_size: 3,
        hidden_size: 4,
        dropout: 0.0,
        transformer: None,
    };
    let parameters = initial_parameters(&config, Initialization::Pytorch, 1, &[]);
    let gate = prediction::parameters(4).into_iter().map(|(name, shape)| {
        let ones = vec![1.0; shape.iter().product()];
        (name, Parameter::new(ones, shape))
    });
    Checkpoint::new(config, vocabulary, parameters, json!({}), json!({}))
        .with_gate(prediction::gate_config(json!({})), gate.collect())
        .save(&folder.path().join("model"), Precision::F16, "", |_| Ok(()))
        .unwrap();
    let names = [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "gate.safetensors",
    ];
    let whole = names.map(|name| std::fs::read(folder.path().join("model").join(name)).unwrap());
    fuzz("checkpoints", |random| {
        let mut files = whole.clone();
        let file = random.below(4);
        random.damage(&mut files[file]);
        if random.below(4) > 0
            && let Ok(mut config) = serde_json::from_slice::<Value>(&files[0])
            && config["fingerprints"].is_object()
        {
            // Damage that the fingerprint check would otherwise detect.
            config["fingerprints"]["weights"] = json!(fingerprint::of(&files[2]));
            if config["gate"].is_object() {
                config["gate"]["fingerprint"] = json!(fingerprint::of(&files[3]));
            }
            files[0] = config.to_string().into_bytes();
        }
        let [config, tokenizer, weights, gate] = &files;
        // An accepted checkpoint must be able to answer. Its gate is checked when the completer is made.
        if let Ok(checkpoint) = Checkpoint::from_bytes("damaged", config, tokenizer, weights, gate)
            && let Ok(completer) = minicopilot::completion::Completer::new(&checkpoint)
        {
            let mut session = minicopilot::completion::CompletionSession::new();
            completer
                .next_tokens(&mut session, "def f(self):\n", 13, 5, &|| false)
                .unwrap();
        }
    });
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn sessions() {
    fuzz("sessions", |random| {
        let encoding = *random.choice(&["utf-8", "utf-16", "utf-32"]);
        let start = || {
            let encodings = json!({"general": {"positionEncodings": [encoding]}});
            start_with(json!({"capabilities": encodings})).0
        };
        let mut client = start();
        let mut open: Vec<(String, String)> = Vec::new(); // names and texts
        for version in 0..60 {
            let document = random.below(open.len());
            match random.below(12) {
                0 | 1 => {
                    let (uri, text) =
                        (format!("file:///{}.py", random.below(4)), random.source(80));
                    client.open(&uri, "python", version, &text).unwrap();
                    open.retain(|(other, _)| *other != uri);
                    open.push((uri, text));
                }
                _ if open.is_empty() => {}
                2 => {
                    let (uri, _) = open.remove(document);
                    client.close(&uri).unwrap();
                }
                3..=7 => {
                    let (uri, text) = &mut open[document];
                    let changes = edits(random, text, encoding);
                    client.change(uri, version, &changes).unwrap();
                }
                8 => {
                    let (uri, text) = &open[document];
                    let method = *random.choice(&[
                        "textDocument/completion",
                        "textDocument/hover",
                        "minicopilot/nextTokens",
                    ]);
                    let mut params =
                        next_tokens_at(uri, place(text, random.boundary(text), encoding), 3);
                    if random.below(4) == 0 {
                        params["position"]["line"] = json!(*random.choice(&[u32::MAX, 7, 1 << 31]));
                    }
                    let id = client.request(method, params).unwrap();
                    if random.below(2) == 0 {
                        client.cancel(id).unwrap();
                    }
                }
                _ => {
                    let (uri, text) = &open[document];
                    ask(
                        &mut client,
                        uri,
                        place(text, random.boundary(text), encoding),
                    );
                }
            }
        }
        let mut fresh = start();
        for (uri, text) in &open {
            fresh.open(uri, "python", 0, text).unwrap();
            let at = place(text, random.boundary(text), encoding);
            let (ours, theirs) = (ask(&mut client, uri, at), ask(&mut fresh, uri, at));
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                // Cached states are rounded to 11 bits.
                assert!((ours - theirs).abs() < 5e-3, "{ours} {theirs} in {text:?}");
            }
        }
        let said = client.stderr();
        assert!(!said.contains("panicked"), "{said}");
        assert!(client.shutdown().unwrap().success());
    });
}

/// The probabilities of all next tokens, by id.
fn ask(client: &mut Client, uri: &str, at: Position) -> Vec<f64> {
    let answer = client
        .call("minicopilot/nextTokens", next_tokens_at(uri, at, 1 << 20))
        .unwrap();
    let mut tokens = answer["tokens"].as_array().unwrap().clone();
    assert!(!tokens.is_empty());
    // Out-of-vocabulary names share an id.
    tokens.sort_by_key(|token| (token["id"].as_u64(), token["token"].to_string()));
    tokens
        .iter()
        .map(|token| token["probability"].as_f64().unwrap())
        .collect()
}

/// Random edits, also applied to `text`.
fn edits(random: &mut Random, text: &mut String, encoding: &str) -> Vec<Change> {
    (0..=random.below(3))
        .map(|_| {
            let inserted = random.source(6);
            if random.below(20) == 0 {
                text.clone_from(&inserted);
                return Change::full(inserted);
            }
            let (a, b) = (random.boundary(text), random.boundary(text));
            // The protocol has no position between `\r` and `\n`.
            let [start, end] = [a.min(b), a.max(b).min(a.min(b) + 30)].map(|at| {
                let at = text.floor_char_boundary(at);
                let inside = at > 0 && text[..at].ends_with('\r') && text[at..].starts_with('\n');
                if inside { at - 1 } else { at }
            });
            let change = Change::replace(
                place(text, start, encoding),
                place(text, end, encoding),
                &*inserted,
            );
            text.replace_range(start..end, &inserted);
            change
        })
        .collect()
}

/// The position of a byte offset by the protocol's definition: lines end at `\n`, `\r\n` and `\r`.
fn place(text: &str, offset: usize, encoding: &str) -> Position {
    let before = &text[..offset];
    let (mut line, mut rest) = (0, before);
    while let Some(end) = rest.find(['\n', '\r']) {
        let width = if rest[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + width..];
        line += 1;
    }
    let units = match encoding {
        "utf-8" => rest.len(),
        "utf-16" => rest.encode_utf16().count(),
        _ => rest.chars().count(),
    };
    Position::new(line, units as u32)
}
