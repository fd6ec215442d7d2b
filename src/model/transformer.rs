//! The layers of a decoder-only transformer (Vaswani et al. 2017) between embedding and output layer.
//!
//! Pre-norm residual blocks of windowed attention and a feed-forward network; no biases, no learned gains of norms. On the CPU a
//! sublayer is one operation of [`super::fused`]; elsewhere it is built from plain Candle operations, which are also the
//! reference implementation in tests.

use std::sync::Arc;

use candle_core::{D, Result, Tensor};

use super::config::TransformerConfig;
use super::fused::{self, HeadSizes, KeyValues};
use super::pass::{MatmulPrecision, TrainingPass};
use super::positions::Positions;

/// One block: attention and a feed-forward network.
#[derive(Clone, Debug)]
pub(super) struct Block {
    sizes: HeadSizes,
    /// Rotated pairs per head.
    pairs: usize,
    projection: Tensor, // [(Q+2K)*D,C]: queries, keys, values
    gain: Tensor,       // [Q]
    output: Tensor,     // [C,Q*D]
    up: Tensor,         // [M,C]
    down: Tensor,       // [C,M]
}

/// What a transformer remembers of the tokens before a pass. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct TransformerState {
    /// Tokens of its current file that each lane has read.
    read: Vec<u32>,
    /// The last keys and values of each layer, `[W-1,B,K*D]`; zeros where there are none yet.
    layers: Vec<KeyValues>,
}

impl TransformerState {
    /// The tensors of the state: tokens read `[B]`, then keys and values of each layer.
    pub(super) fn tensors(&self) -> Result<Vec<Tensor>> {
        let layers = self.layers.iter();
        let read: Vec<f32> = self.read.iter().map(|&read| read as f32).collect();
        let device = self.layers[0].keys.device();
        let read = Tensor::from_vec(read, self.read.len(), device)?;
        let layers = layers.flat_map(|layer| [layer.keys.clone(), layer.values.clone()]);
        Ok(std::iter::once(read).chain(layers).collect())
    }

    /// The state described by [`TransformerState::tensors`].
    pub(super) fn from_tensors(read: &Tensor, layers: &[Tensor]) -> Result<Self> {
        let read: Vec<f32> = read.to_vec1()?;
        Ok(Self {
            read: read.into_iter().map(|read| read as u32).collect(),
            layers: layers
                .chunks_exact(2)
                .map(|pair| KeyValues {
                    keys: pair[0].clone(),
                    values: pair[1].clone(),
                })
                .collect(),
        })
    }
}

/// The blocks over `parameters`, five for each.
pub(super) fn blocks(config: &TransformerConfig, parameters: &[Tensor]) -> Vec<Block> {
    let layers = parameters.chunks_exact(5).enumerate();
    let block = |(layer, p): (usize, &[Tensor])| Block {
        sizes: HeadSizes {
            heads: config.heads,
            key_value_heads: config.key_value_heads,
            head_size: config.head_size,
            window: config.window(layer),
        },
        pairs: config.rotated_pairs,
        projection: p[0].clone(),
        gain: p[1].clone(),
        output: p[2].clone(),
        up: p[3].clone(),
        down: p[4].clone(),
    };
    layers.map(block).collect()
}

/// The state of `lanes` lanes at the start of a file.
pub(super) fn zero_state(blocks: &[Block], lanes: usize) -> Result<TransformerState> {
    let layer = |block: &Block| {
        let columns = block.sizes.key_value_heads * block.sizes.head_size;
        let shape = (block.sizes.window - 1, lanes, columns);
        let keys = Tensor::zeros(shape, block.gain.dtype(), block.gain.device())?;
        Ok(KeyValues {
            values: keys.clone(),
            keys,
        })
    };
    Ok(TransformerState {
        read: vec![0; lanes],
        layers: blocks.iter().map(layer).collect::<Result<_>>()?,
    })
}

