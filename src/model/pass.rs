//! What a training pass asks of a network besides its outputs.

use serde::{Deserialize, Serialize};

/// In what the factors of training's matrix products are held; sums are f32 in either case, and so are the weights
/// that the optimiser updates (Micikevicius et al. 2018, "Mixed Precision Training"; bf16: Kalamkar et al. 2019).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatmulPrecision {
    /// 24 bits of mantissa.
    #[default]
    F32,
    /// 8 bits of mantissa, the range of f32.
    Bf16,
}

/// What training asks of a pass besides the outputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrainingPass<'a> {
    /// `[T*B]`, time-major: where an input is the first token of a file, the state before it counts as zero.
    pub starts: Option<&'a [bool]>,
    /// Seed of this pass's dropout masks; without one nothing is dropped.
    pub dropout_seed: Option<u64>,
    /// Of the recurrent layers' matrix products.
    pub precision: MatmulPrecision,
}
