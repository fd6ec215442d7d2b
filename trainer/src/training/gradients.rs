//! The gradients of one step by parameter name, and their norms.

use std::collections::BTreeMap;

use candle_core::{D, Result, Storage, Tensor, Var};
use rayon::prelude::*;

use super::slices::{CHUNK, contiguous};

/// The gradient of each parameter that the loss depends on, by the parameter's name.
pub struct Gradients(BTreeMap<String, Tensor>);

/// Euclidean norms of the gradients.
#[derive(Debug, Default)]
pub struct GradientNorms {
    /// Norm of each gradient, by the parameter's name.
    pub each: BTreeMap<String, f64>,
    /// Norm of all gradients as one vector.
    pub total: f64,
}

impl Gradients {
    /// Differentiates `loss`, a scalar, with respect to the parameters.
    pub fn of(loss: &Tensor, parameters: &BTreeMap<String, Var>) -> Result<Self> {
        let found = loss.backward()?;
        let found = parameters.iter().filter_map(|(name, parameter)| {
            let gradient = found.get(parameter)?;
            Some(
                gradient
                    .contiguous()
                    .map(|gradient| (name.clone(), gradient)),
            )
        });
        Ok(Self(found.collect::<Result<_>>()?))
    }

    /// The gradient of the parameter `name`, contiguous.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// Norm of each gradient, and of all together.
    pub fn norms(&self) -> Result<GradientNorms> {
        let squares = if self.0.values().all(|gradient| gradient.device().is_cpu()) {
            self.0.values().map(squares).collect::<Result<Vec<f64>>>()?
        } else {
            squares_elsewhere(self.0.values())?
        };
        let total = squares.iter().sum::<f64>().sqrt();
        let each = self.0.keys().cloned().zip(squares);
        Ok(GradientNorms {
            each: each.map(|(name, squares)| (name, squares.sqrt())).collect(),
            total,
        })
    }
}

/// Sum of squares in one pass over memory, in a fixed order of addition, so that runs are reproducible.
fn squares(gradient: &Tensor) -> Result<f64> {
    let (storage, layout) = gradient.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        candle_core::bail!("a gradient is not in CPU memory")
    };
    let chunks: Vec<f64> = contiguous(storage, layout)?
        .par_chunks(CHUNK)
        .map(|chunk| {
            let (blocks, rest) = chunk.as_chunks::<8>();
            let mut sums = [0.0; 8]; // independent sums that fill a vector register
            for block in blocks {
                for (sum, &g) in sums.iter_mut().zip(block) {
                    *sum += f64::from(g) * f64::from(g);
                }
            }
            let rest: f64 = rest.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
            sums.iter().sum::<f64>() + rest
        })
        .collect();
    Ok(chunks.iter().sum())
}

/// Sums of squares of several gradients on a GPU, with a single synchronisation. Rows are summed first, because Candle
/// sums a whole tensor in one block.
fn squares_elsewhere<'a>(gradients: impl Iterator<Item = &'a Tensor>) -> Result<Vec<f64>> {
    let sums = gradients.map(|gradient| {
        let squares = gradient.sqr()?;
        let rows = if squares.rank() > 1 {
            squares.sum(D::Minus1)?
        } else {
            squares
        };
        rows.sum_all()
    });
    let sums = Tensor::stack(&sums.collect::<Result<Vec<_>>>()?, 0)?;
    Ok(sums.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn norms_are_those_of_the_formula() {
        let parameter = |values: &[f32], shape: (usize, usize)| {
            Var::from_slice(values, shape, &Device::Cpu).unwrap()
        };
        // The loss is w x - v: every row of w's gradient is x, and v's gradient is -1.
        let x: Vec<f32> = (0..CHUNK + 13).map(|k| (k % 7) as f32 - 2.5).collect();
        let w = parameter(&vec![0.0; 2 * x.len()], (2, x.len()));
        let v = parameter(&[1.0, 2.0, 3.0], (1, 3));
        let row = Tensor::from_slice(&x, (1, x.len()), &Device::Cpu).unwrap();
        let loss =
            (w.broadcast_mul(&row).unwrap().sum_all().unwrap() - v.sum_all().unwrap()).unwrap();
        let idle = parameter(&[1.0], (1, 1));
        let parameters = [("w", w), ("v", v), ("idle", idle)];
        let parameters = parameters.map(|(name, var)| (name.to_owned(), var)).into();
        let gradients = Gradients::of(&loss, &parameters).unwrap();
        let norms = gradients.norms().unwrap();
        for (squares, name) in squares_elsewhere(gradients.0.values())
            .unwrap()
            .into_iter()
            .zip(["v", "w"])
        {
            assert!(
                (squares.sqrt() / norms.each[name] - 1.0).abs() < 1e-5,
                "{name}: {squares}"
            );
        }
        let squares: f64 = 2.0 * x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        assert_eq!(norms.each.keys().collect::<Vec<_>>(), ["v", "w"]);
        for (ours, expected) in [
            (norms.each["w"], squares.sqrt()),
            (norms.each["v"], 3f64.sqrt()),
            (norms.total, (squares + 3.0).sqrt()),
        ] {
            assert!((ours / expected - 1.0).abs() < 1e-12, "{ours} {expected}");
        }
    }
}
