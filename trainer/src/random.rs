//! Seeded random choices whose outcome is specified: the same in every version of every dependency.
//!
//! `ChaCha8` gives the numbers, and the seed's bytes are laid out here. The shuffle is the library's, because the `rand`
//! crate may change what its own shuffle returns for a seed.

pub use minicopilot::model::shuffle;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator of its own for each `(purpose, seed, round)`; `round` is an epoch, or 0.
pub fn generator(purpose: [u8; 8], seed: u64, round: u64) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&purpose);
    bytes[8..16].copy_from_slice(&seed.to_le_bytes());
    bytes[16..24].copy_from_slice(&round.to_le_bytes());
    ChaCha8Rng::from_seed(bytes)
}

/// A number from 0 to `n - 1`. The bias of at most `n / 2^64` is of no account.
pub fn below(generator: &mut ChaCha8Rng, n: u64) -> u64 {
    ((u128::from(generator.next_u64()) * u128::from(n)) >> 64) as u64
}
