//! SHA-256 in hexadecimal: how files and vocabularies are recognised.

use sha2::{Digest, Sha256};

/// The fingerprint of `bytes`.
pub fn of(bytes: &[u8]) -> String {
    finish(Sha256::new_with_prefix(bytes))
}

/// The fingerprint of what `hash` was fed.
pub fn finish(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
