//! A batch: the inputs and targets of one training step, for several lanes.

use minicopilot::tokenizer::TokenId;

/// `<PAD>` as a plain integer.
const PAD: u32 = TokenId::PAD.get();

/// Inputs and targets of one training step, time-major: index `t * lanes + b` is step `t` of lane `b`. Ids are plain
/// integers, as tensors expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// T, the number of time steps.
    pub steps: usize,
    /// B, the number of parallel lanes.
    pub lanes: usize,
    /// Input ids; `<PAD>` where a lane has ended.
    pub inputs: Vec<u32>, // [T * B]
    /// Target ids, each the token after its input; `<PAD>` is not counted.
    pub targets: Vec<u32>, // [T * B]
    /// Whether the input is the first token of its file: the state before it is zero.
    pub starts: Vec<bool>, // [T * B]
}

impl Batch {
    /// Creates a batch that contains only padding.
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

    /// Number of targets, excluding padding.
    pub fn target_count(&self) -> u64 {
        self.targets.iter().filter(|&&target| target != PAD).count() as u64
    }

    /// Writes `tokens` to `lane`, starting at step `at`: all but the last are inputs, and all but the first are
    /// targets.
    pub(super) fn write_lane(&mut self, lane: usize, at: usize, tokens: &[u16], is_start: bool) {
        for (i, pair) in tokens.windows(2).enumerate() {
            let place = (at + i) * self.lanes + lane;
            self.inputs[place] = u32::from(pair[0]);
            self.targets[place] = u32::from(pair[1]);
            self.starts[place] = is_start && i == 0;
        }
    }
}
