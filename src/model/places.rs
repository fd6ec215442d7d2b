//! Where the tokens of a pass stand in their files: what attention needs to know besides the tokens.

/// Base of the rotation's wavelengths (Su et al. 2021).
const BASE: f64 = 10_000.0;

/// The position in its file of each token of a pass, time-major `[T*B]`.
#[derive(Debug)]
pub(crate) struct Places {
    positions: Vec<u32>,
    /// Cosines and sines of each token's rotation, `[T*B,R]`.
    cosines: Vec<f32>,
    sines: Vec<f32>,
    /// `R`, the number of rotated pairs.
    pairs: usize,
}

impl Places {
    /// The places of a pass of `steps` after which each lane has read `before` tokens of its file; `starts` `[T*B]` are the first
    /// tokens of files. `pairs` of each head's values are rotated.
    pub(crate) fn new(before: &[u32], steps: usize, starts: Option<&[bool]>, pairs: usize) -> Self {
        let lanes = before.len();
        let mut next = before.to_vec();
        let mut positions = Vec::with_capacity(steps * lanes);
        for step in 0..steps {
            for (lane, next) in next.iter_mut().enumerate() {
                if starts.is_some_and(|starts| starts[step * lanes + lane]) {
                    *next = 0;
                }
                positions.push(*next);
                *next += 1;
            }
        }
        let speeds: Vec<f64> = (0..pairs)
            .map(|pair| BASE.powf(-(pair as f64) / pairs as f64))
            .collect();
        let angles = positions
            .iter()
            .flat_map(|&position| speeds.iter().map(move |speed| f64::from(position) * speed));
        let (cosines, sines) = angles
            .map(|angle| (angle.cos() as f32, angle.sin() as f32))
            .unzip();
        Self {
            positions,
            cosines,
            sines,
            pairs,
        }
    }

    /// Cosines and sines of a row's rotation.
    pub(crate) fn angles(&self, row: usize) -> (&[f32], &[f32]) {
        let at = row * self.pairs..(row + 1) * self.pairs;
        (&self.cosines[at.clone()], &self.sines[at])
    }

    /// Number of tokens of its file that a row may attend to, itself included.
    pub(crate) fn visible(&self, row: usize) -> usize {
        self.positions[row] as usize + 1
    }

    /// How many tokens of its file each lane has read after the pass.
    pub(crate) fn after(&self, lanes: usize) -> Vec<u32> {
        let last = self.positions.len() - lanes..;
        self.positions[last]
            .iter()
            .map(|position| position + 1)
            .collect()
    }
}
