use proptest::prelude::*;
use serde_json::{Value, json};

use tokenizers::Trainer as _;
use tokenizers::models::bpe::{BPE, BpeTrainer};

use super::*;

fn vocabulary(counts: &[(&str, u64)], size: usize) -> Vocabulary {
    Vocabulary::from_counts(counts.iter().map(|&(token, n)| (token.to_owned(), n)), size)
}

#[test]
fn most_frequent_first_ties_by_byte_order() {
    let counts = [
        ("é", 5),
        ("z", 5),
        ("b", 5),
        ("<EOL>", 9),
        ("rare", 1),
        ("<s>", 7),
        // A file of tokens separated by spaces cannot represent these.
        ("<PAD>", 99),
        ("<UNK>", 99),
        ("two words", 99),
        ("", 99),
    ];
    let vocabulary = vocabulary(&counts, 5);
    let tokens: Vec<_> = vocabulary.entries().map(|(_, token)| token).collect();
    assert_eq!(tokens, ["<PAD>", "<UNK>", "<EOL>", "<s>", "b", "z", "é"]);
    assert_eq!(vocabulary.get("b"), Some(TokenId::new(4)));
    let rare = (vocabulary.get("rare"), vocabulary.id("rare"));
    assert_eq!(rare, (None, TokenId::UNK));
    for (id, token) in vocabulary.entries() {
        assert_eq!(
            (vocabulary.token(id), vocabulary.id(token)),
            (Some(token), id)
        );
    }
    assert_eq!(vocabulary.token(TokenId::new(7)), None);
}

