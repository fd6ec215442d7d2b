//! The stored form of a vocabulary: a Hugging Face `tokenizer.json` over tokens separated by white space, which the Python
//! package `tokenizers` loads and encodes identically. Whole tokens are a `WordLevel` model, pieces a `BPE` model.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tokenizers::models::ModelWrapper;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, TokenizerImpl};

use super::bpe::END;
use super::token_id::{RESERVED, TokenId};
use super::vocabulary::{MAX_LEN, Vocabulary};

/// The only kind of tokenizer that is read and written.
type Tokenizer = TokenizerImpl<
    ModelWrapper,
    NormalizerWrapper,
    WhitespaceSplit,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// Why a `tokenizer.json` could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// Not JSON, or not a `WordLevel` or `BPE` tokenizer over white space.
    #[error(
        "not a tokenizer.json with a WordLevel or BPE model and a whitespace pre-tokenizer: {0}"
    )]
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
    /// A byte-pair encoding that lacks a piece.
    #[error("the piece {0:?} is missing")]
    Piece(String),
    /// More tokens than 16-bit ids can represent.
    #[error("{0} tokens, but 16-bit ids allow at most {MAX_LEN}")]
    TooLarge(usize),
    /// The `tokenizers` library could not write it.
    #[error("cannot be written as tokenizer.json: {0}")]
    Write(String),
}

impl Vocabulary {
    /// Reads a `tokenizer.json`. Accepts only files that encode every token to the same ids as this vocabulary.
    pub fn from_tokenizer_json(bytes: &[u8]) -> Result<Self, VocabularyError> {
        let foreign = |e: &dyn std::fmt::Display| VocabularyError::Foreign(e.to_string());
        // The library panics on some input that is not JSON or has invalid numbers.
        let json: Value = serde_json::from_slice(bytes).map_err(|e| foreign(&e))?;
        let has_merges = json["model"]["type"] == "BPE";
        let differs = |(name, value): (&str, Value)| json["model"][name] != value;
        // Also before the library reads it: some settings make it panic.
        if has_merges && bpe_settings().into_iter().any(differs) {
            let what = "settings of the byte-pair encoding other than ours";
            return Err(VocabularyError::Altered(what));
        }
        let tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| foreign(&e))?;
        match tokenizer.get_model() {
            ModelWrapper::WordLevel(_) => {}
            ModelWrapper::BPE(_) if has_merges => {}
            _ => return Err(foreign(&"it is neither")),
        }
        if let Some(what) = altered(&tokenizer, &json["model"], has_merges) {
            return Err(VocabularyError::Altered(what));
        }
        let vocabulary = Self::from_tokens(entries(tokenizer.get_vocab(false))?);
        for (id, token) in [TokenId::PAD, TokenId::UNK].into_iter().zip(RESERVED) {
            if vocabulary.token(id) != Some(token) {
                return Err(VocabularyError::Reserved { id, token });
            }
        }
        if !has_merges {
            return Ok(vocabulary);
        }
        let merges: Vec<[String; 2]> =
            serde_json::from_value(json["model"]["merges"].clone()).map_err(|e| foreign(&e))?;
        vocabulary
            .with_merges(&merges)
            .map_err(VocabularyError::Piece)
    }

    /// The bytes of a `tokenizer.json`; deterministic.
    pub fn to_tokenizer_json(&self) -> Result<Vec<u8>, VocabularyError> {
        self.to_json()
            .map_err(|error| VocabularyError::Write(error.to_string()))
    }

    fn to_json(&self) -> tokenizers::Result<Vec<u8>> {
        let vocab = self
            .entries()
            .map(|(id, entry)| (entry.to_owned(), id.get().into()));
        let vocab = Value::Object(vocab.collect());
        let mut model: Map<String, Value> = if self.has_pieces() {
            let spelled = |pair: [TokenId; 2]| pair.map(|id| self.token(id).unwrap_or_default());
            let merges: Vec<_> = self.merges().into_iter().map(spelled).collect();
            let merges = ("merges", json!(merges));
            let settings = bpe_settings().into_iter().chain([merges]);
            settings
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        } else {
            let unknown = (
                "unk_token".to_owned(),
                RESERVED[TokenId::UNK.index()].into(),
            );
            Map::from_iter([("type".to_owned(), "WordLevel".into()), unknown])
        };
        model.insert("vocab".to_owned(), vocab);
        let mut tokenizer = Tokenizer::new(serde_json::from_value(model.into())?);
        tokenizer.with_pre_tokenizer(Some(WhitespaceSplit));
        Ok(tokenizer.to_string(true)?.into_bytes())
    }
}

/// The settings of a `BPE` model, without its pieces and merges.
fn bpe_settings() -> [(&'static str, Value); 8] {
    [
        ("type", "BPE".into()),
        ("dropout", Value::Null),
        ("unk_token", Value::Null),
        ("continuing_subword_prefix", Value::Null),
        ("end_of_word_suffix", END.to_string().into()),
        ("fuse_unk", false.into()),
        ("byte_fallback", true.into()),
        ("ignore_merges", false.into()),
    ]
}

/// The setting that makes a tokenizer's ids differ from ours, if there is one.
fn altered(tokenizer: &Tokenizer, model: &Value, has_merges: bool) -> Option<&'static str> {
    let unknown = RESERVED[TokenId::UNK.index()];
    let checks = [
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
            !has_merges && model["unk_token"] != unknown,
            "an unknown token other than <UNK>",
        ),
    ];
    let found = checks.into_iter().find(|(is_so, _)| *is_so);
    found.map(|(_, what)| what)
}

/// The entries in the order of their ids.
fn entries(vocab: HashMap<String, u32>) -> Result<Vec<Box<str>>, VocabularyError> {
    let len = vocab.len();
    if len > MAX_LEN {
        return Err(VocabularyError::TooLarge(len));
    }
    let mut entries: Vec<Option<Box<str>>> = vec![None; len];
    for (entry, id) in vocab {
        if let Some(slot) = entries.get_mut(id as usize) {
            *slot = Some(entry.into_boxed_str());
        }
    }
    let entries = entries.into_iter().enumerate().map(|(missing, entry)| {
        let last = len - 1;
        entry.ok_or(VocabularyError::Gap { missing, last })
    });
    entries.collect()
}
