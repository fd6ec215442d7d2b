//! The position of each token in its file, and the rotation for it.

/// Base of the rotation's wavelengths (Su et al. 2021).
const BASE: f64 = 10_000.0;

/// The position in its file of each token of a pass, time-major `[T*B]`.
#[derive(Debug)]
pub(crate) struct Positions {
    in_file: Vec<u32>,
    /// Cosines and sines of each token's rotation, `[T*B,R]`.
    cosines: Vec<f32>,
    sines: Vec<f32>,
    /// `R`, the number of rotated pairs.
    pairs: usize,
}

impl Positions {
    /// Positions for the next `steps` steps. Each lane has read `before` tokens of its file already; `starts` `[T*B]` marks the
    /// first token of each file. `pairs` pairs of each head's values are rotated.
    pub(crate) fn new(before: &[u32], steps: usize, starts: Option<&[bool]>, pairs: usize) -> Self {
        let lanes = before.len();
        let mut next = before.to_vec();
        let mut in_file = Vec::with_capacity(steps * lanes);
        for step in 0..steps {
            for (lane, next) in next.iter_mut().enumerate() {
                if starts.is_some_and(|starts| starts[step * lanes + lane]) {
                    *next = 0;
                }
                in_file.push(*next);
                *next += 1;
            }
        }
        let speeds: Vec<f64> = (0..pairs)
            .map(|pair| BASE.powf(-(pair as f64) / pairs as f64))
            .collect();
        let angles = in_file
            .iter()
            .flat_map(|&position| speeds.iter().map(move |speed| f64::from(position) * speed));
        let (cosines, sines) = angles
            .map(|angle| (angle.cos() as f32, angle.sin() as f32))
            .unzip();
        Self {
            in_file,
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
        self.in_file[row] as usize + 1
    }

    /// How many tokens of its file each lane has read after the pass.
    pub(crate) fn after(&self, lanes: usize) -> Vec<u32> {
        let last = self.in_file.len() - lanes..;
        self.in_file[last]
            .iter()
            .map(|position| position + 1)
            .collect()
    }
}
