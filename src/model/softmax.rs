//! The classes of the training softmax.

use std::collections::HashSet;

use super::random::SplitMix64;

/// The classes that the training loss normalises over.
#[derive(Clone, Debug)]
pub enum Softmax {
    /// All classes.
    Full,
    /// Sampled softmax: the ids below `head` exactly and a sample of the rest. Each sampled logit is raised by the log
    /// of the number of classes it represents (Bengio & Senécal 2008 with a uniform proposal); the target's class is
    /// always exact.
    Sampled {
        /// Ids below this are always included (ids are sorted by frequency).
        head: u32,
        /// Distinct ids from `head..V`.
        tail: Vec<u32>,
    },
}

impl Softmax {
    /// A sample of `count` tail classes, determined by `seed`.
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
