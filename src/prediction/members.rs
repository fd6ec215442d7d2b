//! The expert for declarations: the [members](crate::symbols::members) that fit a place, as candidates.

use crate::context::BufferNames;
use crate::symbols::{self, MemberSet, Site};

/// What is declared to fit a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    /// Candidates, ascending, and their shares.
    pub(super) shares: Vec<(usize, f32)>,
    /// One at the kind of place, if it is any of these.
    pub(super) place: [f32; Site::COUNT],
    /// What they have together, at least, of all that names have.
    pub(super) least: f32,
}

impl Members {
    /// After the last token of a buffer.
    pub(super) fn at_end(names: &BufferNames<'_>) -> Self {
        let MemberSet {
            site,
            shares,
            min_mass,
        } = symbols::members(names.sources());
        let shares = shares.into_iter();
        let mut shares: Vec<_> = shares
            .map(|(name, share)| (names.candidate(name), share))
            .collect();
        shares.sort_unstable_by_key(|&(candidate, _)| candidate);
        let mut place = [0.0; Site::COUNT];
        if let Some(site) = site {
            place[site as usize] = 1.0;
        }
        Self {
            shares,
            place,
            least: min_mass,
        }
    }

    /// Whether a candidate is one.
    pub(super) fn contain(&self, candidate: usize) -> bool {
        let found = self
            .shares
            .binary_search_by_key(&candidate, |&(member, _)| member);
        found.is_ok()
    }
}