/// Embedded tokens `x` `[T,B,C]` -> final hidden `[T,B,C]` and the state after them, which is detached.
pub(super) fn seq(
    blocks: &[Block],
    x: &Tensor,
    state: &TransformerState,
    training: Option<TrainingPass>,
) -> Result<(Tensor, TransformerState)> {
    let is_plain = !x.device().is_cpu();
    run(blocks, x, state, training, is_plain)
}

/// [`seq`], in plain Candle operations if `is_plain`.
pub(super) fn run(
    blocks: &[Block],
    x: &Tensor,
    state: &TransformerState,
    training: Option<TrainingPass>,
    is_plain: bool,
) -> Result<(Tensor, TransformerState)> {
    let (steps, lanes, _) = x.dims3()?;
    if state.layers.len() != blocks.len() || state.read.len() != lanes {
        candle_core::bail!("the state belongs to other layers or lanes")
    }
    let starts = training.and_then(|training| training.starts);
    let pairs = blocks.first().map_or(0, |block| block.pairs);
    let positions = Arc::new(Positions::new(&state.read, steps, starts, pairs));
    let precision = training.map_or(MatmulPrecision::F32, |training| training.precision);
    let mut x = normalized(x)?;
    let mut layers = Vec::with_capacity(blocks.len());
    for (block, past) in blocks.iter().zip(&state.layers) {
        let (y, new) = if is_plain {
            block.plain(&x, &positions, past)?
        } else {
            block.fused(&x, &positions, past, precision)?
        };
        let keep = |past: &Tensor, new: Tensor| {
            let all = Tensor::cat(&[past, &new.detach()], 0)?;
            let kept = past.dim(0)?;
            all.narrow(0, all.dim(0)? - kept, kept)?.force_contiguous()
        };
        layers.push(KeyValues {
            keys: keep(&past.keys, new.keys)?,
            values: keep(&past.values, new.values)?,
        });
        x = y;
    }
    let state = TransformerState {
        read: positions.after(lanes),
        layers,
    };
    Ok((normalized(&x)?, state))
}

impl Block {
    fn fused(
        &self,
        x: &Tensor,
        positions: &Arc<Positions>,
        past: &KeyValues,
        precision: MatmulPrecision,
    ) -> Result<(Tensor, KeyValues)> {
        let weights = [&self.projection, &self.gain, &self.output];
        let (x, new) = fused::attention(x, weights, (positions, past), self.sizes, precision)?;
        let x = fused::feed_forward(&x, &self.up, &self.down, precision)?;
        Ok((x, new))
    }

    /// The block in plain differentiable Candle operations; scores of all queries are in memory at once.
    fn plain(
        &self,
        x: &Tensor,
        positions: &Positions,
        past: &KeyValues,
    ) -> Result<(Tensor, KeyValues)> {
        let HeadSizes {
            heads,
            key_value_heads,
            head_size,
            ..
        } = self.sizes;
        let (steps, lanes, width) = x.dims3()?;
        let projected = normalized(x)?
            .reshape((steps * lanes, width))?
            .matmul(&self.projection.t()?)?
            .reshape((steps, lanes, heads + 2 * key_value_heads, head_size))?; // [T,B,Q+2K,D]
        let placed = projected.narrow(2, 0, heads + key_value_heads)?;
        let placed = self.rotated(&normalized(&placed)?, positions)?;
        let queries = placed.narrow(2, 0, heads)?; // [T,B,Q,D]
        let flat = |part: Tensor| part.contiguous()?.reshape((steps, lanes, ()));
        let new = KeyValues {
            keys: flat(placed.narrow(2, heads, key_value_heads)?)?,
            values: flat(projected.narrow(2, heads + key_value_heads, key_value_heads)?)?,
        };

        let by_query_head = |past: &Tensor, new: &Tensor| {
            let all = Tensor::cat(&[past, new], 0)?; // [N,B,K*D]
            let count = all.dim(0)?;
            let group = heads / key_value_heads;
            all.reshape((count, lanes, key_value_heads, 1, head_size))?
                .broadcast_as((count, lanes, key_value_heads, group, head_size))?
                .contiguous()?
                .reshape((count, lanes * heads, head_size))?
                .transpose(0, 1)?
                .contiguous() // [B*Q,N,D]
        };
        let keys = by_query_head(&past.keys, &new.keys)?;
        let values = by_query_head(&past.values, &new.values)?;
        let gain = (&self.gain / (head_size as f64).sqrt())?.reshape((1, 1, heads, 1))?;
        let queries = queries
            .broadcast_mul(&gain)?
            .contiguous()?
            .reshape((steps, lanes * heads, head_size))?
            .transpose(0, 1)?
            .contiguous()?; // [B*Q,T,D]
        let scores = queries.matmul(&keys.t()?.contiguous()?)?; // [B*Q,T,N]
        let masked =
            scores.broadcast_add(&self.mask(positions, past.keys.dim(0)?, (steps, lanes), x)?)?;
        let shares = candle_nn::ops::softmax(&masked, D::Minus1)?;
        let mixed = shares
            .matmul(&values)?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((steps * lanes, heads * head_size))?; // [T*B,Q*D]
        let x = (x + mixed
            .matmul(&self.output.t()?)?
            .reshape((steps, lanes, width))?)?;

        Ok((self.plain_feed_forward(&x)?, new))
    }

