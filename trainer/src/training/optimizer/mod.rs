//! The optimiser: [`Adam`] for every parameter, or [`muon`] for the hidden matrices and Adam for the rest. Its state can be saved:
//! Candle's own optimisers hide their moments, so a run could not be resumed exactly.

mod adam;
mod average;
mod muon;

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};

use self::adam::Adam;
use self::average::Average;
use super::gradients::Gradients;
use crate::experiment::{Algorithm, TrainingSettings};

/// The parameters, their moments and the number of updates.
pub struct Optimizer {
    pub parameters: BTreeMap<String, Var>,
    /// Adam's first moments, or Muon's momentum.
    first: BTreeMap<String, Tensor>,
    /// Adam's second moments.
    second: BTreeMap<String, Tensor>,
    /// The average of the parameters over the updates, if it is wanted.
    average: Option<Average>,
    pub updates: u64,
    /// The parameters that Muon updates, with the number of matrices stacked in each.
    matrices: BTreeMap<String, usize>,
    settings: TrainingSettings,
}

impl Optimizer {
    /// Zero moments for `parameters`. `matrices` are as in [`Task::hidden_matrices`](crate::tasks::Task::hidden_matrices).
    pub fn new(
        parameters: BTreeMap<String, Var>,
        matrices: Vec<(String, usize)>,
        settings: &TrainingSettings,
    ) -> Result<Self> {
        let matrices = match settings.algorithm {
            Algorithm::Adam => BTreeMap::new(),
            Algorithm::Muon => matrices.into_iter().collect(),
        };
        let zeros = |is_wanted: &dyn Fn(&str) -> bool| {
            let wanted = parameters.iter().filter(|(name, _)| is_wanted(name));
            wanted
                .map(|(name, parameter)| Ok((name.clone(), parameter.zeros_like()?)))
                .collect::<Result<_>>()
        };
        let first = zeros(&|_| true)?;
        let second = zeros(&|name| !matrices.contains_key(name))?;
        let average = (settings.average > 0.0).then(|| Average::of(&parameters, settings.average));
        Ok(Self {
            parameters,
            first,
            second,
            average: average.transpose()?,
            updates: 0,
            matrices,
            settings: settings.clone(),
        })
    }

    /// What a checkpoint stores, by the prefix of the names.
    pub fn state(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<String, Tensor>)> {
        let average = self.average.as_ref();
        let average = average.map(|average| ("average", &average.tensors));
        [("first", &self.first), ("second", &self.second)]
            .into_iter()
            .chain(average)
    }

    /// [`Optimizer::state`], to be filled from a checkpoint.
    pub fn state_mut(
        &mut self,
    ) -> impl Iterator<Item = (&'static str, &mut BTreeMap<String, Tensor>)> {
        let average = self.average.as_mut();
        let average = average.map(|average| ("average", &mut average.tensors));
        [("first", &mut self.first), ("second", &mut self.second)]
            .into_iter()
            .chain(average)
    }

    /// Calls `f` while the parameters are their averages, if averages are kept.
    pub fn with_average<R>(&self, f: impl FnOnce() -> R) -> Result<R> {
        match &self.average {
            Some(average) => average.with(&self.parameters, f),
            None => Ok(f()),
        }
    }

    /// One update with the gradients multiplied by `scale`.
    pub fn step(&mut self, gradients: &Gradients, rate: f64, scale: f64) -> Result<()> {
        self.updates += 1;
        let adam = Adam::new(&self.settings, rate, self.updates);
        for (name, parameter) in &self.parameters {
            let Some(gradient) = gradients.get(name) else {
                continue;
            };
            let Some(first) = self.first.get_mut(name) else {
                candle_core::bail!("{name} has no moments")
            };
            if let Some(&stacked) = self.matrices.get(name) {
                let gradient = (gradient * scale)?;
                muon::apply(parameter, first, &gradient, stacked, rate, &self.settings)?;
                continue;
            }
            let Some(second) = self.second.get_mut(name) else {
                candle_core::bail!("{name} has no second moments")
            };
            adam.apply(parameter, (first, second), gradient, scale)?;
        }
        if let Some(average) = &mut self.average {
            average.update(&self.parameters, self.updates)?;
        }
        Ok(())
    }
}
