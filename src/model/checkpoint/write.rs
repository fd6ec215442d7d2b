//! Writing checkpoints: the folder is replaced atomically.

use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};

use super::{
    CARD, CONFIG, Checkpoint, CheckpointError, Config, Fingerprints, GATE, GateConfig, Precision,
    TOKENIZER, WEIGHTS,
};
use crate::files::{fingerprint, replace_folder, write_synced};
use crate::model::Parameters;

impl Checkpoint {
    /// Writes the folder, replacing an existing one only when the new one is complete. `card` is its `README.md`;
    /// `more` may write further files to the folder it receives.
    pub fn save(
        &self,
        folder: &Path,
        precision: Precision,
        card: &str,
        more: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), CheckpointError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CheckpointError::Io {
                action: "write",
                path,
                source,
            }
        };
        let weights = serialized(&self.parameters, precision, WEIGHTS)?;
        let gate = serialized(&self.gate, Precision::F32, GATE)?;
        let fingerprints = Fingerprints {
            weights: fingerprint::of(&weights),
            ..self.config.fingerprints.clone()
        };
        let config = Config {
            fingerprints,
            gate: self.config.gate.clone().map(|config| GateConfig {
                fingerprint: fingerprint::of(&gate),
                ..config
            }),
            ..self.config.clone()
        };
        let has_gate = config.gate.is_some();
        let config = serde_json::to_vec_pretty(&config).map_err(|e| failed(folder)(e.into()))?;
        let tokenizer =
            self.vocabulary
                .to_tokenizer_json()
                .map_err(|source| CheckpointError::Vocabulary {
                    path: folder.join(TOKENIZER),
                    source,
                })?;

        replace_folder(folder, |new| {
            for (name, bytes) in [
                (WEIGHTS, &weights),
                (TOKENIZER, &tokenizer),
                (CONFIG, &config),
            ] {
                write_synced(&new.join(name), bytes)?;
            }
            if has_gate {
                write_synced(&new.join(GATE), &gate)?;
            }
            write_synced(&new.join(CARD), card.as_bytes())?;
            more(new)
        })
        .map_err(failed(folder))
    }
}

/// The bytes of a safetensors file.
fn serialized(
    parameters: &Parameters,
    precision: Precision,
    name: &str,
) -> Result<Vec<u8>, CheckpointError> {
    let mut all = Vec::new();
    for (name, parameter) in parameters {
        let values = parameter.values();
        let (dtype, bytes): (_, Vec<u8>) = match precision {
            Precision::F32 => (
                Dtype::F32,
                values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
            Precision::F16 => (
                Dtype::F16,
                values
                    .iter()
                    .flat_map(|&v| half::f16::from_f32(v).to_le_bytes())
                    .collect(),
            ),
        };
        all.push((name, dtype, parameter.shape().to_vec(), bytes));
    }
    let views = all.iter().map(|(name, dtype, shape, bytes)| {
        let view =
            TensorView::new(*dtype, shape.clone(), bytes).expect("the bytes must match the shape");
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).map_err(|source| CheckpointError::Weights {
        path: PathBuf::from(name),
        source,
    })
}