#[test]
fn the_fingerprint_depends_on_tokens_and_their_boundaries() {
    let of = |tokens: [&str; 2]| vocabulary(&tokens.map(|token| (token, 1)), 2).fingerprint();
    // printf '%b' '\x05\0\0\0\0\0\0\0<PAD>\x05\0\0\0\0\0\0\0<UNK>\x01\0\0\0\0\0\0\0a\x02\0\0\0\0\0\0\0bc' | sha256sum
    assert_eq!(
        of(["a", "bc"]),
        "2234540423e6b7a75f70aa1f701c4973dc407dd02a4e54ec9a7627fbbed80d34"
    );
    assert_ne!(of(["a", "bc"]), of(["ab", "c"]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn comes_back_and_encodes_as_the_library(
        counts in prop::collection::hash_map("\\PC{1,6}", 1_u64..5, 0..40),
        file in prop::collection::vec("[a-c<>é]{1,3}", 0..20),
    ) {
        let mut counts = counts;
        counts.extend(file.iter().step_by(2).map(|token| (token.clone(), 2)));
        let vocabulary = Vocabulary::from_counts(counts, 30);
        let json = vocabulary.to_tokenizer_json().unwrap();
        prop_assert_eq!(&Vocabulary::from_tokenizer_json(&json).unwrap(), &vocabulary);

        let tokenizer = tokenizers::Tokenizer::from_bytes(&json).unwrap();
        let encoding = tokenizer.encode(file.join(" "), true).unwrap();
        let ids: Vec<u32> = file.iter().map(|token| vocabulary.id(token).get()).collect();
        prop_assert_eq!(encoding.get_ids(), ids);
    }
}

#[test]
fn invalid_json_is_an_error_and_not_a_panic() {
    let json = vocabulary(&[("a", 2)], 9).to_tokenizer_json().unwrap();
    let json = String::from_utf8(json).unwrap();
    for decoder in ["n-ll", "1e999", "[1e999]"] {
        let damaged = json.replace("\"decoder\": null", &format!("\"decoder\": {decoder}"));
        assert_ne!(damaged, json);
        let read = Vocabulary::from_tokenizer_json(damaged.as_bytes());
        assert!(matches!(read, Err(VocabularyError::Foreign(_))), "{read:?}");
    }
}

/// Reading `json` with another value at `pointer` fails for this cause.
fn refused(json: &Value, pointer: &str, value: Value, cause: &str) {
    let mut changed = json.clone();
    *changed.pointer_mut(pointer).unwrap() = value;
    let read = Vocabulary::from_tokenizer_json(changed.to_string().as_bytes());
    let error = read.expect_err(cause).to_string();
    assert!(error.contains(cause), "{pointer}: {error}\nis not: {cause}");
}

#[test]
fn files_with_other_ids_are_refused() {
    let json = vocabulary(&[("a", 2), ("b", 1)], 9)
        .to_tokenizer_json()
        .unwrap();
    let ours: Value = serde_json::from_slice(&json).unwrap();
    let check = |pointer: &str, value: Value, cause: &str| refused(&ours, pointer, value, cause);
    let added = json!({"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true});
    check("", json!([1, 2]), "not a tokenizer.json");
    check("/model/type", json!("Unigram"), "not a tokenizer.json");
    check(
        "/pre_tokenizer",
        json!({"type": "Whitespace"}),
        "not a tokenizer.json",
    );
    check("/pre_tokenizer", Value::Null, "no pre-tokenizer");
    check("/normalizer", json!({"type": "Lowercase"}), "a normalizer");
    check("/added_tokens", json!([added]), "added tokens");
    check(
        "/model/unk_token",
        json!("a"),
        "an unknown token other than",
    );
    check("/model/vocab/b", json!(9), "3 is missing");
    check("/model/vocab/b", json!(2), "3 is missing");
    check("/model/vocab", json!({}), "id 0 must be <PAD>");
    check(
        "/model/vocab",
        json!({"<UNK>": 0, "<PAD>": 1}),
        "id 0 must be <PAD>",
    );
    let many: serde_json::Map<_, _> = (0..=MAX_LEN)
        .map(|id| (format!("t{id}"), json!(id)))
        .collect();
    check("/model/vocab", Value::Object(many), "16-bit ids");
}

fn pieces(counts: &[(&str, u64)], size: usize) -> Vocabulary {
    Vocabulary::from_pieces(counts.iter().map(|&(token, n)| (token.to_owned(), n)), size)
}

#[test]
fn tokens_are_encoded_as_pieces_of_which_the_last_has_the_end_mark() {
    let vocabulary = pieces(&[("self", 90), ("selfish", 20), ("set", 30)], 356);
    let encode = |token: &str| {
        let mut ids = Vec::new();
        vocabulary.encode(token, &mut ids);
        let pieces = ids.iter().map(|&id| vocabulary.token(id).unwrap());
        let spelled = pieces.map(str::to_owned).collect::<Vec<_>>().join("|");
        let ends: Vec<bool> = ids.iter().map(|&id| vocabulary.ends_token(id)).collect();
        assert_eq!(ends.iter().filter(|end| **end).count(), 1, "{token}");
        assert_eq!(ends.last(), Some(&true), "{token}");
        spelled
    };
    assert_eq!(encode("self"), "self ");
    assert_eq!(encode("selfish"), "sel|fi|sh ");
    assert_eq!(encode("né"), "n|<0xC3>|<0xA9>|<0x20>");
    // Source text that looks like an entry of the vocabulary is not one.
    assert_eq!(encode("<PAD>"), "<|P|A|D|> ");
}

#[test]
fn text_that_looks_like_reserved_entries_is_never_merged_into_them() {
    let vocabulary = pieces(&[("<PAD>x", 9), ("<0xC3>x", 9), ("<UNK>", 9)], 500);
    for entry in ["<PAD>", "<UNK>", "<0xC3>"] {
        let spelled = vocabulary.entries().filter(|(_, token)| *token == entry);
        assert_eq!(spelled.count(), 1, "{entry}");
    }
    let mut ids = Vec::new();
    vocabulary.encode("<PAD>x", &mut ids);
    assert!(!ids.contains(&TokenId::PAD));
}

/// Learns the same merges as the library's trainer.
#[test]
fn merges_are_learned_as_by_the_library() {
    let counts = [
        ("low", 5),
        ("lower", 2),
        ("newest", 6),
        ("widest", 3),
        ("wöwö", 4),
        ("aaaa", 4),
        ("aaa", 3),
    ];
    let ours = pieces(&counts, 380);
    let alphabet = bpe::alphabet().map(|piece| tokenizers::AddedToken::from(piece, false));
    let mut trainer = BpeTrainer::builder()
        .special_tokens(alphabet.collect())
        .end_of_word_suffix(bpe::END.to_string())
        .initial_alphabet(
            (0..128_u8)
                .filter(u8::is_ascii_graphic)
                .map(char::from)
                .collect(),
        )
        .vocab_size(380)
        .min_frequency(2)
        .show_progress(false)
        .build();
    let ascii = counts.iter().filter(|(token, _)| token.is_ascii());
    let text = ascii.flat_map(|&(token, count)| std::iter::repeat_n(token, count as usize));
    let text: Vec<&str> = text.collect();
    trainer
        .feed(text.iter(), |token| Ok(vec![token.to_owned()]))
        .unwrap();
    let mut theirs = BPE::default();
    trainer.train(&mut theirs).unwrap();
    let theirs = serde_json::to_value(&theirs).unwrap();
    let theirs: Vec<[String; 2]> = serde_json::from_value(theirs["merges"].clone()).unwrap();
    let spelled = |pair: [TokenId; 2]| pair.map(|id| ours.token(id).unwrap().to_owned());
    let ours: Vec<[String; 2]> = ours.merges().into_iter().map(spelled).collect();
    assert!(theirs.len() > 15, "{theirs:?}");
    let of_ascii = |pair: &[String; 2]| !pair.iter().any(|piece| piece.contains("<0x"));
    let ours: Vec<_> = ours.into_iter().filter(of_ascii).collect();
    let shared = ours.len().min(theirs.len());
    assert_eq!(ours[..shared], theirs[..shared]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pieces_come_back_and_encode_as_the_library(
        counts in prop::collection::hash_map("[a-c_é<]{1,6}", 1_u64..9, 0..30),
        file in prop::collection::vec("[a-d_é<>\\x01ß]{1,9}", 0..20),
        size in 300_usize..420,
    ) {
        let vocabulary = Vocabulary::from_pieces(counts, size);
        let json = vocabulary.to_tokenizer_json().unwrap();
        prop_assert_eq!(&Vocabulary::from_tokenizer_json(&json).unwrap(), &vocabulary);

        let tokenizer = tokenizers::Tokenizer::from_bytes(&json).unwrap();
        let encoding = tokenizer.encode(file.join(" "), true).unwrap();
        let mut ids = Vec::new();
        file.iter().for_each(|token| vocabulary.encode(token, &mut ids));
        let ids: Vec<u32> = ids.into_iter().map(TokenId::get).collect();
        prop_assert_eq!(encoding.get_ids(), ids);
    }
}

#[test]
fn byte_pair_encodings_with_other_ids_are_refused() {
    let json = pieces(&[("ab", 3), ("abc", 2)], 356)
        .to_tokenizer_json()
        .unwrap();
    let ours: Value = serde_json::from_slice(&json).unwrap();
    let check = |pointer: &str, value: Value, cause: &str| refused(&ours, pointer, value, cause);
    let settings = "settings of the byte-pair encoding";
    check("/model/end_of_word_suffix", json!("</w>"), settings);
    check("/model/continuing_subword_prefix", json!("##é"), settings);
    check("/model/byte_fallback", json!(false), settings);
    check("/model/dropout", json!(0.5), settings);
    check("/model/ignore_merges", json!(true), settings);
    check(
        "/model/merges",
        json!([["q", "zz"]]),
        "not a tokenizer.json",
    );
    let mut theirs = ours.clone();
    theirs["model"]["merges"] = json!([]);
    let vocab = theirs["model"]["vocab"].as_object_mut().unwrap();
    let last = vocab.remove("<0xFF>").unwrap();
    vocab.insert("zz".to_owned(), last);
    let error = Vocabulary::from_tokenizer_json(theirs.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the piece \"<0xFF>\" is missing");
}
