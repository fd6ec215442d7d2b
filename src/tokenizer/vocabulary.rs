//! The vocabulary: a bijection of entries and ids. Does not depend on the source of tokens, on files, or on the network.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::bpe::{END, END_BYTE, Merges, alphabet};
use super::learn_bpe::{Learned, learn};
use super::token_id::{RESERVED, TokenId};

/// Maximum number of entries, including the two reserved ones: encoded corpora store ids in 16 bits.
pub const MAX_LEN: usize = 1 << 16;

/// An immutable bijection of entries and ids. The entries are whole tokens, or pieces of them.
///
/// Ids are `<PAD>`, `<UNK>`, then the entries by falling frequency in the training data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    tokens: Vec<Box<str>>,
    ids: FxHashMap<Box<str>, TokenId>,
    /// How tokens are split, if the entries are pieces.
    merges: Option<Merges>,
}

impl Vocabulary {
    /// The `size` most frequent tokens (at most [`MAX_LEN`] minus the reserved two) by falling count, ties by byte
    /// order, after the reserved ones. The counts may be in any order; each token must occur once. Ignores tokens that
    /// a white-space separated file cannot represent: empty tokens, tokens with white space, and the reserved ones.
    pub fn from_counts(counts: impl IntoIterator<Item = (String, u64)>, size: usize) -> Self {
        let counts = counts.into_iter().filter(|(token, _)| is_one_word(token));
        Self::from_tokens(most_frequent(counts.collect(), size))
    }

    /// `size` pieces (at most [`MAX_LEN`] minus the reserved two; at least one for each byte and printable character) that
    /// byte-pair encoding learns from token counts, by falling count, ties by byte order, after the reserved ones. The
    /// counts may be in any order. Ignores the same tokens as [`Vocabulary::from_counts`].
    pub fn from_pieces(counts: impl IntoIterator<Item = (String, u64)>, size: usize) -> Self {
        let mut counts: Vec<(String, u64)> = counts
            .into_iter()
            .filter(|(token, _)| is_one_word(token))
            .collect();
        counts.sort_unstable();
        let size = size.clamp(Self::min_pieces(), MAX_LEN - RESERVED.len());
        let Learned { pieces, merges } =
            learn(counts.iter().map(|(word, count)| (&**word, *count)), size);
        let unordered = Self::from_tokens(most_frequent(
            pieces.into_iter().map(|piece| (piece, 0)).collect(),
            size,
        ));
        let unordered = unordered.with_merges(&merges);
        let unordered = unordered.expect("learning makes every piece that it merges");
        let (mut uses, mut ids) = (vec![0; unordered.len()], Vec::new());
        for (token, count) in &counts {
            ids.clear();
            unordered.encode(token, &mut ids);
            ids.iter().for_each(|id| uses[id.index()] += count);
        }
        let used = unordered
            .tokens
            .into_iter()
            .zip(uses)
            .skip(RESERVED.len())
            .map(|(piece, count)| (piece.into_string(), count));
        let ordered = Self::from_tokens(most_frequent(used.collect(), size));
        let ordered = ordered.with_merges(&merges);
        ordered.expect("another order has the same pieces")
    }

    /// The number of pieces that [`Vocabulary::from_pieces`] has at least.
    pub fn min_pieces() -> usize {
        alphabet().count()
    }

    /// Number of entries, including the two reserved ones: the rows of the embedding.
    #[expect(
        clippy::len_without_is_empty,
        reason = "it always contains the two reserved entries"
    )]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether the entries are pieces of tokens.
    pub fn has_pieces(&self) -> bool {
        self.merges.is_some()
    }

    /// Appends the ids of a token: its pieces; without pieces, its own id or [`TokenId::UNK`].
    pub fn encode(&self, token: &str, ids: &mut Vec<TokenId>) {
        match &self.merges {
            Some(merges) => merges.encode(token, ids),
            None => ids.push(self.id(token)),
        }
    }

    /// Whether an entry ends a token. All entries do unless they are pieces.
    pub fn ends_token(&self, id: TokenId) -> bool {
        let ends = |piece: &str| piece.ends_with(END) || piece == END_BYTE;
        self.merges.is_none() || self.token(id).is_some_and(ends)
    }

    /// The entry's id, or [`TokenId::UNK`].
    pub fn id(&self, token: &str) -> TokenId {
        self.get(token).unwrap_or(TokenId::UNK)
    }

    /// The entry's id, if it is in the vocabulary.
    pub fn get(&self, token: &str) -> Option<TokenId> {
        self.ids.get(token).copied()
    }

    /// The entry with this id.
    pub fn token(&self, id: TokenId) -> Option<&str> {
        self.tokens.get(id.index()).map(AsRef::as_ref)
    }

    /// All entries with their ids, in the order of the ids.
    pub fn entries(&self) -> impl Iterator<Item = (TokenId, &str)> {
        let tokens = self.tokens.iter().enumerate();
        tokens.map(|(index, token)| (TokenId::at(index), &**token))
    }

    /// SHA-256 in hexadecimal over the entries in id order, each after its length in bytes (u64, little-endian), and then over
    /// the ids of each merge (u32, little-endian), if there are any. Checkpoints and encoded corpora compare it to ensure
    /// that ids agree.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for token in &self.tokens {
            hash.update((token.len() as u64).to_le_bytes());
            hash.update(token.as_bytes());
        }
        for id in self.merges().into_iter().flatten() {
            hash.update(id.get().to_le_bytes());
        }
        crate::files::fingerprint::finish(hash)
    }

    /// The merges in the order of their ranks; none if the entries are whole tokens.
    pub(super) fn merges(&self) -> Vec<[TokenId; 2]> {
        self.merges
            .as_ref()
            .map(Merges::in_order)
            .unwrap_or_default()
    }

    pub(super) fn from_tokens(tokens: Vec<Box<str>>) -> Self {
        let ids = (0..tokens.len()).map(TokenId::at);
        let ids = tokens.iter().cloned().zip(ids).collect();
        Self {
            tokens,
            ids,
            merges: None,
        }
    }

    /// Treats the entries as pieces that are merged in this order. The error is the first missing piece.
    pub(super) fn with_merges(self, merges: &[[String; 2]]) -> Result<Self, String> {
        let merges = Merges::new(merges, |piece| self.get(piece))?;
        Ok(Self {
            merges: Some(merges),
            ..self
        })
    }
}

/// The reserved entries, then the `size` most frequent others.
fn most_frequent(mut counts: Vec<(String, u64)>, size: usize) -> Vec<Box<str>> {
    counts.retain(|(entry, _)| !RESERVED.contains(&entry.as_str()));
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(size.min(MAX_LEN - RESERVED.len()));
    let entries = counts.into_iter().map(|(entry, _)| entry.into_boxed_str());
    RESERVED.iter().map(|&r| r.into()).chain(entries).collect()
}

/// Whether splitting at white space returns exactly this token.
fn is_one_word(token: &str) -> bool {
    !token.is_empty() && !token.contains(char::is_whitespace)
}
