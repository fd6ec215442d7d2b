//! Batches for truncated backpropagation through time: each lane reads whole files one after another, cut every T
//! steps; the network carries the lane's state from batch to batch.

use std::ops::Range;

use super::batch::Batch;
use super::shard::Shards;
use crate::random::{below, generator, shuffle};

/// Number of files per lane that are taken longest first at the end of an epoch, so that the lanes finish close
/// together and few steps are padding. Their tokens outweigh any single file.
const EVENED_OUT: usize = 32;

/// One epoch over a split: every token except a file's first is a target exactly once. Deterministic in seed and epoch.
/// `skip(n)` reads no tokens.
pub struct Streams<'a> {
    shards: &'a Shards,
    steps: usize,
    lanes: Vec<Option<Place>>,
    queue: std::vec::IntoIter<usize>,
}

/// A lane's read position.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    /// Index of the next input in the file, at most its length - 2: the last token is only a target.
    at: usize,
}

impl<'a> Streams<'a> {
    /// Batches of `steps` times `lanes` tokens. Each lane reads a file to its end and takes the next from a queue that
    /// is shuffled by seed and epoch. When the queue is empty, finished lanes are padded.
    pub fn new(shards: &'a Shards, lanes: usize, steps: usize, seed: u64, epoch: u64) -> Self {
        let mut queue: Vec<usize> = (0..shards.len()).collect();
        let mut random = generator(*b"streams\0", seed, epoch);
        shuffle(&mut queue, |n| below(&mut random, n));
        let tail = queue.len().saturating_sub(lanes * EVENED_OUT);
        queue[tail..].sort_by_key(|&file| std::cmp::Reverse(shards.file_len(file)));
        Self::over(shards, queue, lanes, steps)
    }

    /// The first files in shard order, until they contain `max_tokens` targets: for evaluation.
    pub fn in_order(shards: &'a Shards, lanes: usize, steps: usize, max_tokens: u64) -> Self {
        let files = (0..shards.files_within(max_tokens)).collect();
        Self::over(shards, files, lanes, steps)
    }

    /// The targets of the first batches, until they contain `max_tokens`: pairs of file and target indices in it.
    pub fn stretches(mut self, max_tokens: u64) -> Vec<(usize, Range<usize>)> {
        let (mut stretches, mut targets) = (Vec::new(), 0);
        while targets < max_tokens
            && self.advance(|_, _, file, from, to| {
                targets += (to - from) as u64;
                stretches.push((file, from + 1..to + 1));
            })
        {}
        stretches
    }

    fn over(shards: &'a Shards, files: Vec<usize>, lanes: usize, steps: usize) -> Self {
        let queue = files.into_iter();
        Self {
            shards,
            steps,
            lanes: vec![None; lanes],
            queue,
        }
    }

    /// Advances every lane by one batch and calls `read(lane, step, file, from, to)` for each range of inputs. Returns
    /// false, without moving, if no lane has input left.
    fn advance(&mut self, mut read: impl FnMut(usize, usize, usize, usize, usize)) -> bool {
        let mut moved = false;
        for lane in 0..self.lanes.len() {
            let mut step = 0;
            while step < self.steps {
                let taken = self.lanes[lane].take();
                let Some(place) = taken.or_else(|| self.queue.next().map(Place::start)) else {
                    break;
                };
                let inputs = self.shards.file_len(place.file) - 1;
                let to = inputs.min(place.at + self.steps - step);
                read(lane, step, place.file, place.at, to);
                step += to - place.at;
                if to < inputs {
                    self.lanes[lane] = Some(Place { at: to, ..place });
                }
                moved = true;
            }
        }
        moved
    }
}

impl Place {
    fn start(file: usize) -> Self {
        Self { file, at: 0 }
    }
}

impl Iterator for Streams<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let shards = self.shards;
        let mut batch = Batch::padding(self.steps, self.lanes.len());
        self.advance(|lane, step, file, from, to| {
            batch.write_lane(lane, step, &shards.file(file)[from..=to], from == 0);
        })
        .then_some(batch)
    }

    fn nth(&mut self, n: usize) -> Option<Batch> {
        for _ in 0..n {
            if !self.advance(|_, _, _, _, _| ()) {
                return None;
            }
        }
        self.next()
    }
}
