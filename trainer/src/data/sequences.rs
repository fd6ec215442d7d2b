//! Batches of the original protocol: the first 1,000 tokens of each file, padded to the longest file of the batch.

use std::ops::Range;

use super::batch::Batch;
use super::shard::Shards;
use crate::random::{below, generator, shuffle};

/// Tokens per file in the original protocol.
pub const SEQUENCE_LEN: usize = 1000;
/// Number of batches whose files are sorted by length together: large enough for little padding, small enough that
/// batches differ between epochs.
const POOL: usize = 64;

/// One epoch over a split, one file per lane. Deterministic in seed and epoch. `skip(n)` reads no tokens.
pub struct Sequences<'a> {
    shards: &'a Shards,
    batches: std::vec::IntoIter<Vec<usize>>,
}

impl<'a> Sequences<'a> {
    /// Batches of `lanes` files (the last batch may be smaller), in the order of this seed and epoch.
    ///
    /// # Panics
    ///
    /// If `lanes` is 0.
    pub fn new(shards: &'a Shards, lanes: usize, seed: u64, epoch: u64) -> Self {
        let mut random = generator(*b"sequence", seed, epoch);
        let mut order: Vec<usize> = (0..shards.len()).collect();
        shuffle(&mut order, |n| below(&mut random, n));
        for pool in order.chunks_mut(lanes * POOL) {
            pool.sort_by_key(|&file| shards.file_len(file).min(SEQUENCE_LEN));
        }
        let mut batches: Vec<Vec<usize>> = order.chunks(lanes).map(<[usize]>::to_vec).collect();
        shuffle(&mut batches, |n| below(&mut random, n));
        Self {
            shards,
            batches: batches.into_iter(),
        }
    }

    /// The targets of the first batches, until they contain `max_tokens`: pairs of file and target indices in it.
    pub fn stretches(self, max_tokens: u64) -> Vec<(usize, Range<usize>)> {
        let (mut stretches, mut targets) = (Vec::new(), 0);
        for files in self.batches {
            if targets >= max_tokens {
                break;
            }
            for file in files {
                let end = self.shards.file_len(file).min(SEQUENCE_LEN);
                targets += end as u64 - 1;
                stretches.push((file, 1..end));
            }
        }
        stretches
    }
}

impl Iterator for Sequences<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let files = self.batches.next()?;
        let cut = |file: usize| self.shards.file_len(file).min(SEQUENCE_LEN);
        let longest = files.iter().map(|&file| cut(file)).max()?;
        let mut batch = Batch::padding(longest - 1, files.len());
        for (lane, &file) in files.iter().enumerate() {
            batch.write_lane(lane, 0, &self.shards.file(file)[..cut(file)], true);
        }
        Some(batch)
    }

    fn nth(&mut self, n: usize) -> Option<Batch> {
        if n > 0 {
            self.batches.nth(n - 1)?;
        }
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.batches.size_hint()
    }
}

impl ExactSizeIterator for Sequences<'_> {}
