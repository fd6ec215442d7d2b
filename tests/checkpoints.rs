//! Damaged checkpoints, each with one defect, and the error messages.

mod common;

use std::fs;
use std::path::Path;

use common::failure;

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const GATE: &str = "gate.safetensors";

/// Damages a file's bytes.
type Damage = fn(Vec<u8>) -> Vec<u8>;

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn invalid_checkpoints_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default");
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let serve = || {
        failure(
            folder.path(),
            &["serve", "--model", model.to_str().unwrap()],
        )
    };

    let mut messages = Vec::new();
    for missing in [CONFIG, TOKENIZER, WEIGHTS, GATE] {
        messages.push(serve());
        fs::copy(sound.join(missing), model.join(missing)).unwrap();
    }
    let damages: [(&str, Damage); 12] = [
        (CONFIG, |_| b"{}".to_vec()),
        (CONFIG, |bytes| {
            replace(&bytes, "\"format\": 1", "\"format\": 2")
        }),
        (CONFIG, |bytes| {
            replace(&bytes, "\"hidden_size\": 512", "\"hidden_size\": 511")
        }),
        (TOKENIZER, |_| b"{".to_vec()),
        (TOKENIZER, |bytes| replace(&bytes, "\"self\"", "\"myself\"")),
        (WEIGHTS, |bytes| bytes[..bytes.len() / 2].to_vec()),
        (WEIGHTS, |mut bytes| {
            bytes[100_000] ^= 1;
            bytes
        }),
        (WEIGHTS, |_| b"PK\x03\x04".to_vec()),
        (CONFIG, |bytes| {
            replace(&bytes, "\"longest match\"", "\"tea leaves\"")
        }),
        (CONFIG, |bytes| {
            replace(&bytes, "\"features\": \"", "\"features\": \"0")
        }),
        (GATE, |mut bytes| {
            bytes[50_000] ^= 1;
            bytes
        }),
        (GATE, |_| Vec::new()),
    ];
    for (file, damage) in damages {
        let bytes = fs::read(sound.join(file)).unwrap();
        fs::write(model.join(file), damage(bytes)).unwrap();
        messages.push(serve());
        fs::copy(sound.join(file), model.join(file)).unwrap();
    }
    // The fingerprints belong to this model and change with it.
    let messages = messages.join("\n");
    insta::assert_snapshot!(without_fingerprints(&messages), @r"
    minicopilot: DIR/model/config.json does not exist; a checkpoint folder holds config.json, tokenizer.json, model.safetensors and, if it has a gate, gate.safetensors
    minicopilot: DIR/model/tokenizer.json does not exist; a checkpoint folder holds config.json, tokenizer.json, model.safetensors and, if it has a gate, gate.safetensors
    minicopilot: DIR/model/model.safetensors does not exist; a checkpoint folder holds config.json, tokenizer.json, model.safetensors and, if it has a gate, gate.safetensors
    minicopilot: DIR/model/gate.safetensors does not exist; a checkpoint folder holds config.json, tokenizer.json, model.safetensors and, if it has a gate, gate.safetensors
    minicopilot: DIR/model/config.json: missing field `format` at line 1 column 2; restore the file or export the checkpoint again
    minicopilot: DIR/model/config.json: format 2, but this program reads format 1; use the version that wrote it
    minicopilot: DIR/model/model.safetensors: tensor lstm1.weight_ih_l0 has shape [2048, 256] instead of [2044, 256]; the checkpoint does not match its config.json
    minicopilot: DIR/model/tokenizer.json: not a tokenizer.json with a WordLevel or BPE model and a whitespace pre-tokenizer: EOF while parsing an object at line 1 column 1; restore the file or export the checkpoint again
    minicopilot: DIR/model/tokenizer.json does not match config.json (SHA-256 SHA…, expected SHA…): it is damaged or belongs to another checkpoint; restore it
    minicopilot: DIR/model/model.safetensors does not match config.json (SHA-256 SHA…, expected SHA…): it is damaged or belongs to another checkpoint; restore it
    minicopilot: DIR/model/model.safetensors does not match config.json (SHA-256 SHA…, expected SHA…): it is damaged or belongs to another checkpoint; restore it
    minicopilot: DIR/model/model.safetensors does not match config.json (SHA-256 SHA…, expected SHA…): it is damaged or belongs to another checkpoint; restore it
    minicopilot: DIR/model/config.json: its gate was fitted for other experts than this program's; fit it again with `trainer gate`
    minicopilot: DIR/model/config.json: its gate was fitted for other features than this program's; fit it again with `trainer gate`
    minicopilot: DIR/model/gate.safetensors does not match config.json (SHA-256 SHA…, expected SHA…): it is damaged or belongs to another checkpoint; restore it
    minicopilot: DIR/model/gate.safetensors does not match config.json (SHA-256 SHA…, expected SHA…): it is damaged or belongs to another checkpoint; restore it
    ");
}

fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replace(from, to).into_bytes()
}

/// Replaces twelve leading hexadecimal digits of a word by `SHA`.
fn without_fingerprints(text: &str) -> String {
    let digits = |word: &str| word.chars().take_while(char::is_ascii_hexdigit).count();
    let words = text.split(' ').map(|word| match digits(word) {
        12 => format!("SHA{}", &word[12..]),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
