//! The vocabulary: a bijection of py150 tokens and ids, stored as a Hugging Face `tokenizer.json`.
//!
//! Ids are `<PAD>`, `<UNK>`, then the most frequent training tokens by falling count. The file is a `WordLevel` model
//! over tokens separated by white space, which the Python package `tokenizers` loads and encodes identically. Does not
//! depend on the source of tokens, on files, or on the network.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::{
    DecoderWrapper, Model as _, NormalizerWrapper, PostProcessorWrapper, TokenizerImpl,
};

use super::TokenId;

/// Tokens added by the vocabulary, by id; they never occur in source text.
pub const RESERVED: [&str; 2] = ["<PAD>", "<UNK>"];
/// Maximum number of tokens, including the two reserved ones: encoded corpora store ids in 16 bits.
pub const MAX_LEN: usize = 1 << 16;

/// The only kind of tokenizer that is read and written.
type Tokenizer = TokenizerImpl<
    WordLevel,
    NormalizerWrapper,
    WhitespaceSplit,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// Why a `tokenizer.json` could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// Not JSON, or not a `WordLevel` tokenizer over white space.
    #[error("not a tokenizer.json with a WordLevel model and a whitespace pre-tokenizer: {0}")]
    Foreign(String),
    /// The tokenizer has a step that changes the text or adds tokens, so its ids would differ from ours.
    #[error("the tokenizer has {0}, which would change the ids of plain tokens")]
    Altered(&'static str),
    /// The first two ids are not the reserved ones.
    #[error("id {} must be {token}", .id.get())]
    Reserved {
        /// The id in question.
        id: TokenId,
        /// The token that is expected there.
        token: &'static str,
    },
    /// Ids are not 0, 1, 2 … without gap or repetition.
    #[error("ids must run from 0 to {last} without gaps, but {missing} is missing")]
    Gap {
        /// The smallest unused id.
        missing: usize,
        /// The largest id for the number of tokens.
        last: usize,
    },
    /// More tokens than 16-bit ids can represent.
    #[error("{0} tokens, but 16-bit ids allow at most {MAX_LEN}")]
    TooLarge(usize),
    /// The `tokenizers` library could not write it.
    #[error("cannot be written as tokenizer.json: {0}")]
    Write(String),
}

/// An immutable bijection of tokens and ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    tokens: Vec<Box<str>>,
    ids: FxHashMap<Box<str>, TokenId>,
}

impl Vocabulary {
    /// The `size` most frequent tokens (at most [`MAX_LEN`] minus the reserved two) by falling count, ties by byte
    /// order, after the reserved ones. The counts may be in any order; each token must occur once. Ignores tokens that
    /// a white-space separated file cannot represent: empty tokens, tokens with white space, and the reserved ones.
    pub fn from_counts(counts: impl IntoIterator<Item = (String, u64)>, size: usize) -> Self {
        let mut counts: Vec<(String, u64)> = counts
            .into_iter()
            .filter(|(token, _)| is_one_word(token) && !RESERVED.contains(&token.as_str()))
            .collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts.truncate(size.min(MAX_LEN - RESERVED.len()));
        let words = counts.into_iter().map(|(token, _)| token.into_boxed_str());
        Self::from_tokens(RESERVED.iter().map(|&r| r.into()).chain(words).collect())
    }

    /// Reads a `tokenizer.json`. Accepts only files that encode every token to the same id as this vocabulary.
    pub fn from_tokenizer_json(bytes: &[u8]) -> Result<Self, VocabularyError> {
        // The library panics on some input that is not JSON or has invalid numbers.
        serde_json::from_slice::<serde_json::Value>(bytes)
            .map_err(|e| VocabularyError::Foreign(e.to_string()))?;
        let tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|e| VocabularyError::Foreign(e.to_string()))?;
        let altered = [
            (tokenizer.get_pre_tokenizer().is_none(), "no pre-tokenizer"),
            (tokenizer.get_normalizer().is_some(), "a normalizer"),
            (tokenizer.get_post_processor().is_some(), "a post-processor"),
            (tokenizer.get_truncation().is_some(), "a truncation"),
            (tokenizer.get_padding().is_some(), "a padding"),
            (
                !tokenizer.get_added_tokens_decoder().is_empty(),
                "added tokens",
            ),
            (
                tokenizer.get_model().unk_token != RESERVED[TokenId::UNK.index()],
                "an unknown token other than <UNK>",
            ),
        ];
        if let Some((_, what)) = altered.into_iter().find(|(is_so, _)| *is_so) {
            return Err(VocabularyError::Altered(what));
        }

