//! Embedding lookup with a parallel backward pass: Candle's own kernel uses one thread per column.

use candle_core::{CpuStorage, InplaceOp3, Layout, Result, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, cuda::cudarc::driver::PushKernelArg};

use super::super::fused::slice;
use super::precomputed::PrecomputedOp;
use super::slice_f32_mut;

/// Looks up rows `ids` `[N]` of `table` `[V,E]`; returns `[N,E]`.
pub(in crate::model) fn lookup(table: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let rows = table.detach().index_select(ids, 0)?;
    let (shape, ids) = (table.shape().clone(), ids.contiguous()?);
    let backward = move |d_rows: &Tensor| {
        let gradient = Tensor::zeros(&shape, d_rows.dtype(), d_rows.device())?;
        gradient.inplace_op3(&ids, d_rows, &AddRows)?;
        Ok(gradient)
    };
    table.apply_op1(PrecomputedOp::new("embedding", rows, backward))
}

/// Adds rows `[N,E]` to `gradient` `[V,E]` at `ids` `[N]`.
struct AddRows;

impl InplaceOp3 for AddRows {
    fn name(&self) -> &'static str {
        "embedding-gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &mut CpuStorage,
        l1: &Layout,
        ids: &CpuStorage,
        l2: &Layout,
        rows: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let width = l1.shape().dims2()?.1;
        let gradient = slice_f32_mut(gradient, l1)?;
        let ids = &ids.as_slice::<u32>()?[l2.start_offset()..][..l2.shape().elem_count()];
        for (&id, row) in ids.iter().zip(slice(rows, l3)?.chunks_exact(width)) {
            let sums = &mut gradient[id as usize * width..][..width];
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        gradient: &mut CudaStorage,
        l1: &Layout,
        ids: &CudaStorage,
        l2: &Layout,
        rows: &CudaStorage,
        l3: &Layout,
    ) -> Result<()> {
        use super::launch::{elements, input, kernel, output};
        let (count, width) = l3.shape().dims2()?;
        let kernel = kernel(&rows.device, "embedding_gradient")?;
        let (ids, rows) = (input::<u32>(ids, l2)?, input::<f32>(rows, l3)?);
        let mut gradient = output::<f32>(gradient, l1)?;
        let mut launch = kernel.builder();
        launch.arg(&mut gradient).arg(&ids).arg(&rows);
        let sizes = [count as i32, width as i32];
        sizes.iter().for_each(|size| {
            launch.arg(size);
        });
        // SAFETY: the arguments match the kernel's parameters; ids are below V, as `index_select` has checked.
        unsafe { launch.launch(elements(count * width)) }.map_err(candle_core::Error::wrap)?;
        Ok(())
    }
}
