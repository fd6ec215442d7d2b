//! Which classes take part in the training loss.

use std::collections::HashSet;

use super::random::SplitMix64;

/// Over which classes the training loss normalises.
#[derive(Clone, Debug)]
pub enum Softmax {
    /// All of them.
    Full,
    /// The ids below `head` exactly and a sample of the rest, each sampled logit raised by the log of how many
    /// classes it stands for (Bengio & Senécal 2008 with a uniform proposal); a target's own class always exactly.
    Sampled {
        /// Ids below this one are always there (ids are sorted by frequency).
        head: u32,
        /// Distinct ids from `head..V`.
        tail: Vec<u32>,
    },
}

impl Softmax {
    /// A sample of `count` tail classes that `seed` determines.
    pub fn sampled(head: u32, count: usize, vocabulary_size: usize, seed: u64) -> Self {
        let rest = vocabulary_size as u32 - head;
        if count as u32 >= rest {
            return Self::Full;
        }
        let mut generator = SplitMix64::new(seed);
        let mut tail = HashSet::with_capacity(count);
        while tail.len() < count {
            tail.insert(head + (generator.next_u64() % u64::from(rest)) as u32);
        }
        let mut tail: Vec<u32> = tail.into_iter().collect();
        tail.sort_unstable();
        Self::Sampled { head, tail }
    }
}
