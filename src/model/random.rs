//! Random numbers whose outcome is specified, the same on every machine: the generator behind initial weights and dropout
//! masks, and the one shuffle of the project.

/// SplitMix64 (Steele, Lea & Flood 2014): 64 bits of state, one multiplication chain a number.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

/// What the state grows by with each number.
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// A generator that `seed` determines.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed for the stream number `stream` under `seed`.
    pub fn mix(seed: u64, stream: u64) -> u64 {
        Self(seed ^ Self(stream).next_u64()).next_u64()
    }

    /// Leaves out the next `draws` numbers.
    pub fn skip(&mut self, draws: u64) {
        self.0 = self.0.wrapping_add(draws.wrapping_mul(INCREMENT));
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Puts `items` into a random order, each equally likely (Fisher & Yates, from the end). `below(n)` draws a number from 0 to
/// `n - 1`; it is called for `n` from `items.len()` down to 2.
pub fn shuffle<T>(items: &mut [T], mut below: impl FnMut(u64) -> u64) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1) as usize);
    }
}
