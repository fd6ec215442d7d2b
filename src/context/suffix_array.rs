//! A suffix array over reversed contexts: finds where the last tokens of a buffer occur in a long text.
//!
//! Positions are sorted by their token, then by the preceding token, and so on. The occurrences of k tokens form one range,
//! found by two binary searches inside the range of the last k - 1 tokens. The array is immutable and takes 8 bytes per
//! token.

use std::cmp::Ordering;

use super::ids::ProjectToken;

/// Maximum match length in tokens.
pub(super) const MAX_MATCH_LENGTH: usize = 12;

/// Tokens, and their positions sorted by the tokens that end there.
#[derive(Debug, Default)]
pub(super) struct SuffixArray {
    tokens: Vec<ProjectToken>,
    /// Sorted positions that have a next token.
    positions: Vec<u32>,
}

/// The occurrences of a context.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matches<'a> {
    array: &'a SuffixArray,
    /// Positions of the context's last token.
    pub(super) positions: &'a [u32],
    /// Length of the context in tokens.
    pub(super) length: usize,
}

impl SuffixArray {
    /// Indexes `tokens`, except positions followed by one of `ignored`.
    pub(super) fn new(tokens: Vec<ProjectToken>, ignored: [ProjectToken; 2]) -> Self {
        // The last three tokens nearly always decide the order, and they are adjacent in memory.
        let key = |position: usize| {
            let back = |k| {
                position
                    .checked_sub(k)
                    .map_or(0, |at| u64::from(tokens[at].get()))
            };
            back(0) << 42 | (back(1) & 0x1f_ffff) << 21 | (back(2) & 0x1f_ffff)
        };
        let is_continued = |&at: &usize| !ignored.contains(&tokens[at + 1]);
        let continued = (0..tokens.len().saturating_sub(1)).filter(is_continued);
        let mut keyed: Vec<(u64, u32)> = continued.map(|at| (key(at), at as u32)).collect();
        keyed.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0)
                .then_with(|| compare_deeper(&tokens, a.1, b.1))
        });
        Self {
            positions: keyed.into_iter().map(|(_, position)| position).collect(),
            tokens,
        }
    }

    /// All tokens.
    pub(super) fn tokens(&self) -> &[ProjectToken] {
        &self.tokens
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.tokens.len() + self.positions.len())
    }

    /// The occurrences of the empty context: every position.
    pub(super) fn matches(&self) -> Matches<'_> {
        Matches {
            array: self,
            positions: &self.positions,
            length: 0,
        }
    }

    /// The token `back` positions before `position`.
    fn token_before(&self, position: u32, back: usize) -> Option<ProjectToken> {
        let at = (position as usize).checked_sub(back);
        at.map(|at| self.tokens[at])
    }
}

impl Matches<'_> {
    /// The occurrences of the context extended by one token to the left, if there are any.
    pub(super) fn extended(&self, token: ProjectToken) -> Option<Self> {
        let at = |position: &u32| self.array.token_before(*position, self.length);
        let first = self.positions.partition_point(|p| at(p) < Some(token));
        let rest = &self.positions[first..];
        let count = rest.partition_point(|p| at(p) == Some(token));
        (count > 0).then(|| Self {
            positions: &rest[..count],
            length: self.length + 1,
            ..*self
        })
    }
}

/// Compares two positions whose last three tokens are equal.
fn compare_deeper(tokens: &[ProjectToken], a: u32, b: u32) -> Ordering {
    let before = |position: u32, back: usize| {
        let at = (position as usize).checked_sub(back);
        at.map(|at| tokens[at])
    };
    let differing = (3..MAX_MATCH_LENGTH).map(|back| before(a, back).cmp(&before(b, back)));
    let first = differing.into_iter().find(|order| order.is_ne());
    first.unwrap_or(Ordering::Equal).then(a.cmp(&b))
}
