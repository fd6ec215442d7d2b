//! The state of the recurrent network: exact while reading, stored as f16.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// The state after some tokens, of both layers: [`crate::model::State`] of one sequence.
#[derive(Clone, Debug)]
pub(super) struct RecurrentState {
    pub(super) layers: [RecurrentLayerState; 2],
}

/// `h` `[H]` and `c` `[H]`. An Elman layer does not use `c`.
#[derive(Clone, Debug)]
pub(super) struct RecurrentLayerState {
    pub(super) h: Vec<f32>,
    pub(super) c: Vec<f32>,
}

/// A state in half the memory, with an 11-bit significand.
#[derive(Clone, Debug)]
pub(super) struct CompressedState {
    layers: [CompressedLayerState; 2],
}

/// [`RecurrentLayerState`] in f16.
#[derive(Clone, Debug)]
struct CompressedLayerState {
    h: Box<[f16]>,
    c: Box<[f16]>,
}

impl RecurrentState {
    /// The state before the first token: zeros.
    pub(super) fn zero(hidden_size: usize) -> Self {
        let layer = || RecurrentLayerState {
            h: vec![0.0; hidden_size],
            c: vec![0.0; hidden_size],
        };
        Self {
            layers: [layer(), layer()],
        }
    }

    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter();
        layers
            .map(|layer| size_of_val(&layer.h[..]) + size_of_val(&layer.c[..]))
            .sum()
    }

    /// Rounded to f16.
    pub(super) fn compress(&self) -> CompressedState {
        CompressedState {
            layers: self.layers.each_ref().map(|layer| CompressedLayerState {
                h: to_f16(&layer.h),
                c: to_f16(&layer.c),
            }),
        }
    }
}

impl CompressedState {
    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter();
        layers
            .map(|layer| size_of_val(&layer.h[..]) + size_of_val(&layer.c[..]))
            .sum()
    }

    /// The state, apart from the rounding.
    pub(super) fn expand(&self) -> RecurrentState {
        RecurrentState {
            layers: self.layers.each_ref().map(|layer| RecurrentLayerState {
                h: to_f32(&layer.h),
                c: to_f32(&layer.c),
            }),
        }
    }
}

fn to_f16(values: &[f32]) -> Box<[f16]> {
    let mut rounded = vec![f16::ZERO; values.len()];
    rounded.convert_from_f32_slice(values);
    rounded.into()
}

fn to_f32(values: &[f16]) -> Vec<f32> {
    let mut exact = vec![0.0; values.len()];
    values.convert_to_f32_slice(&mut exact);
    exact
}