    fn plain_feed_forward(&self, x: &Tensor) -> Result<Tensor> {
        let (steps, lanes, width) = x.dims3()?;
        let inner = normalized(x)?
            .reshape((steps * lanes, width))?
            .matmul(&self.up.t()?)?
            .relu()?
            .sqr()?;
        let added = inner.matmul(&self.down.t()?)?;
        x + added.reshape((steps, lanes, width))?
    }

    /// Rotates the first pairs of each head of `x` `[T,B,N,D]`.
    fn rotated(&self, x: &Tensor, positions: &Positions) -> Result<Tensor> {
        let (steps, lanes, ..) = x.dims4()?;
        let rows = 0..steps * lanes;
        let (cosines, sines): (Vec<&[f32]>, Vec<&[f32]>) =
            rows.map(|row| positions.angles(row)).unzip();
        let tensor = |rows: Vec<&[f32]>| {
            Tensor::from_vec(rows.concat(), (steps, lanes, 1, self.pairs), x.device())
        };
        let (cos, sin) = (tensor(cosines)?, tensor(sines)?);
        let a = x.narrow(3, 0, self.pairs)?;
        let b = x.narrow(3, self.pairs, self.pairs)?;
        let turned_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let turned_b = (a.broadcast_mul(&sin)? + b.broadcast_mul(&cos)?)?;
        let rest = self.sizes.head_size - 2 * self.pairs;
        if rest == 0 {
            return Tensor::cat(&[turned_a, turned_b], 3);
        }
        Tensor::cat(&[turned_a, turned_b, x.narrow(3, 2 * self.pairs, rest)?], 3)
    }

    /// `[B*Q,T,P+T]`: 0 where a query sees a key, -inf elsewhere.
    fn mask(
        &self,
        positions: &Positions,
        past: usize,
        (steps, lanes): (usize, usize),
        like: &Tensor,
    ) -> Result<Tensor> {
        let mut mask = vec![f32::NEG_INFINITY; lanes * steps * (past + steps)];
        for (at, row) in mask.chunks_exact_mut(past + steps).enumerate() {
            let (lane, step) = (at / steps, at % steps);
            let own = past + step;
            let seen = positions
                .visible(step * lanes + lane)
                .min(self.sizes.window);
            row[own + 1 - seen.min(own + 1)..=own].fill(0.0);
        }
        let heads = self.sizes.heads;
        Tensor::from_vec(mask, (lanes, 1, steps, past + steps), like.device())?
            .broadcast_as((lanes, heads, steps, past + steps))?
            .contiguous()?
            .reshape((lanes * heads, steps, past + steps))
    }
}

/// Divides each row of the last axis by its root mean square.
fn normalized(x: &Tensor) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + f64::from(fused::EPSILON))?.sqrt()?)
}
