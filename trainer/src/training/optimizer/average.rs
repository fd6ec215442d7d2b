//! Exponential moving average of the parameters (Polyak & Juditsky 1992). It usually generalises better than the latest parameters.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};

/// The average of each parameter.
pub struct Average {
    pub tensors: BTreeMap<String, Tensor>,
    /// Share of the average that one update keeps.
    decay: f64,
}

impl Average {
    /// An average that starts at the parameters.
    pub(super) fn of(parameters: &BTreeMap<String, Var>, decay: f64) -> Result<Self> {
        let copies = parameters
            .iter()
            .map(|(name, parameter)| Ok((name.clone(), parameter.copy()?)));
        Ok(Self {
            tensors: copies.collect::<Result<_>>()?,
            decay,
        })
    }

    /// `average = decay average + (1 - decay) parameter`, after update `number`, from 1. The first averages are short, so that the
    /// initial parameters do not weigh on them.
    pub(super) fn update(&mut self, parameters: &BTreeMap<String, Var>, number: u64) -> Result<()> {
        let number = number as f64;
        let decay = self.decay.min(number / (number + 10.0));
        for (name, average) in &mut self.tensors {
            let parameter = parameters[name].as_detached_tensor(); // detached, so that no autograd graph grows
            *average = ((&*average * decay)? + (parameter * (1.0 - decay))?)?;
        }
        Ok(())
    }

    /// Calls `f` while the parameters are the averages.
    pub fn with<R>(&self, parameters: &BTreeMap<String, Var>, f: impl FnOnce() -> R) -> Result<R> {
        let kept = Self::of(parameters, self.decay)?;
        self.assign(parameters)?;
        let result = f();
        kept.assign(parameters)?;
        Ok(result)
    }

    fn assign(&self, parameters: &BTreeMap<String, Var>) -> Result<()> {
        parameters
            .iter()
            .try_for_each(|(name, parameter)| parameter.set(&self.tensors[name]))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_parameters_are_averages_only_inside_the_call() {
        let parameter = Var::new(&[1.0f32, 4.0], &Device::Cpu).unwrap();
        let parameters: BTreeMap<_, _> = [("p".to_owned(), parameter.clone())].into();
        let values = || parameter.to_vec1::<f32>().unwrap();
        let mut average = Average::of(&parameters, 0.75).unwrap();
        let changed = Tensor::new(&[5.0f32, 0.0], &Device::Cpu).unwrap();
        parameter.set(&changed).unwrap();
        average.update(&parameters, 90).unwrap();
        assert_eq!(average.with(&parameters, values).unwrap(), [2.0, 3.0]);
        assert_eq!(values(), [5.0, 0.0]);
        // Early averages are short.
        average.update(&parameters, 10).unwrap();
        assert_eq!(average.with(&parameters, values).unwrap(), [3.5, 1.5]);
    }
}
