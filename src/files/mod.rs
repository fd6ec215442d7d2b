//! Files on disk: atomic replacement, fingerprints, and Python sources in any encoding.
//!
//! Does not depend on checkpoints, models or workspaces.

mod atomic;
pub mod fingerprint;
#[cfg(feature = "server")]
pub mod python_files;

pub use atomic::{recover_folder, replace_folder, write_synced, write_whole};
