//! Adam and AdamW (Kingma & Ba 2015, algorithm 1; decay as in Loshchilov & Hutter 2019), equal to PyTorch's.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var};
use rayon::prelude::*;

use super::super::slices::{CHUNK, contiguous, contiguous_mut};
use crate::experiment::TrainingSettings;

/// One update of Adam.
pub(super) struct Adam {
    betas: (f64, f64),
    update: Update,
}

impl Adam {
    /// The update number `number`, from 1.
    pub(super) fn new(settings: &TrainingSettings, rate: f64, number: u64) -> Self {
        let TrainingSettings {
            beta1,
            beta2,
            epsilon,
            weight_decay,
            ..
        } = *settings;
        let power = number as f64;
        Self {
            betas: (beta1, beta2),
            update: Update {
                size: rate / (1.0 - beta1.powf(power)),
                root: (1.0 - beta2.powf(power)).sqrt(),
                epsilon,
                keep: 1.0 - rate * weight_decay,
            },
        }
    }

    /// Updates a parameter and its moments with the gradient multiplied by `scale`.
    pub(super) fn apply(
        &self,
        parameter: &Var,
        (first, second): (&mut Tensor, &mut Tensor),
        gradient: &Tensor,
        scale: f64,
    ) -> Result<()> {
        let apply = if parameter.device().is_cpu() {
            fused
        } else {
            plain
        };
        apply(
            parameter,
            first,
            second,
            gradient,
            self.betas,
            scale,
            &self.update,
        )
    }
}

/// The fused update: in place, one pass for each moment and one for the parameter.
fn fused(
    p: &Var,
    m: &mut Tensor,
    v: &mut Tensor,
    g: &Tensor,
    betas: (f64, f64),
    scale: f64,
    update: &Update,
) -> Result<()> {
    m.inplace_op2(
        g,
        &Moment {
            beta: betas.0 as f32,
            scale: scale as f32,
            square: false,
        },
    )?;
    v.inplace_op2(
        g,
        &Moment {
            beta: betas.1 as f32,
            scale: scale as f32,
            square: true,
        },
    )?;
    p.inplace_op3(m, v, update)
}

/// The same update in Candle's operations, for devices without fused kernels.
fn plain(
    p: &Var,
    m: &mut Tensor,
    v: &mut Tensor,
    g: &Tensor,
    betas: (f64, f64),
    scale: f64,
    update: &Update,
) -> Result<()> {
    let g = (g * scale)?;
    *m = ((&*m * betas.0)? + (&g * (1.0 - betas.0))?)?;
    *v = ((&*v * betas.1)? + (g.sqr()? * (1.0 - betas.1))?)?;
    let root = ((v.sqrt()? / update.root)? + update.epsilon)?;
    p.set(&((p.as_tensor() * update.keep)? - ((&*m / root)? * update.size)?)?)
}

/// `m = beta m + (1 - beta) g`, or with `g²` instead of `g`.
struct Moment {
    beta: f32,
    scale: f32,
    square: bool,
}

impl InplaceOp2 for Moment {
    fn name(&self) -> &'static str {
        "adam-moment"
    }

    fn cpu_fwd(&self, m: &mut CpuStorage, l1: &Layout, g: &CpuStorage, l2: &Layout) -> Result<()> {
        let Self {
            beta,
            scale,
            square,
        } = *self;
        let g = contiguous(g, l2)?;
        contiguous_mut(m, l1)?
            .par_chunks_mut(CHUNK)
            .zip(g.par_chunks(CHUNK))
            .for_each(|(m, g)| {
                for (m, g) in m.iter_mut().zip(g) {
                    let g = g * scale;
                    *m = beta * *m + (1.0 - beta) * if square { g * g } else { g };
                }
            });
        Ok(())
    }
}

/// `p = keep p - size m / (√v / root + epsilon)`.
struct Update {
    size: f64,
    root: f64,
    epsilon: f64,
    keep: f64,
}

