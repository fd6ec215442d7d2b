//! The recurrent state of one layer.

use candle_core::Tensor;

/// The state of one layer: `h` `[B,H]`, and `c` `[B,H]` in an LSTM. Never requires a gradient.
#[derive(Clone, Debug)]
pub(super) struct LayerState {
    pub(super) h: Tensor,
    pub(super) c: Option<Tensor>,
}

impl LayerState {
    pub(super) fn new(h: &Tensor, c: Option<&Tensor>) -> Self {
        Self {
            h: h.detach(),
            c: c.map(Tensor::detach),
        }
    }

    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(&self.h).chain(&self.c)
    }
}
