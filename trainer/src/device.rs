//! Compute devices, by the value of `--device`.

use anyhow::{Context, Result, bail};
use candle_core::Device;

/// Opens `cpu`, `cuda` or `cuda:N`.
pub(crate) fn open(name: &str) -> Result<Device> {
    let index = match name.split_once(':') {
        None if name == "cpu" => return Ok(Device::Cpu),
        None if name == "cuda" => 0,
        Some(("cuda", index)) => index
            .parse()
            .with_context(|| format!("--device {name}: expected a number after the colon"))?,
        _ => bail!("--device {name}: expected cpu, cuda or cuda:N"),
    };
    let advice = if cfg!(feature = "cuda") {
        "check the driver with nvidia-smi, or use --device cpu"
    } else {
        "this trainer was built without CUDA: build it with --features cuda, or use --device cpu"
    };
    let device = Device::new_cuda(index).map_err(|error| {
        let cause = error.to_string();
        anyhow::anyhow!(
            "--device {name}: {}; {advice}",
            cause.lines().next().unwrap_or("no such device")
        )
    })?;
    #[cfg(feature = "cuda")]
    crate::memory::keep_freed_gpu_memory(&device)?;
    Ok(device)
}