impl InplaceOp3 for Update {
    fn name(&self) -> &'static str {
        "adam-update"
    }

    fn cpu_fwd(
        &self,
        p: &mut CpuStorage,
        l1: &Layout,
        m: &CpuStorage,
        l2: &Layout,
        v: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let [size, root, epsilon, keep] =
            [self.size, self.root, self.epsilon, self.keep].map(|x| x as f32);
        let (m, v) = (contiguous(m, l2)?, contiguous(v, l3)?);
        let moments = m.par_chunks(CHUNK).zip(v.par_chunks(CHUNK));
        contiguous_mut(p, l1)?
            .par_chunks_mut(CHUNK)
            .zip(moments)
            .for_each(|(p, (m, v))| {
                for ((p, m), v) in p.iter_mut().zip(m).zip(v) {
                    *p = keep * *p - size * m / (v.sqrt() / root + epsilon);
                }
            });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Three updates against PyTorch 2.15:
    /// ```python
    /// p = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    /// o = torch.optim.AdamW([p], lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01)
    /// for k in range(3):
    ///     o.zero_grad(); (p.pow(2) * torch.tensor([1.0, 0.5, -0.25])).sum().backward(); o.step(); print(p.tolist())
    /// ```
    const PYTORCH: [[f64; 3]; 3] = [
        [0.898_999_989, -1.898_000_002, 3.096_999_884],
        [0.798_495_054, -1.796_260_834, 3.193_965_912],
        [0.698_821_127, -1.694_900_632, 3.290_937_901],
    ];

    /// Weights w of the loss Σ w p².
    const WEIGHTS: [f32; 3] = [1.0, 0.5, -0.25];

    fn agree(parameter: &Var, expected: [f64; 3]) {
        for (ours, theirs) in parameter
            .to_vec1::<f32>()
            .unwrap()
            .into_iter()
            .zip(expected)
        {
            assert!((f64::from(ours) - theirs).abs() < 1e-6, "{ours} {theirs}");
        }
    }

    #[test]
    fn updates_are_those_of_pytorch() {
        let p = Var::new(&[1.0f32, -2.0, 3.0], &Device::Cpu).unwrap();
        let settings = TrainingSettings {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.01,
            ..TrainingSettings::default()
        };
        let (mut first, mut second) = (p.zeros_like().unwrap(), p.zeros_like().unwrap());
        let weights = Tensor::new(&WEIGHTS, &Device::Cpu).unwrap();
        for (number, expected) in (1..).zip(PYTORCH) {
            let loss = (p.sqr().unwrap() * &weights).unwrap().sum_all().unwrap();
            let gradients = (loss * 2.0).unwrap().backward().unwrap();
            let doubled = gradients.get(&p).unwrap();
            Adam::new(&settings, 0.1, number)
                .apply(&p, (&mut first, &mut second), doubled, 0.5) // half of twice the gradient
                .unwrap();
            agree(&p, expected);
        }
    }

    #[test]
    fn plain_updates_are_those_of_pytorch() {
        let p = Var::new(&[1.0f32, -2.0, 3.0], &Device::Cpu).unwrap();
        let (mut m, mut v) = (p.zeros_like().unwrap(), p.zeros_like().unwrap());
        for (step, expected) in (1..).zip(PYTORCH) {
            let weights = Tensor::new(&WEIGHTS, &Device::Cpu).unwrap();
            let g = ((p.as_tensor() * weights).unwrap() * 2.0).unwrap();
            let update = Update {
                size: 0.1 / (1.0 - 0.9f64.powi(step)),
                root: (1.0 - 0.99f64.powi(step)).sqrt(),
                epsilon: 1e-8,
                keep: 1.0 - 0.1 * 0.01,
            };
            plain(&p, &mut m, &mut v, &g, (0.9, 0.99), 1.0, &update).unwrap();
            agree(&p, expected);
        }
    }
}
