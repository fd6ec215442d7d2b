//! Settings of a training pass.

use serde::{Deserialize, Serialize};

/// Precision of the factors of training's matrix products. Accumulation and the weights that the optimiser updates are
/// always f32 (Micikevicius et al. 2018, "Mixed Precision Training"; bf16: Kalamkar et al. 2019).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatmulPrecision {
    /// 24 bits of mantissa.
    #[default]
    F32,
    /// 8 bits of mantissa, the range of f32.
    Bf16,
}

/// Settings of a training pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrainingPass<'a> {
    /// `[T*B]`, time-major: whether an input is the first token of a file, so that the previous state counts as zero.
    pub starts: Option<&'a [bool]>,
    /// Seed of this pass's dropout masks; None disables dropout.
    pub dropout_seed: Option<u64>,
    /// Precision of the recurrent layers' matrix products.
    pub precision: MatmulPrecision,
}
