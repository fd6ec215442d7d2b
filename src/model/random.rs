//! Random numbers that are the same on every machine: the generator of initial weights and dropout masks, and the
//! project's only shuffle.

/// SplitMix64 (Steele, Lea & Flood 2014): 64 bits of state, one multiplication chain per number.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

/// Increment of the state per number.
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// A generator seeded with `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed of stream number `stream` under `seed`.
    pub fn mix(seed: u64, stream: u64) -> u64 {
        Self(seed ^ Self(stream).next_u64()).next_u64()
    }

    /// Skips the next `draws` numbers.
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

    /// Uniform in `[0, 1)` with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Shuffles `items` uniformly (Fisher & Yates, from the end). `below(n)` draws a number from 0 to `n - 1`; it is called
/// for `n` from `items.len()` down to 2.
pub fn shuffle<T>(items: &mut [T], mut below: impl FnMut(u64) -> u64) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1) as usize);
    }
}
