//! The default model, inside the binary. Nothing else knows where a model comes from.

use std::path::Path;

use crate::model::checkpoint::{Checkpoint, CheckpointError};

/// The checkpoint in `folder`, which must be one that can be served, or the one inside the binary.
pub fn load(folder: Option<&Path>) -> Result<Checkpoint, CheckpointError> {
    match folder {
        Some(folder) => {
            let checkpoint = Checkpoint::load(folder)?;
            checkpoint.check_served()?;
            Ok(checkpoint)
        }
        None => Checkpoint::from_bytes(
            "models/default (embedded)",
            include_bytes!("../models/default/config.json"),
            include_bytes!("../models/default/tokenizer.json"),
            include_bytes!("../models/default/model.safetensors"),
            include_bytes!("../models/default/gate.safetensors"),
        ),
    }
}
