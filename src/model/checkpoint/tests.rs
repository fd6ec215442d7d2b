//! A round trip, and every error.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

use crate::files::recover_folder;
use crate::model::Parameter;
use crate::model::{Architecture, Initialization, TransformerConfig, initial_parameters};

fn small() -> Checkpoint {
    let vocabulary = Vocabulary::from_counts((0..9u64).map(|n| (format!("word{n}"), n)), 10_000);
    let model = ModelConfig {
        architecture: Architecture::ResidualLstm,
        vocabulary_size: vocabulary.len(),
        embedding_size: 3,
        hidden_size: 4,
        dropout: 0.0,
        transformer: None,
    };
    let parameters = initial_parameters(&model, Initialization::Pytorch, 1, &[]);
    Checkpoint::new(
        model,
        vocabulary,
        parameters,
        json!({"tokens": 7}),
        json!({}),
    )
}

fn saved(precision: Precision) -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("model");
    small()
        .save(&folder, precision, "# card", |_| Ok(()))
        .unwrap();
    (parent, folder)
}

#[test]
fn loading_returns_what_was_saved() {
    for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 1e-3)] {
        let (_parent, folder) = saved(precision);
        small()
            .save(&folder, precision, "# card", |_| Ok(()))
            .unwrap(); // and again, replacing the first
        let (loaded, original) = (Checkpoint::load(&folder).unwrap(), small());
        assert_eq!(loaded.config.model, original.config.model);
        assert_eq!(loaded.vocabulary, original.vocabulary);
        assert_eq!(loaded.config.training, original.config.training);
        for (name, parameter) in original.parameters() {
            let read = &loaded.parameters()[name];
            assert_eq!(read.shape(), parameter.shape());
            for (a, b) in read.values().iter().zip(parameter.values()) {
                assert!((a - b).abs() <= tolerance, "{name}");
            }
        }
        loaded.model(&Device::Cpu).unwrap();
        assert_eq!(
            fs::read_dir(folder.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file remains"
        );
    }
}

#[test]
fn a_failed_save_leaves_the_old_one() {
    let (_parent, folder) = saved(Precision::F32);
    let error = small()
        .save(&folder, Precision::F32, "", |_| {
            Err(io::Error::other("disk full"))
        })
        .unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
    Checkpoint::load(&folder).unwrap();
    assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_cut_off_replacement_is_recovered() {
    let (_parent, folder) = saved(Precision::F32);
    fs::rename(&folder, folder.with_file_name("model.old")).unwrap();
    recover_folder(&folder).unwrap();
    Checkpoint::load(&folder).unwrap();
}

/// Changes the bytes of one file and returns the error of loading it.
fn broken(file: &str, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) -> String {
    let (_parent, folder) = saved(Precision::F32);
    let path = folder.join(file);
    match change(fs::read(&path).unwrap()) {
        Some(bytes) => fs::write(&path, bytes).unwrap(),
        None => fs::remove_file(&path).unwrap(),
    }
    let error = Checkpoint::load(&folder).unwrap_err().to_string();
    error.replace(&folder.display().to_string(), "DIR")
}

/// Changes the weights and updates the fingerprint, so that the checks after it are reached.
fn forged(change: impl FnOnce(&mut Checkpoint)) -> String {
    let (_parent, folder) = saved(Precision::F32);
    let mut checkpoint = small();
    change(&mut checkpoint);
    checkpoint
        .save(&folder, Precision::F32, "", |_| Ok(()))
        .unwrap();
    let error = Checkpoint::load(&folder).unwrap_err().to_string();
    error.replace(&folder.display().to_string(), "DIR")
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn every_kind_of_damage_has_its_own_error() {
    let check = |error: String, expected: &str| {
        assert!(
            error.contains(expected),
            "{error}\ndoes not say\n{expected}"
        );
    };
    let edit = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            Some(text.replace(from, to).into_bytes())
        }
    };
    let missing = Checkpoint::load(Path::new("/nowhere/at/all"))
        .unwrap_err()
        .to_string();
    check(
        missing,
        "/nowhere/at/all does not exist; a checkpoint folder holds config.json",
    );
    check(
        broken(WEIGHTS, |_| None),
        "DIR/model.safetensors does not exist",
    );
    check(
        broken(CONFIG, |_| Some(b"{".to_vec())),
        "DIR/config.json: EOF while parsing",
    );
    check(
        broken(CONFIG, edit("\"format\": 1", "\"format\": 99")),
        "format 99, but this program reads format 1",
    );
    check(
        broken(CONFIG, edit("residual_lstm", "perceptron")),
        "unknown variant `perceptron`",
    );
    check(
        broken(CONFIG, edit("residual_lstm", "transformer")),
        "model.transformer is out of range",
    );
    check(
        broken(CONFIG, edit("\"hidden_size\": 4", "\"hidden_size\": 0")),
        "model.hidden_size is out of range",
    );
    check(
        broken(CONFIG, edit("\"hidden_size\": 4", "\"hidden_size\": 5")),
        "instead of [20, ",
    );
    check(
        broken(TOKENIZER, |_| Some(b"{}".to_vec())),
        "DIR/tokenizer.json: not a tokenizer.json",
    );
    check(
        broken(TOKENIZER, edit("word3", "word33")),
        "DIR/tokenizer.json does not match config.json",
    );
    check(
        broken(WEIGHTS, |mut b| {
            b.truncate(100);
            Some(b)
        }),
        "DIR/model.safetensors does not match config.json",
    );
    check(
        broken(WEIGHTS, |mut b| {
            *b.last_mut().unwrap() ^= 1;
            Some(b)
        }),
        "it is damaged or belongs to another",
    );
    check(
        forged(|c| {
            c.parameters.remove("output.bias");
        }),
        "tensor output.bias is missing",
    );
    check(
        forged(|c| {
            let extra = Parameter::new(vec![0.0; 3], vec![3]);
            c.parameters.insert("rnn.bias".into(), extra);
        }),
        "tensor rnn.bias does not belong to this architecture",
    );
    check(
        forged(|c| {
            let spoilt = Parameter::new(vec![f32::NAN; 11], vec![11]);
            c.parameters.insert("output.bias".into(), spoilt);
        }),
        "tensor output.bias contains values that are not finite",
    );
}

