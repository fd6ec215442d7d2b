//! Muon (Jordan et al. 2024): momentum whose matrices are made orthogonal before they are subtracted, so that all directions of a
//! matrix are updated alike. The size of an update is that of Adam (Liu et al. 2025, "Muon is Scalable for LLM Training", equation
//! 4), so both share one rate and one weight decay. Equal to PyTorch's
//! `torch.optim.Muon` with `match_rms_adamw`, but for the precision of Newton-Schulz steps: f32 here, bf16 there.

use candle_core::{D, Result, Tensor, Var};

use crate::experiment::TrainingSettings;

/// Share of the momentum that one update keeps.
const MOMENTUM: f64 = 0.95;
/// Coefficients and number of Newton-Schulz steps.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.775, 2.0315];
const STEPS: usize = 5;
const EPSILON: f64 = 1e-7;
/// Root mean square of Adam's usual update.
const ADAM_SIZE: f64 = 0.2;

/// Updates `parameter`, a stack of `stacked` matrices along its rows, and its momentum.
pub(super) fn apply(
    parameter: &Var,
    momentum: &mut Tensor,
    gradient: &Tensor,
    stacked: usize,
    rate: f64,
    settings: &TrainingSettings,
) -> Result<()> {
    *momentum = ((&*momentum * MOMENTUM)? + (gradient * (1.0 - MOMENTUM))?)?;
    let ahead = ((&*momentum * MOMENTUM)? + (gradient * (1.0 - MOMENTUM))?)?; // Nesterov
    let (rows, columns) = parameter.dims2()?;
    let matrices = ahead.reshape((stacked, rows / stacked, columns))?;
    let update = orthogonal(&matrices)?.reshape((rows, columns))?;
    let size = rate * ADAM_SIZE * ((rows / stacked).max(columns) as f64).sqrt();
    let kept = (parameter.as_tensor() * (1.0 - rate * settings.weight_decay))?;
    parameter.set(&(kept - (update * size)?)?)
}

/// Matrices `[N,R,C]` with singular values near 1 in place of theirs, by Newton-Schulz iteration.
fn orthogonal(matrices: &Tensor) -> Result<Tensor> {
    let (_, rows, columns) = matrices.dims3()?;
    let is_tall = rows > columns;
    let mut x = if is_tall {
        matrices.t()?.contiguous()?
    } else {
        matrices.clone()
    };
    let norm = x.sqr()?.sum_keepdim((D::Minus1, D::Minus2))?.sqrt()?;
    x = x.broadcast_div(&norm.clamp(EPSILON, f64::INFINITY)?)?;
    let [a, b, c] = COEFFICIENTS;
    for _ in 0..STEPS {
        let gram = x.matmul(&x.t()?)?; // [N,R,R]
        let polynomial = ((&gram * b)? + (gram.matmul(&gram)? * c)?)?;
        x = ((&x * a)? + polynomial.matmul(&x)?)?;
    }
    if is_tall {
        x = x.t()?.contiguous()?;
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    const START: [f32; 6] = [1.0, -2.0, 3.0, 0.5, -0.25, 2.0];
    /// Weights w of the loss Σ w p².
    const WEIGHTS: [f32; 6] = [1.0, -2.0, 3.0, 0.5, 0.25, -1.0];

    /// After three updates in PyTorch 2.15:
    /// ```python
    /// torch.bfloat16 = torch.float32  # Newton-Schulz in f32
    /// p = torch.nn.Parameter(torch.tensor(START).reshape(shape)); w = torch.tensor(WEIGHTS).reshape(shape)
    /// o = torch.optim.Muon([p], lr=0.1, weight_decay=0.01, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    /// for k in range(3):
    ///     o.zero_grad(); (p.pow(2) * w).sum().backward(); o.step()
    /// ```
    const PYTORCH: [((usize, usize), [f32; 6]); 2] = [
        (
            (2, 3),
            [
                0.982_986_15,
                -2.033_867_1,
                2.931_438_2,
                0.460_265_64,
                -0.306_487_4,
                2.037_187_8,
            ],
        ),
        (
            (3, 2),
            [
                0.996_644_6,
                -2.097_473,
                2.919_344_7,
                0.508_997_56,
                -0.252_573_85,
                2.046_280_9,
            ],
        ),
    ];

    fn updated(shape: (usize, usize), stacked: usize) -> Vec<f32> {
        let tensor = |values: &[f32]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
        let parameter = Var::from_tensor(&tensor(&START)).unwrap();
        let weights = tensor(&WEIGHTS);
        let mut momentum = parameter.zeros_like().unwrap();
        let settings = TrainingSettings {
            weight_decay: 0.01,
            ..TrainingSettings::default()
        };
        for _ in 0..3 {
            let gradient = ((parameter.as_tensor() * &weights).unwrap() * 2.0).unwrap();
            apply(
                &parameter,
                &mut momentum,
                &gradient,
                stacked,
                0.1,
                &settings,
            )
            .unwrap();
        }
        parameter.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn updates_are_those_of_pytorch() {
        for (shape, expected) in PYTORCH {
            for (ours, theirs) in updated(shape, 1).into_iter().zip(expected) {
                assert!((ours - theirs).abs() < 1e-5, "{shape:?}: {ours} {theirs}");
            }
        }
    }

    /// Two stacked copies of a matrix are updated like the matrix.
    #[test]
    fn stacked_matrices_are_updated_by_themselves() {
        let tensor =
            |values: &[f32], rows| Tensor::from_slice(values, (rows, 3), &Device::Cpu).unwrap();
        let settings = TrainingSettings::default();
        let run = |copies: usize| {
            let parameter = Var::from_tensor(&tensor(&START.repeat(copies), 2 * copies)).unwrap();
            let mut momentum = parameter.zeros_like().unwrap();
            let gradient = tensor(&WEIGHTS.repeat(copies), 2 * copies);
            apply(&parameter, &mut momentum, &gradient, copies, 0.1, &settings).unwrap();
            parameter.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(2), run(1).repeat(2));
    }
}
