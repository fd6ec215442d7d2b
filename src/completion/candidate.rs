//! Results of completion requests.

use std::ops::Range;

use serde::Serialize;

use crate::prediction::Expert;
use crate::python::Kind;
use crate::tokenizer::TokenId;

/// The most probable next tokens, whether or not they can be inserted.
#[derive(Clone, Debug, PartialEq)]
pub struct NextTokens {
    /// The typed prefix; the tokens are predicted in its place.
    pub prefix: Range<usize>,
    /// Most probable first.
    pub tokens: Vec<NextToken>,
}

/// A token and its probability: a vocabulary entry or an out-of-vocabulary name of the buffer or project.
#[derive(Clone, Debug, PartialEq)]
pub struct NextToken {
    /// The py150 surface token, including `<EOL>` and `<UNK>`.
    pub token: String,
    /// Its vocabulary id; [`TokenId::UNK`] for every out-of-vocabulary name.
    pub id: TokenId,
    /// Its probability over all tokens.
    pub probability: f32,
    /// Its probability by the network alone.
    pub network: f32,
    /// The experts that contribute to it, with their shares before reranking; empty if the checkpoint has only the network.
    pub expert_shares: Vec<(Expert, f32)>,
}

/// The candidates that can be inserted at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Completions {
    /// The byte range that a candidate replaces: the typed prefix.
    pub replace: Range<usize>,
    /// The end of the word that the cursor is in; the end of `replace` if no identifier character follows the cursor.
    pub word_end: usize,
    /// Most probable first.
    pub items: Vec<Candidate>,
}

/// A completion candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The text that replaces the typed prefix.
    pub text: String,
    /// The py150 surface token it represents.
    pub token: String,
    /// The kind of that token.
    pub kind: Kind,
    /// Its probability among all tokens that match the typed prefix and can be inserted. For a new name, the measured
    /// precision of such suggestions.
    pub probability: f32,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a candidate comes from. If both the model and another source give it probability, the larger part decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The mixture of the network and the other experts.
    Model,
    /// A string literal before the cursor that looks like a dictionary key.
    DictionaryKey,
    /// A module that the project or the Python environment has.
    Module,
    /// A name that does not exist yet, with the suffix of a known one.
    NewName,
}

impl Candidate {
    /// Adds the part of the probability that another source gives. The larger part decides the origin.
    pub(super) fn raise(&mut self, part: f32, source: Origin) {
        if part > self.probability {
            self.origin = source;
        }
        self.probability += part;
    }
}