#[test]
fn only_recurrent_networks_over_whole_tokens_are_served() {
    assert!(small().check_served().is_ok());
    let mut transformer = small();
    transformer.config.model.transformer = Some(TransformerConfig {
        layers: 1,
        heads: 1,
        key_value_heads: 1,
        head_size: 2,
        rotated_pairs: 1,
        inner_size: 1,
        windows: vec![2],
    });
    let mut pieces = small();
    pieces.vocabulary = Vocabulary::from_pieces([("a".to_owned(), 1)], 400);
    for (checkpoint, what) in [
        (transformer, "a transformer"),
        (pieces, "over pieces of tokens"),
    ] {
        let error = checkpoint.check_served().unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn impossible_sizes_of_a_transformer_are_refused() {
    let sizes = TransformerConfig {
        layers: 2,
        heads: 4,
        key_value_heads: 2,
        head_size: 8,
        rotated_pairs: 4,
        inner_size: 16,
        windows: vec![4],
    };
    let problem = |architecture, change: &dyn Fn(&mut TransformerConfig)| {
        let mut sizes = sizes.clone();
        change(&mut sizes);
        let mut config = small().config.model;
        (config.architecture, config.embedding_size) = (architecture, config.hidden_size);
        config.transformer = Some(sizes);
        config.problem()
    };
    let of = |change: &dyn Fn(&mut TransformerConfig)| {
        problem(Architecture::Transformer, change).unwrap_or_default()
    };
    assert_eq!(problem(Architecture::Transformer, &|_| ()), None);
    assert!(problem(Architecture::Lstm, &|_| ()).is_some());
    assert!(of(&|sizes| sizes.layers = 0).contains("layers"));
    assert!(of(&|sizes| sizes.key_value_heads = 3).contains("key_value_heads"));
    assert!(of(&|sizes| sizes.rotated_pairs = usize::MAX / 2 + 1).contains("rotated_pairs"));
    assert!(of(&|sizes| sizes.windows.clear()).contains("windows"));
    assert!(of(&|sizes| sizes.windows.push(1)).contains("windows"));
    assert!(of(&|sizes| (sizes.heads, sizes.head_size) = (16_384, 16_384)).contains("16384"));
}
