//! Byte-pair encoding inside tokens (Sennrich et al. 2016): splits a token into the pieces of a vocabulary.
//!
//! A piece that ends a token ends with [`END`]. Printable ASCII characters are pieces of their own, with and without it. Other
//! characters fall back to their UTF-8 bytes, so nothing is out of vocabulary. The result is that of a BPE model with an
//! end-of-word suffix and byte fallback in the Python package `tokenizers`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::token_id::TokenId;

/// The mark at the end of a token's last piece. Tokens contain no white space.
pub const END: char = ' ';
/// The piece of [`END`] by itself, after a character that falls back to bytes.
pub(super) const END_BYTE: &str = "<0x20>";
/// No neighbour: the first or last symbol of a token.
const NONE: u32 = u32::MAX;

/// The merges of a vocabulary, and its pieces of one character or byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merges {
    /// Rank and result of each mergeable pair; lower ranks merge first.
    pairs: FxHashMap<[TokenId; 2], (u32, TokenId)>,
    /// Piece of each byte: a printable ASCII character, or a byte of another character.
    bytes: Box<[TokenId; 256]>,
    /// Piece of each printable ASCII character at the end of a token.
    last: Box<[TokenId; 128]>,
}

impl Merges {
    /// Merges in the order of their ranks, by the spellings of both pieces. `id` looks up a piece. Returns the first piece that
    /// is needed but missing.
    pub(super) fn new(
        merges: &[[String; 2]],
        id: impl Fn(&str) -> Option<TokenId>,
    ) -> Result<Self, String> {
        let look_up = |piece: &str| id(piece).ok_or_else(|| piece.to_owned());
        let mut bytes = Box::new([TokenId::UNK; 256]);
        let mut last = Box::new([TokenId::UNK; 128]);
        for byte in 0..=255_u8 {
            bytes[usize::from(byte)] = look_up(&byte_piece(byte))?;
            if byte.is_ascii_graphic() {
                last[usize::from(byte)] = look_up(&format!("{}{END}", char::from(byte)))?;
            }
        }
        let mut pairs = FxHashMap::default();
        for (rank, [left, right]) in merges.iter().enumerate() {
            let into = look_up(&format!("{left}{right}"))?;
            pairs.insert([look_up(left)?, look_up(right)?], (rank as u32, into));
        }
        Ok(Self { pairs, bytes, last })
    }

    /// The merges in the order of their ranks, as ids.
    pub(super) fn in_order(&self) -> Vec<[TokenId; 2]> {
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort_unstable_by_key(|(_, (rank, _))| *rank);
        pairs.into_iter().map(|(&pair, _)| pair).collect()
    }

    /// Appends the pieces of `token`.
    pub(super) fn encode(&self, token: &str, pieces: &mut Vec<TokenId>) {
        let begin = pieces.len();
        self.characters(token, pieces);
        let length = self.merge(&mut pieces[begin..]);
        pieces.truncate(begin + length);
    }

    /// Appends the pieces of `token` before any merge.
    fn characters(&self, token: &str, pieces: &mut Vec<TokenId>) {
        let Some(last) = token.chars().next_back() else {
            return;
        };
        let before = &token[..token.len() - last.len_utf8()];
        pieces.extend(before.bytes().map(|byte| self.bytes[usize::from(byte)]));
        if last.is_ascii_graphic() {
            pieces.push(self.last[last as usize]);
        } else {
            let end = token[before.len()..].bytes().chain([END as u8]);
            pieces.extend(end.map(|byte| self.bytes[usize::from(byte)]));
        }
    }

    /// Merges pairs of neighbours in place, lowest rank first and leftmost first within a rank, until none is left; returns how
    /// many pieces remain, at the front. O(n log n).
    fn merge(&self, pieces: &mut [TokenId]) -> usize {
        let length = pieces.len() as u32;
        let mut next: Vec<u32> = (1..=length)
            .map(|at| if at == length { NONE } else { at })
            .collect();
        let mut previous: Vec<u32> = (0..length).map(|at| at.wrapping_sub(1)).collect();
        let mut is_alive = vec![true; pieces.len()];
        let mut queue = BinaryHeap::new();
        let candidate = |pieces: &[TokenId], left: u32, right: u32| {
            let pair = [pieces[left as usize], pieces[right as usize]];
            let (rank, into) = self.pairs.get(&pair)?;
            Some(Reverse((*rank, left, right, pair, *into)))
        };
        queue.extend((1..length).filter_map(|right| candidate(pieces, right - 1, right)));
        while let Some(Reverse((_, left, right, pair, into))) = queue.pop() {
            let is_current = is_alive[left as usize]
                && is_alive[right as usize]
                && next[left as usize] == right
                && pair == [pieces[left as usize], pieces[right as usize]];
            if !is_current {
                continue;
            }
            pieces[left as usize] = into;
            is_alive[right as usize] = false;
            let after = next[right as usize];
            next[left as usize] = after;
            if after != NONE {
                previous[after as usize] = left;
                queue.extend(candidate(pieces, left, after));
            }
            let before = previous[left as usize];
            if before != NONE {
                queue.extend(candidate(pieces, before, left));
            }
        }
        let mut kept = 0;
        for at in 0..pieces.len() {
            if is_alive[at] {
                pieces[kept] = pieces[at];
                kept += 1;
            }
        }
        kept
    }
}

/// The piece of a byte: a printable ASCII character itself, any other byte as `<0xE9>`.
pub(super) fn byte_piece(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        char::from(byte).to_string()
    } else {
        format!("<0x{byte:02X}>")
    }
}

/// The byte of a piece such as `<0xE9>`, if it is one.
pub(super) fn byte_of(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    (piece == byte_piece(byte)).then_some(byte)
}

/// All pieces of one character or byte, in a fixed order.
pub(super) fn alphabet() -> impl Iterator<Item = String> {
    let ends = (0..128_u8).filter(u8::is_ascii_graphic);
    (0..=255)
        .map(byte_piece)
        .chain(ends.map(|byte| format!("{}{END}", char::from(byte))))
}
