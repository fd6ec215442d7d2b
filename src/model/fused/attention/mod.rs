//! A transformer's attention sublayer as one operation: `y = x + attention(norm(x)) W_o^T`.
//!
//! Queries and keys are normalised per head (Henry et al. 2020, "Query-Key Normalization") and rotated by their position (Su et
//! al. 2021, RoPE); several query heads share a key-value head (Ainslie et al. 2023). Scores are computed block by block of
//! queries and again in the backward pass (Dao et al. 2022, "FlashAttention"), so that no T x T matrix is ever in memory.
//!
//! A query attends to the last `window` tokens of its file, including tokens of earlier passes.

mod backward;
mod forward;
mod heads;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::graph::{gradients, slice, values};
use crate::model::pass::MatmulPrecision;
use crate::model::positions::Positions;

/// Sizes of the sublayer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadSizes {
    /// Query heads.
    pub(crate) heads: usize,
    /// Key-value heads; each serves `heads / key_value_heads` query heads.
    pub(crate) key_value_heads: usize,
    /// `D`, the values per head.
    pub(crate) head_size: usize,
    /// Most keys that a query attends to, its own included.
    pub(crate) window: usize,
}

impl HeadSizes {
    /// Columns of the queries, of the keys, and of queries, keys and values.
    fn columns(self) -> (usize, usize, usize) {
        let queries = self.heads * self.head_size;
        let keys = self.key_value_heads * self.head_size;
        (queries, keys, queries + 2 * keys)
    }
}

/// Keys and values of earlier tokens, `[P,B,K*D]`; never require a gradient.
#[derive(Clone, Debug)]
pub(crate) struct KeyValues {
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
}

/// `x` `[T,B,C]` -> `[T,B,C]`, and the keys and values `[T,B,K*D]`. Weights: `projection` `[(Q+2K)*D,C]` of queries, keys and
/// values, `gain` `[Q]`, which multiplies the scores, and `output` `[C,Q*D]`.
pub(crate) fn attention(
    x: &Tensor,
    [projection, gain, output]: [&Tensor; 3],
    (positions, past): (&Arc<Positions>, &KeyValues),
    sizes: HeadSizes,
    precision: MatmulPrecision,
) -> Result<(Tensor, KeyValues)> {
    let (steps, lanes, width) = x.dims3()?;
    let pass = Arc::new(Attention {
        steps,
        lanes,
        width,
        sizes,
        positions: Arc::clone(positions),
        past_keys: values(&past.keys)?,
        past_values: values(&past.values)?,
        precision,
        saved: Mutex::default(),
    });
    let flat = [projection, gain, output].map(Tensor::flatten_all);
    let [a, b, c] = flat;
    let flat = Tensor::cat(&[a?, b?, c?], 0)?;
    let y = x
        .contiguous()?
        .apply_op2(&flat, Operation(Arc::clone(&pass)))?;
    let (keys, values) = pass.keys_and_values();
    let shape = (steps, lanes, sizes.columns().1);
    Ok((
        y,
        KeyValues {
            keys: Tensor::from_vec(keys, shape, x.device())?,
            values: Tensor::from_vec(values, shape, x.device())?,
        },
    ))
}

struct Attention {
    steps: usize,
    lanes: usize,
    width: usize,
    sizes: HeadSizes,
    positions: Arc<Positions>,
    past_keys: Vec<f32>,
    past_values: Vec<f32>,
    precision: MatmulPrecision,
    saved: Mutex<Saved>,
}

/// What the backward pass needs besides the input. Rows are time-major.
#[derive(Default)]
struct Saved {
    /// Inverse root mean squares of the input's rows.
    inverse: Vec<f32>,
    /// Rotated queries and keys without gain, and values `[T*B,(Q+2K)*D]`.
    projected: Vec<f32>,
    /// Inverse root mean squares of queries and keys `[T*B,Q+K]`.
    inverse_heads: Vec<f32>,
    /// Attention's output before `W_o` `[T*B,Q*D]`.
    mixed: Vec<f32>,
    /// Log of each query's softmax denominator, by lane and key-value head: `[group,T]`.
    normalizers: Vec<Vec<f32>>,
}

/// One lane and key-value head.
#[derive(Clone, Copy)]
struct LaneHead {
    lane: usize,
    head: usize,
}

/// The sublayer's weights.
struct Weights<'a> {
    projection: &'a [f32],
    gain: &'a [f32],
    output: &'a [f32],
}

impl Attention {
    fn rows(&self) -> usize {
        self.steps * self.lanes
    }

    fn past(&self) -> usize {
        self.past_keys.len() / (self.lanes * self.sizes.columns().1)
    }

    fn split<'a>(&self, flat: &'a [f32]) -> Weights<'a> {
        let (projection, rest) = flat.split_at(self.sizes.columns().2 * self.width);
        let (gain, output) = rest.split_at(self.sizes.heads);
        Weights {
            projection,
            gain,
            output,
        }
    }

    fn tasks(&self) -> Vec<LaneHead> {
        let lanes = 0..self.lanes;
        let heads = self.sizes.key_value_heads;
        lanes
            .flat_map(|lane| (0..heads).map(move |head| LaneHead { lane, head }))
            .collect()
    }

    /// Query heads of a key-value head.
    fn group(&self) -> usize {
        self.sizes.heads / self.sizes.key_value_heads
    }

    /// The pass's keys and values, `[T,B,K*D]`.
    fn keys_and_values(&self) -> (Vec<f32>, Vec<f32>) {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let (queries, keys, all) = self.sizes.columns();
        let part = |from: usize| {
            let mut found = Vec::with_capacity(self.rows() * keys);
            for row in saved.projected.chunks_exact(all) {
                found.extend_from_slice(&row[from..from + keys]);
            }
            found
        };
        (part(queries), part(queries + keys))
    }
}

/// [`Attention`] as a Candle operation on `x` and the concatenated weights.
struct Operation(Arc<Attention>);

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        l1: &Layout,
        flat: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.0.forward(slice(x, l1)?, slice(flat, l2)?);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        flat: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        gradients([x, flat, grad], |[x, flat, grad]| {
            self.0.backward(x, flat, grad)
        })
    }
}
