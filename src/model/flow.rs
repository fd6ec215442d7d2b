//! How much of a prediction's gradient reaches which layer, by the distance it has travelled back.

use candle_core::{DType, Result, Tensor, Var};

use super::loss::cross_entropy;
use super::{Architecture, MatmulPrecision, Model, Softmax, Training};

/// Mean norms of a prediction's gradient where it reaches a layer, by distance: index k is k tokens before the
/// prediction.
#[derive(Clone, Debug)]
pub struct GradientFlow {
    /// Of the first layer's input, the embedding.
    pub first_input: Vec<f64>,
    /// Of the first layer's output as the layers above see it.
    pub first_output: Vec<f64>,
}

impl Model {
    /// Follows the gradient of the loss at the last of `ids` `[T,B]` alone, whose next tokens are `targets` `[B]`, back
    /// through both layers from a zero state; the norms are of each lane's gradient, averaged over lanes (Pascanu et al.
    /// 2013, "On the difficulty of training recurrent neural networks", section 2).
    pub fn gradient_flow(&self, ids: &Tensor, targets: &[u32]) -> Result<GradientFlow> {
        let (steps, lanes) = ids.dims2()?;
        let state = self.zero_state(lanes)?;
        let training = Some(Training::default());
        let x = self.embedding.index_select(&ids.flatten_all()?, 0)?;
        let x = Var::from_tensor(&x.reshape((steps, lanes, self.config.embedding_size))?)?; // [T,B,E]
        let (h1, _) = self.layers[0].seq(&x, &state.layers[0], training)?; // [T,B,H]
        // The first layer's output as a variable of its own: its gradient is what comes from above.
        let seen = Var::from_tensor(&h1.detach())?;
        let (h2, _) = self.layers[1].seq(&seen, &state.layers[1], training)?;
        let hidden = match self.config.architecture {
            Architecture::ResidualLstm => (seen.as_tensor() + h2)?,
            Architecture::Rnn | Architecture::Lstm => h2,
        };
        let loss = cross_entropy(
            &hidden.get(steps - 1)?,
            &self.output_weight,
            &self.output_bias,
            targets,
            &Softmax::Full,
            MatmulPrecision::F32,
        )?;
        let d_h1 = taken(&(loss * lanes as f64)?, &seen)?; // a sum: each lane's own gradient
        let d_x = taken(&(h1 * &d_h1)?.sum_all()?, &x)?;
        Ok(GradientFlow {
            first_input: norms(&d_x)?,
            first_output: norms(&d_h1)?,
        })
    }
}

fn taken(value: &Tensor, variable: &Var) -> Result<Tensor> {
    match value.backward()?.remove(variable) {
        Some(gradient) => Ok(gradient.detach()),
        None => candle_core::bail!("no gradient reached a layer"),
    }
}

/// Of `[T,B,..]`: by distance from the last step, averaged over lanes.
fn norms(gradient: &Tensor) -> Result<Vec<f64>> {
    let norms = gradient.sqr()?.sum(2)?.sqrt()?.mean(1)?; // [T]
    let mut norms: Vec<f64> = norms.to_dtype(DType::F64)?.to_vec1()?;
    norms.reverse();
    Ok(norms)
}
