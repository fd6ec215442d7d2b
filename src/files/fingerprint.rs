//! Fingerprints of files and vocabularies: SHA-256 in hexadecimal.

use sha2::{Digest, Sha256};

/// The fingerprint of `bytes`.
pub fn of(bytes: &[u8]) -> String {
    finish(Sha256::new_with_prefix(bytes))
}

/// The fingerprint of the bytes that `hash` has consumed.
pub fn finish(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
