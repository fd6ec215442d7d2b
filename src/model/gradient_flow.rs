//! Gradient flow: the norm of a prediction's gradient at each layer, by distance back in time.

use candle_core::{DType, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::language_model::{Body, Memory};
use super::loss::cross_entropy;
use super::{MatmulPrecision, Model, Softmax, TrainingPass};

/// Mean norms of a prediction's gradient at a layer, by distance: index k is k tokens before the prediction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GradientFlow {
    /// At the first layer's input, the embedding.
    pub first_input: Vec<f64>,
    /// At the first layer's output, as seen by the layers above.
    pub first_output: Vec<f64>,
}

impl Model {
    /// Traces the gradient of the loss at the last step of `ids` `[T,B]` alone, with next tokens `targets` `[B]`, back
    /// through both layers from a zero state. The norms are computed per lane and averaged over lanes (Pascanu et al.
    /// 2013, "On the difficulty of training recurrent neural networks", section 2).
    pub fn gradient_flow(&self, ids: &Tensor, targets: &[u32]) -> Result<GradientFlow> {
        let (steps, lanes) = ids.dims2()?;
        let state = self.zero_state(lanes)?;
        let training = Some(TrainingPass::default());
        let x = Var::from_tensor(&self.embed(ids)?)?; // [T,B,E]
        let (Body::Recurrent(layers), Memory::Recurrent(before)) = (&self.body, &state.0) else {
            candle_core::bail!("only recurrent networks have two layers to trace")
        };
        let (h1, _) = layers[0].seq(&x, &before[0], training)?; // [T,B,H]
        // The first layer's output as a separate variable: its gradient comes from the layers above only.
        let seen = Var::from_tensor(&h1.detach())?;
        let (h2, _) = layers[1].seq(&seen, &before[1], training)?;
        let hidden = self.join(seen.as_tensor(), h2)?;
        let loss = cross_entropy(
            &hidden.get(steps - 1)?,
            &self.output_weight,
            &self.output_bias,
            targets,
            &Softmax::Full,
            MatmulPrecision::F32,
            lanes as u64,
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

/// Norms of `[T,B,..]` by distance from the last step, averaged over lanes.
fn norms(gradient: &Tensor) -> Result<Vec<f64>> {
    let gradient = gradient.to_dtype(DType::F64)?; // squares of vanishing gradients would underflow in f32
    let mut norms: Vec<f64> = gradient.sqr()?.sum(2)?.sqrt()?.mean(1)?.to_vec1()?; // [T]
    norms.reverse();
    Ok(norms)
}
