//! The declarations expert: attributes, imported names and parameters that fit at the cursor, and their minimum share of the
//! probability of names.

use crate::context::{BufferNames, CandidateId, CandidateSpace, Syntax};
use crate::symbols::{self, MemberSet, Site};
use crate::tokenizer::TokenId;

/// Declared names that fit at the cursor.
#[derive(Clone, Debug, Default)]
pub(in crate::prediction) struct Members {
    /// Ascending by candidate; they sum to 1.
    pub(in crate::prediction) shares: Vec<(CandidateId, f32)>,
    /// One-hot encoding of the site; all zero if the cursor is at none.
    pub(in crate::prediction) place: [f32; Site::COUNT],
    /// Minimum share of members in the probability of all names: where members are known, other names are rare.
    pub(in crate::prediction) floor: f32,
}

impl Members {
    /// The members that fit after the last token of a buffer.
    pub(in crate::prediction) fn new(space: &CandidateSpace<'_>, syntax: &Syntax) -> Self {
        let names = BufferNames {
            space: *space,
            syntax,
        };
        let MemberSet {
            site,
            shares,
            min_mass,
        } = symbols::members(names.resolver_inputs());
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
            floor: min_mass,
        }
    }

    /// The share of a candidate.
    pub(in crate::prediction) fn share(&self, candidate: CandidateId) -> Option<f32> {
        let shares = &self.shares;
        let found = shares.binary_search_by_key(&candidate, |&(member, _)| member);
        found.ok().map(|at| shares[at].1)
    }

    /// Moves mass from other names to members until the members reach their floor. Half of it is distributed in proportion
    /// to their current probability, half in proportion to their shares, since some have no probability yet.
    ///
    /// `probabilities` has one entry per candidate. Nothing changes if no member has any mass.
    pub(in crate::prediction) fn apply_floor(&self, probabilities: &mut [f32], syntax: &Syntax) {
        let size = syntax.vocabulary_size();
        let (known, beyond) = probabilities.split_at(size);
        let known = known
            .iter()
            .enumerate()
            .filter(|&(id, _)| syntax.is_name(TokenId::at(id)));
        let of_names = known.map(|(_, p)| p).chain(beyond).sum::<f32>();
        let members = self.shares.iter();
        let of_members: f32 = members
            .map(|(member, _)| probabilities[member.index()])
            .sum();
        let lacking = self.floor * of_names - of_members;
        if of_members <= 0.0 || lacking <= 0.0 {
            return;
        }
        let others = of_names - of_members;
        let left = (others - lacking) / others;
        let mut members = self.shares.iter().peekable();
        for (candidate, p) in probabilities.iter_mut().enumerate() {
            let member = members.next_if(|(member, _)| member.index() == candidate);
            if let Some((_, share)) = member {
                *p += lacking * 0.5 * (*p / of_members + share);
            } else if candidate >= size || syntax.is_name(TokenId::at(candidate)) {
                *p *= left;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokenizer::Vocabulary;

    proptest! {
        /// Mass moves only from other names to members, never back.
        #[test]
        fn members_have_at_least_their_floor(
            p in prop::collection::vec(0.0..1.0f32, 8),
            mut chosen in prop::collection::vec(3..8usize, 1..5),
            floor in 0.0..1.0f32,
            has_mass in any::<bool>(),
        ) {
            // `<PAD>`, `<UNK>`, `(` and three names, followed by two names of a buffer.
            let known = ["(", "a", "b", "c"].map(|token| (token.to_owned(), 1));
            let syntax = Syntax::new(&Vocabulary::from_counts(known, 10));
            prop_assert_eq!(syntax.vocabulary_size(), 6);
            chosen.sort_unstable();
            chosen.dedup();
            let share = 1.0 / chosen.len() as f32;
            let members = Members {
                shares: chosen.iter().map(|&member| (CandidateId::at(member), share)).collect(),
                floor,
                ..Members::default()
            };
            let sum = |p: &[f32], of: &dyn Fn(usize) -> bool| {
                (0..p.len()).filter(|&k| of(k)).map(|k| p[k]).sum::<f32>()
            };
            let is_name = |k: usize| k >= 3;
            let is_member = |k: usize| chosen.contains(&k);
            let mut before = p;
            if !has_mass {
                chosen.iter().for_each(|&member| before[member] = 0.0);
            }
            let mut after = before.clone();
            members.apply_floor(&mut after, &syntax);
            if sum(&before, &is_member) <= 0.0 {
                prop_assert_eq!(after, before);
                return Ok(());
            }
            prop_assert_eq!(&after[..3], &before[..3]);
            prop_assert!((sum(&after, &is_name) - sum(&before, &is_name)).abs() < 1e-4);
            prop_assert!(sum(&after, &is_member) >= sum(&before, &is_member) - 1e-4);
            prop_assert!(sum(&after, &is_member) >= floor * sum(&before, &is_name) - 1e-4);
        }
    }
}