        let vocab = tokenizer.get_model().get_vocab();
        let len = vocab.len();
        if len > MAX_LEN {
            return Err(VocabularyError::TooLarge(len));
        }
        let mut tokens: Vec<Option<Box<str>>> = vec![None; len];
        for (token, id) in vocab {
            if let Some(slot) = tokens.get_mut(id as usize) {
                *slot = Some(token.into_boxed_str());
            }
        }
        let tokens: Vec<Box<str>> = tokens
            .into_iter()
            .enumerate()
            .map(|(missing, token)| {
                let last = len - 1;
                token.ok_or(VocabularyError::Gap { missing, last })
            })
            .collect::<Result<_, _>>()?;
        for (id, token) in [TokenId::PAD, TokenId::UNK].into_iter().zip(RESERVED) {
            if tokens.get(id.index()).is_none_or(|t| **t != *token) {
                return Err(VocabularyError::Reserved { id, token });
            }
        }
        Ok(Self::from_tokens(tokens))
    }

    /// The bytes of a `tokenizer.json`; deterministic.
    pub fn to_tokenizer_json(&self) -> Result<Vec<u8>, VocabularyError> {
        let vocab = self.ids.iter().map(|(t, id)| (t.to_string(), id.get()));
        let model = WordLevel::builder()
            .vocab(vocab.collect())
            .unk_token(RESERVED[TokenId::UNK.index()].to_owned())
            .build()
            .map_err(|e| VocabularyError::Write(e.to_string()))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_pre_tokenizer(Some(WhitespaceSplit));
        let json = tokenizer
            .to_string(true)
            .map_err(|e| VocabularyError::Write(e.to_string()))?;
        Ok(json.into_bytes())
    }

    /// Number of tokens, including the two reserved ones: the rows of the embedding.
    #[expect(
        clippy::len_without_is_empty,
        reason = "it always contains the two reserved tokens"
    )]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token's id, or [`TokenId::UNK`].
    pub fn id(&self, token: &str) -> TokenId {
        self.get(token).unwrap_or(TokenId::UNK)
    }

    /// The token's id, if it is in the vocabulary.
    pub fn get(&self, token: &str) -> Option<TokenId> {
        self.ids.get(token).copied()
    }

    /// The token with this id.
    pub fn token(&self, id: TokenId) -> Option<&str> {
        self.tokens.get(id.index()).map(AsRef::as_ref)
    }

    /// All tokens with their ids, in the order of the ids.
    pub fn entries(&self) -> impl Iterator<Item = (TokenId, &str)> {
        let tokens = self.tokens.iter().enumerate();
        tokens.map(|(index, token)| (TokenId::at(index), &**token))
    }

    /// SHA-256 in hexadecimal over the tokens in id order, each after its length in bytes (u64, little-endian).
    /// Checkpoints and encoded corpora compare it to ensure that ids agree.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for token in &self.tokens {
            hash.update((token.len() as u64).to_le_bytes());
            hash.update(token.as_bytes());
        }
        crate::files::fingerprint::finish(hash)
    }

    fn from_tokens(tokens: Vec<Box<str>>) -> Self {
        let ids = (0..tokens.len()).map(TokenId::at);
        let ids = tokens.iter().cloned().zip(ids).collect();
        Self { tokens, ids }
    }
}

/// Whether splitting at white space returns exactly this token.
fn is_one_word(token: &str) -> bool {
    !token.is_empty() && !token.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

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

    #[test]
    fn files_with_other_ids_are_refused() {
        let json = vocabulary(&[("a", 2), ("b", 1)], 9)
            .to_tokenizer_json()
            .unwrap();
        let ours: Value = serde_json::from_slice(&json).unwrap();
        let check = |pointer: &str, value: Value, cause: &str| {
            let mut theirs = ours.clone();
            *theirs.pointer_mut(pointer).unwrap() = value;
            let read = Vocabulary::from_tokenizer_json(theirs.to_string().as_bytes());
            let error = read.expect_err(cause).to_string();
            assert!(error.contains(cause), "{pointer}: {error}\nis not: {cause}");
        };
        let added = json!({"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true});
        check("", json!([1, 2]), "not a tokenizer.json");
        check("/model/type", json!("BPE"), "not a tokenizer.json");
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
}
