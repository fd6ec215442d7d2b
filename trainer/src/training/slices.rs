//! CPU tensors as contiguous slices, and the number of elements that a thread processes at a time.

use candle_core::{CpuStorage, Layout, Result};

/// Elements per thread and task.
pub const CHUNK: usize = 1 << 16;

/// The values described by `layout`.
pub fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a strided tensor in the optimiser")
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// The same, mutable.
pub fn contiguous_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (Some((start, end)), CpuStorage::F32(values)) = (layout.contiguous_offsets(), storage)
    else {
        candle_core::bail!("a strided or foreign tensor in the optimiser")
    };
    Ok(&mut values[start..end])
}
