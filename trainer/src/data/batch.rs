//! A batch: the inputs and targets of one training step, several lanes in parallel.

use minicopilot::tokenizer::TokenId;

/// `<PAD>`, as a batch holds it.
const PAD: u32 = TokenId::PAD.get();

/// Inputs and targets of one training step, time-major: place `t * lanes + b` is step `t` of lane `b`. Ids are plain
/// integers here, as tensors take them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// T, the number of time steps.
    pub steps: usize,
    /// B, the number of lanes side by side.
    pub lanes: usize,
    /// Ids that the network reads; `<PAD>` where a lane has nothing left.
    pub inputs: Vec<u32>, // [T * B]
    /// Ids that it must predict, each the token after its input; `<PAD>` is no target.
    pub targets: Vec<u32>, // [T * B]
    /// The input is its file's first token: the state before it is zero.
    pub starts: Vec<bool>, // [T * B]
}

impl Batch {
    /// Nothing but padding.
    pub(super) fn padding(steps: usize, lanes: usize) -> Self {
        let places = steps * lanes;
        Self {
            steps,
            lanes,
            inputs: vec![PAD; places],
            targets: vec![PAD; places],
            starts: vec![false; places],
        }
    }

    /// How many targets count.
    pub fn target_count(&self) -> u64 {
        self.targets.iter().filter(|&&target| target != PAD).count() as u64
    }

    /// Writes `tokens` into `lane` from step `at` on: each but the last is an input, each but the first its target.
    pub(super) fn write_lane(&mut self, lane: usize, at: usize, tokens: &[u16], is_start: bool) {
        for (i, pair) in tokens.windows(2).enumerate() {
            let place = (at + i) * self.lanes + lane;
            self.inputs[place] = u32::from(pair[0]);
            self.targets[place] = u32::from(pair[1]);
            self.starts[place] = is_start && i == 0;
        }
    }
}
