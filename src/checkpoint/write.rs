//! Writing: the folder appears whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};

use super::{
    CARD, CONFIG, Checkpoint, CheckpointError, Config, Fingerprints, Precision, TOKENIZER, WEIGHTS,
    replace_folder, write_synced,
};
use crate::fingerprint;

impl Checkpoint {
    /// Writes the folder, replacing one that is there only when the new one is complete. `card` is its `README.md`;
    /// `more` may write further files into the folder it is given.
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
        let weights = self.weights(precision)?;
        let fingerprints = Fingerprints {
            weights: fingerprint::of(&weights),
            ..self.config.fingerprints.clone()
        };
        let config = Config {
            fingerprints,
            ..self.config.clone()
        };
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
            write_synced(&new.join(CARD), card.as_bytes())?;
            more(new)
        })
        .map_err(failed(folder))
    }

    /// The bytes of `model.safetensors`.
    fn weights(&self, precision: Precision) -> Result<Vec<u8>, CheckpointError> {
        let mut tensors = Vec::new();
        for (name, tensor) in &self.tensors {
            let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
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
            tensors.push((name, dtype, tensor.dims().to_vec(), bytes));
        }
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).expect("bytes of this shape");
            (name.as_str(), view)
        });
        safetensors::serialize(views, None).map_err(|source| CheckpointError::Weights {
            path: PathBuf::from(WEIGHTS),
            source,
        })
    }
}
