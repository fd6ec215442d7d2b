//! The long form's batches: whole files one after another in each lane, cut every T steps (truncated
//! backpropagation through time); the network carries each lane's state from batch to batch.

use std::ops::Range;

use super::batch::Batch;
use super::shard::Shards;
use crate::random::{below, generator, shuffle};

/// So many files for each lane at an epoch's end are taken longest first, so that the lanes end close together and
/// few steps are mere padding. Their tokens outweigh any single file's.
const EVENED_OUT: usize = 32;

/// One epoch over a split: every token of every file is a target once, but a file's first, which is none.
/// Deterministic in seed and epoch. `skip(n)` reads no tokens.
pub struct Streams<'a> {
    shards: &'a Shards,
    steps: usize,
    lanes: Vec<Option<Place>>,
    queue: std::vec::IntoIter<usize>,
}

/// Where a lane reads on.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    /// The next input's index in the file: below its length less one, as the last token is a target only.
    at: usize,
}

impl<'a> Streams<'a> {
    /// Batches of `steps` times `lanes` tokens. Each lane reads a file to its end and takes the next from a queue
    /// that seed and epoch have shuffled; when the queue is empty, lanes that are done are padded.
    pub fn new(shards: &'a Shards, lanes: usize, steps: usize, seed: u64, epoch: u64) -> Self {
        let mut queue: Vec<usize> = (0..shards.len()).collect();
        let mut random = generator(*b"streams\0", seed, epoch);
        shuffle(&mut queue, |n| below(&mut random, n));
        let tail = queue.len().saturating_sub(lanes * EVENED_OUT);
        queue[tail..].sort_by_key(|&file| std::cmp::Reverse(shards.file_len(file)));
        Self::over(shards, queue, lanes, steps)
    }

    /// The first files in their own order, as many as it takes to have `max_tokens` targets: for measuring.
    pub fn in_order(shards: &'a Shards, lanes: usize, steps: usize, max_tokens: u64) -> Self {
        let files = (0..shards.files_within(max_tokens)).collect();
        Self::over(shards, files, lanes, steps)
    }

    /// The targets of the first batches, as many as it takes to have `max_tokens` of them: files and indices in them.
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

    /// Moves every lane on by one batch; `read(lane, step, file, from, to)` is told of each stretch of inputs.
    /// False, and nothing has moved, if no lane has anything left.
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
