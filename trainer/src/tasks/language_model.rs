//! Language modelling with a recurrent network by truncated backpropagation through time: the state is carried from
//! batch to batch, gradients are not.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use minicopilot::metrics::Figures;
use minicopilot::model::{Model, Softmax, State, TrainingPass};

use super::task::{LossSum, Pass, Task};
use crate::data::{Batch, Dataset, SEQUENCE_LEN, Sequences, Split, Streams};
use crate::evaluation::language_model;
use crate::experiment::{Experiment, Loader, TrainingSettings};

/// A language model that is trained on the training split of prepared data.
pub struct LanguageModel {
    model: Model,
    settings: TrainingSettings,
    device: Device,
}

impl LanguageModel {
    /// The network of `experiment` over `parameters`, which the optimiser updates in place.
    pub fn over(
        experiment: &Experiment,
        vocabulary_size: usize,
        parameters: &BTreeMap<String, Var>,
        device: &Device,
    ) -> Result<Self> {
        let settings = &experiment.training;
        ensure!(
            settings.softmax_sample > 0 || settings.softmax_head as usize >= vocabulary_size,
            "training.softmax_head leaves {} classes out, so softmax_sample must be at least 1",
            vocabulary_size.saturating_sub(settings.softmax_head as usize)
        );
        let tensors = parameters
            .iter()
            .map(|(name, var)| (name.clone(), var.as_tensor().clone()))
            .collect();
        let vb = VarBuilder::from_tensors(tensors, DType::F32, device);
        Ok(Self {
            model: Model::new(&experiment.model_config(vocabulary_size), &vb)?,
            settings: settings.clone(),
            device: device.clone(),
        })
    }

    /// The classes of a batch's softmax.
    fn softmax(&self, seed: u64) -> Softmax {
        let TrainingSettings {
            softmax_head,
            softmax_sample,
            ..
        } = self.settings;
        let vocabulary_size = self.model.config().vocabulary_size;
        if softmax_head as usize >= vocabulary_size {
            return Softmax::Full;
        }
        Softmax::sampled(softmax_head, softmax_sample, vocabulary_size, seed)
    }
}

impl Task for LanguageModel {
    type Data = Dataset;
    type Batch = Batch;
    type Carry = Option<State>;

    fn batches<'d>(&self, data: &'d Dataset, epoch: u64) -> Box<dyn Iterator<Item = Batch> + 'd> {
        let shards = data.files(Split::Train);
        let TrainingSettings {
            lanes, steps, seed, ..
        } = self.settings;
        match self.settings.loader {
            Loader::Sequences => Box::new(Sequences::new(shards, lanes, seed, epoch)),
            Loader::Streams => Box::new(Streams::new(shards, lanes, steps, seed, epoch)),
        }
    }

    fn epoch_targets(&self, data: &Dataset) -> u64 {
        let shards = data.files(Split::Train);
        let targets = |file| shards.file_len(file) as u64 - 1;
        let most = match self.settings.loader {
            Loader::Sequences => SEQUENCE_LEN as u64 - 1,
            Loader::Streams => u64::MAX,
        };
        (0..shards.len()).map(|i| targets(i).min(most)).sum()
    }

    fn hidden_matrices(&self) -> Vec<(String, usize)> {
        self.model.config().hidden_matrices()
    }

    fn targets(&self, batch: &Batch) -> u64 {
        batch.target_count()
    }

    fn loss(&self, batch: &Batch, carry: &mut Option<State>, pass: Pass<'_>) -> Result<LossSum> {
        let Pass {
            seed,
            all_targets,
            phases,
        } = pass;
        let state = carry
            .take()
            .map_or_else(|| self.model.zero_state(batch.lanes), Ok)?;
        let ids = Tensor::from_slice(&batch.inputs, (batch.steps, batch.lanes), &self.device)?; // [T,B]
        let precision = self.settings.precision;
        let training = TrainingPass {
            starts: Some(&batch.starts),
            dropout_seed: Some(seed),
            precision,
        };
        let (hidden, state) = self.model.seq_training(&ids, &state, training)?; // [T,B,H]
        phases.end("layers");
        let softmax = self.softmax(seed);
        let sum = self
            .model
            .loss(&hidden, &batch.targets, &softmax, precision, all_targets)?;
        phases.end("output and loss");
        *carry = (self.settings.loader == Loader::Streams).then_some(state);
        Ok(LossSum {
            sum,
            targets: batch.target_count(),
        })
    }

    fn validate(&self, data: &Dataset) -> Result<Figures> {
        let measured = language_model::measure(
            &self.model,
            1.0,
            data,
            Split::Validation,
            self.settings.validation_tokens,
            &|_| true,
        )?;
        Ok(measured.whole.metrics.figures())
    }

    fn carried(&self, carry: &Option<State>) -> Result<Vec<Tensor>> {
        match carry {
            Some(state) => Ok(state.tensors()?),
            None => Ok(Vec::new()),
        }
    }

    fn carry_of(&self, tensors: &[Tensor]) -> Result<Option<State>> {
        if tensors.is_empty() {
            return Ok(None);
        }
        Ok(Some(State::from_tensors(tensors)?))
    }
}
