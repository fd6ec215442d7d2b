//! Gradient flow of single predictions: how far back gradients reach on the first files of a split.

use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use minicopilot::model::{GradientFlow, Model};

use crate::data::Shards;

/// Tokens before the prediction, starting at a file's first.
const CONTEXT: usize = 256;
/// Number of files; one prediction each.
const FILES: usize = 128;

/// The mean over the first files that are long enough.
pub fn measure(model: &Model, files: &Shards) -> Result<GradientFlow> {
    let lanes: Vec<&[u16]> = (0..files.len())
        .filter(|&file| files.file_len(file) > CONTEXT)
        .take(FILES)
        .map(|file| &files.file(file)[..=CONTEXT])
        .collect();
    ensure!(
        !lanes.is_empty(),
        "--gradients: no file of this split has more than {CONTEXT} tokens"
    );
    let ids = (0..CONTEXT).flat_map(|t| lanes.iter().map(move |lane| u32::from(lane[t])));
    let ids: Vec<u32> = ids.collect();
    let targets: Vec<u32> = lanes.iter().map(|lane| u32::from(lane[CONTEXT])).collect();
    let ids = Tensor::from_vec(ids, (CONTEXT, lanes.len()), &Device::Cpu)?; // [T,B]
    Ok(model.gradient_flow(&ids.to_device(model.device())?, &targets)?)
}
