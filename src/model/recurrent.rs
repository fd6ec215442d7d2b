//! One recurrent layer.
//!
//! On the CPU a layer runs the fused operation of [`super::fused`]; on a GPU, an LSTM runs [`super::gpu`] and an RNN
//! runs plain Candle operations. The plain form is also the reference implementation in tests.

use candle_core::{DType, Device, Result, Tensor};

use super::config::Architecture;
use super::fused::{self, Elman, Gated, Weights};
use super::gpu;
use super::layer_state::LayerState;
use super::pass::{MatmulPrecision, TrainingPass};

/// A layer's recurrence.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)` (PyTorch `nn.RNN`).
    Elman,
    /// Gates i, f, g, o; `c' = σ(f) c + σ(i) tanh(g)`, `h' = σ(o) tanh(c')` (PyTorch `nn.LSTM`).
    Lstm,
}

/// A recurrent layer over its parameters.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    cell: Cell,
    weights: Weights<Tensor>,
}

impl Layer {
    /// A layer over `weight_ih` `[G*H,I]`, `weight_hh` `[G*H,H]`, `bias_ih` `[G*H]`, `bias_hh` `[G*H]`.
    pub(super) fn new(architecture: Architecture, parameters: &[Tensor]) -> Self {
        let cell = match architecture {
            Architecture::Rnn => Cell::Elman,
            _ => Cell::Lstm,
        };
        let [input, recurrent, bias_input, bias_recurrent] =
            [0, 1, 2, 3].map(|k| parameters[k].clone());
        Self {
            cell,
            weights: Weights {
                input,
                recurrent,
                bias_input,
                bias_recurrent,
            },
        }
    }

    pub(super) fn zero_state(
        &self,
        lanes: usize,
        hidden: usize,
        device: &Device,
    ) -> Result<LayerState> {
        let zero = Tensor::zeros((lanes, hidden), DType::F32, device)?;
        let c = matches!(self.cell, Cell::Lstm).then(|| zero.clone());
        Ok(LayerState { h: zero, c })
    }

    /// `x` `[T,B,I]` -> `h` `[T,B,H]` and the final state.
    pub(super) fn seq(
        &self,
        x: &Tensor,
        state: &LayerState,
        training: Option<TrainingPass>,
    ) -> Result<(Tensor, LayerState)> {
        if !x.device().is_cpu() {
            let starts = training.and_then(|t| t.starts);
            gpu::allow_tf32(training.map_or(MatmulPrecision::F32, |t| t.precision));
            return match self.cell {
                Cell::Elman => self.plain(x, state, starts),
                Cell::Lstm => gpu::seq(x, &self.weights, state, starts),
            };
        }
        let seq = match self.cell {
            Cell::Elman => fused::seq::<Elman>,
            Cell::Lstm => fused::seq::<Gated>,
        };
        let (outputs, h, c) = seq(x, &self.weights, (&state.h, state.c.as_ref()), training)?;
        Ok((outputs, LayerState { h, c }))
    }

    /// [`Layer::seq`] in plain differentiable Candle operations: one input projection, then one step at a time.
    pub(super) fn plain(
        &self,
        x: &Tensor,
        state: &LayerState,
        starts: Option<&[bool]>,
    ) -> Result<(Tensor, LayerState)> {
        let (steps, lanes, inputs) = x.dims3()?;
        let flat = x.reshape((steps * lanes, inputs))?; // [T*B,I]
        let bias = (&self.weights.bias_input + &self.weights.bias_recurrent)?; // [G*H]
        let projected = flat
            .matmul(&self.weights.input.t()?)?
            .broadcast_add(&bias)?; // [T*B,G*H]
        let projected = projected.reshape((steps, lanes, ()))?; // [T,B,G*H]
        let (mut h, mut c) = (state.h.clone(), state.c.clone());
        let mut outputs = Vec::with_capacity(steps);
        for t in 0..steps {
            if let Some(starts) = starts {
                let keep: Vec<f32> = starts[t * lanes..][..lanes]
                    .iter()
                    .map(|&start| f32::from(u8::from(!start)))
                    .collect();
                let keep = Tensor::from_vec(keep, (lanes, 1), x.device())?;
                h = h.broadcast_mul(&keep)?;
                c = c.map(|c| c.broadcast_mul(&keep)).transpose()?;
            }
            let activations = (projected.get(t)? + h.matmul(&self.weights.recurrent.t()?)?)?; // [B,G*H]
            (h, c) = step(&activations, c.as_ref())?;
            outputs.push(h.clone());
        }
        Ok((Tensor::stack(&outputs, 0)?, LayerState::new(&h, c.as_ref())))
    }
}

/// Computes `h` and `c` `[B,H]` from pre-activations `[B,G*H]`; an LSTM step if there is a previous `c`.
fn step(gates: &Tensor, c: Option<&Tensor>) -> Result<(Tensor, Option<Tensor>)> {
    let Some(c) = c else {
        return Ok((gates.tanh()?, None));
    };
    let gates = gates.chunk(4, 1)?;
    let i = candle_nn::ops::sigmoid(&gates[0])?; // [B,H]
    let f = candle_nn::ops::sigmoid(&gates[1])?; // [B,H]
    let g = gates[2].tanh()?; // [B,H]
    let o = candle_nn::ops::sigmoid(&gates[3])?; // [B,H]
    let c = ((f * c)? + (i * g)?)?;
    Ok(((o * c.tanh()?)?, Some(c)))
}
