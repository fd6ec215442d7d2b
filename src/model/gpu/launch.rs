//! Launches the kernels of `kernels.cu`.

use std::sync::{Arc, OnceLock};

use candle_core::cuda::cudarc::driver::{
    CudaFunction, CudaStream, CudaView, CudaViewMut, LaunchArgs, LaunchConfig,
};
use candle_core::cuda::cudarc::nvrtc::compile_ptx;
use candle_core::cuda::{CudaDType, CudaDevice};
use candle_core::{CudaStorage, Layout, Result, Storage};

/// Threads per block; equals `THREADS` in the kernels.
const THREADS: u32 = 256;

/// A kernel and its stream.
pub(in crate::model) struct Kernel {
    function: CudaFunction,
    stream: Arc<CudaStream>,
}

impl Kernel {
    /// A launch that takes the kernel's arguments.
    pub(in crate::model) fn builder(&self) -> LaunchArgs<'_> {
        self.stream.launch_builder(&self.function)
    }
}

/// The kernel with this name. The first call compiles all kernels.
pub(in crate::model) fn kernel(device: &CudaDevice, name: &str) -> Result<Kernel> {
    static PTX: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let ptx = PTX.get_or_init(|| {
        compile_ptx(include_str!("kernels.cu"))
            .map(|ptx| ptx.to_src())
            .map_err(|error| error.to_string())
    });
    match ptx {
        Ok(ptx) => Ok(Kernel {
            function: device
                .get_or_load_custom_func(name, "minicopilot", ptx)?
                .into_cuda_function(),
            stream: device.cuda_stream(),
        }),
        Err(error) => candle_core::bail!("the CUDA kernels do not compile: {error}"),
    }
}

/// One thread per element.
pub(in crate::model) fn elements(count: usize) -> LaunchConfig {
    blocks(count.div_ceil(THREADS as usize))
}

/// `count` blocks of `THREADS` threads.
pub(in crate::model) fn blocks(count: usize) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (count as u32, 1, 1),
        block_dim: (THREADS, 1, 1),
        shared_mem_bytes: 0,
    }
}

/// Read access to the elements of a contiguous tensor.
pub(in crate::model) fn input<'a, T: CudaDType>(
    storage: &'a CudaStorage,
    layout: &Layout,
) -> Result<CudaView<'a, T>> {
    let (start, end) = offsets(layout)?;
    Ok(storage.as_cuda_slice::<T>()?.slice(start..end))
}

/// Write access to the elements of a contiguous tensor.
pub(in crate::model) fn output<'a, T: CudaDType>(
    storage: &'a mut CudaStorage,
    layout: &Layout,
) -> Result<CudaViewMut<'a, T>> {
    let (start, end) = offsets(layout)?;
    Ok(storage.as_cuda_slice_mut::<T>()?.slice_mut(start..end))
}

/// The CUDA storage of a tensor.
pub(in crate::model) fn cuda(storage: &Storage) -> Result<&CudaStorage> {
    match storage {
        Storage::Cuda(storage) => Ok(storage),
        _ => candle_core::bail!("a kernel got a tensor that is not on the GPU"),
    }
}

fn offsets(layout: &Layout) -> Result<(usize, usize)> {
    match layout.contiguous_offsets() {
        Some(offsets) => Ok(offsets),
        None => candle_core::bail!("a kernel got a strided tensor"),
    }
}
