//! Seeded random choices with a specified outcome: independent of the versions of dependencies.
//!
//! `ChaCha8` generates the numbers; the layout of the seed is defined here. The shuffle is the library's own, because
//! `rand` may change the result of its shuffle for a seed.

pub use minicopilot::model::shuffle;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A separate generator for each `(purpose, seed, round)`; `round` is an epoch, or 0.
pub fn generator(purpose: [u8; 8], seed: u64, round: u64) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&purpose);
    bytes[8..16].copy_from_slice(&seed.to_le_bytes());
    bytes[16..24].copy_from_slice(&round.to_le_bytes());
    ChaCha8Rng::from_seed(bytes)
}

/// A number from 0 to `n - 1`. The bias of at most `n / 2^64` is negligible.
pub fn below(generator: &mut ChaCha8Rng, n: u64) -> u64 {
    ((u128::from(generator.next_u64()) * u128::from(n)) >> 64) as u64
}
