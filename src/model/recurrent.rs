//! One recurrent layer: [`Recurrent`], and its two kinds.
//!
//! `seq` hoists the input projection out of the time loop into one matrix product over the whole sequence. What
//! remains in the loop is the fused operation of [`super::fused`] on the CPU, and plain Candle operations
//! elsewhere; the plain form is also what the fused one is tested against.

use candle_core::{Device, Result, Tensor};

use super::Training;
use super::fused::{self, Elman, FusedCell, Gated};

/// The state of one layer: `h` `[B,H]`, and `c` `[B,H]` in an LSTM. Never carries a gradient.
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

/// A recurrence over an input sequence.
pub(super) trait Recurrent {
    /// Input projection without biases: `[T,B,I]` -> `[T,B,G*H]`.
    fn project(&self, x: &Tensor) -> Result<Tensor>;

    /// One step from a projected input `[B,G*H]`, in plain differentiable Candle operations: `(h, c)`.
    fn step(
        &self,
        projected: &Tensor,
        h: &Tensor,
        c: Option<&Tensor>,
    ) -> Result<(Tensor, Option<Tensor>)>;

    /// All steps at once by the fused operation (CPU only): `h` `[T,B,H]` and the state after the last.
    fn fused(
        &self,
        projected: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)>;

    /// `x` `[T,B,I]` -> `h` `[T,B,H]` and the state after the last step.
    fn seq(
        &self,
        x: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)> {
        let projected = self.project(x)?;
        if x.device().is_cpu() {
            self.fused(&projected, state, training)
        } else {
            self.plain(&projected, state, training)
        }
    }

    /// [`Recurrent::seq`] behind the projection, one [`Recurrent::step`] at a time.
    fn plain(
        &self,
        projected: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)> {
        let (steps, lanes, _) = projected.dims3()?;
        let starts = training.and_then(|t| t.starts);
        let (mut h, mut c) = (state.h.clone(), state.c.clone());
        let mut outputs = Vec::with_capacity(steps);
        for t in 0..steps {
            if let Some(starts) = starts {
                let keep: Vec<f32> = starts[t * lanes..][..lanes]
                    .iter()
                    .map(|&start| f32::from(u8::from(!start)))
                    .collect();
                let keep = Tensor::from_vec(keep, (lanes, 1), projected.device())?;
                h = h.broadcast_mul(&keep)?;
                c = c.map(|c| c.broadcast_mul(&keep)).transpose()?;
            }
            (h, c) = self.step(&projected.get(t)?, &h, c.as_ref())?;
            outputs.push(h.clone());
        }
        Ok((Tensor::stack(&outputs, 0)?, LayerState::new(&h, c.as_ref())))
    }
}

/// The parameters that both kinds of layer have, in PyTorch's shapes.
#[derive(Clone, Debug)]
struct Weights {
    input: Tensor,          // weight_ih [G*H,I]
    recurrent: Tensor,      // weight_hh [G*H,H]
    bias_input: Tensor,     // bias_ih [G*H]
    bias_recurrent: Tensor, // bias_hh [G*H]
}

impl Weights {
    fn new(
        input: &Tensor,
        recurrent: &Tensor,
        bias_input: &Tensor,
        bias_recurrent: &Tensor,
    ) -> Self {
        let [input, recurrent, bias_input, bias_recurrent] =
            [input, recurrent, bias_input, bias_recurrent].map(Tensor::clone);
        Self {
            input,
            recurrent,
            bias_input,
            bias_recurrent,
        }
    }

    fn project(&self, x: &Tensor) -> Result<Tensor> {
        let (steps, lanes, inputs) = x.dims3()?;
        let flat = x
            .reshape((steps * lanes, inputs))?
            .matmul(&self.input.t()?)?; // [T*B,G*H]
        flat.reshape((steps, lanes, self.input.dim(0)?))
    }

    /// `W_hh h + b_ih + b_hh` `[B,G*H]`.
    fn recur(&self, h: &Tensor) -> Result<Tensor> {
        h.matmul(&self.recurrent.t()?)?.broadcast_add(&self.bias()?)
    }

    /// PyTorch keeps two biases that are only ever added.
    fn bias(&self) -> Result<Tensor> {
        &self.bias_input + &self.bias_recurrent
    }

    fn fused<C: FusedCell>(
        &self,
        projected: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)> {
        let (outputs, h, c) = fused::seq::<C>(
            projected,
            &self.recurrent,
            &self.bias()?,
            (&state.h, state.c.as_ref()),
            training,
        )?;
        Ok((outputs, LayerState { h, c }))
    }
}

/// Elman layer with tanh: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)` (PyTorch `nn.RNN`).
#[derive(Clone, Debug)]
pub(super) struct RnnLayer(Weights);

impl RnnLayer {
    pub(super) fn new(
        input: &Tensor,
        recurrent: &Tensor,
        bias_input: &Tensor,
        bias_recurrent: &Tensor,
    ) -> Self {
        Self(Weights::new(input, recurrent, bias_input, bias_recurrent))
    }
}

impl Recurrent for RnnLayer {
    fn project(&self, x: &Tensor) -> Result<Tensor> {
        self.0.project(x)
    }

    fn step(
        &self,
        projected: &Tensor,
        h: &Tensor,
        _: Option<&Tensor>,
    ) -> Result<(Tensor, Option<Tensor>)> {
        Ok(((projected + self.0.recur(h)?)?.tanh()?, None))
    }

    fn fused(
        &self,
        projected: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)> {
        self.0.fused::<Elman>(projected, state, training)
    }
}

/// LSTM layer (PyTorch `nn.LSTM`): gates i, f, g, o; `c' = σ(f) c + σ(i) tanh(g)`, `h' = σ(o) tanh(c')`.
#[derive(Clone, Debug)]
pub(super) struct LstmLayer(Weights);

impl LstmLayer {
    pub(super) fn new(
        input: &Tensor,
        recurrent: &Tensor,
        bias_input: &Tensor,
        bias_recurrent: &Tensor,
    ) -> Self {
        Self(Weights::new(input, recurrent, bias_input, bias_recurrent))
    }
}

impl Recurrent for LstmLayer {
    fn project(&self, x: &Tensor) -> Result<Tensor> {
        self.0.project(x)
    }

    fn step(
        &self,
        projected: &Tensor,
        h: &Tensor,
        c: Option<&Tensor>,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let Some(c) = c else {
            candle_core::bail!("an LSTM's state has a cell")
        };
        let gates = (projected + self.0.recur(h)?)?.chunk(4, 1)?;
        let i = candle_nn::ops::sigmoid(&gates[0])?; // [B,H]
        let f = candle_nn::ops::sigmoid(&gates[1])?; // [B,H]
        let g = gates[2].tanh()?; // [B,H]
        let o = candle_nn::ops::sigmoid(&gates[3])?; // [B,H]
        let c = ((f * c)? + (i * g)?)?;
        Ok(((o * c.tanh()?)?, Some(c)))
    }

    fn fused(
        &self,
        projected: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)> {
        self.0.fused::<Gated>(projected, state, training)
    }
}

/// Either kind, so that a model holds its layers in an array.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    Rnn(RnnLayer),
    Lstm(LstmLayer),
}

impl Layer {
    pub(super) fn zero_state(
        &self,
        batch: usize,
        hidden: usize,
        device: &Device,
    ) -> Result<LayerState> {
        let zero = Tensor::zeros((batch, hidden), candle_core::DType::F32, device)?;
        let c = matches!(self, Self::Lstm(_)).then(|| zero.clone());
        Ok(LayerState { h: zero, c })
    }

    pub(super) fn seq(
        &self,
        x: &Tensor,
        state: &LayerState,
        training: Option<Training>,
    ) -> Result<(Tensor, LayerState)> {
        match self {
            Self::Rnn(layer) => layer.seq(x, state, training),
            Self::Lstm(layer) => layer.seq(x, state, training),
        }
    }
}
