//! Initial state of a run: fresh weights, another run's weights, or its own last checkpoint.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor, Var};
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::model::{ModelConfig, Parameters, initial_parameters};
use minicopilot::tokenizer::Vocabulary;

use super::communicator::Communicator;
use super::folder::{LAST, POSITION, STATE, read_json, taken};
use super::learner::Learner;
use super::progress::{Origin, RunProgress};
use crate::data::{Dataset, Split};
use crate::experiment::Experiment;
use crate::tasks::{LanguageModel, Task};

/// The initial state of a run.
pub struct Start {
    parameters: Parameters,
    pub progress: RunProgress,
    /// The optimiser's state and the carried state by their names in `state.safetensors`; None for a new run.
    state: Option<HashMap<String, Tensor>>,
}

impl Start {
    /// Fresh weights.
    pub fn fresh(experiment: &Experiment, config: &ModelConfig, dataset: &Dataset) -> Self {
        let parameters = initial_parameters(
            config,
            experiment.training.initialization,
            experiment.training.seed,
            &frequencies(dataset),
        );
        Self {
            parameters,
            progress: RunProgress::start(dataset, None),
            state: None,
        }
    }

    /// The weights of another run.
    pub fn from_checkpoint(checkpoint: &Checkpoint, dataset: &Dataset) -> Self {
        let origin = Origin {
            weights: checkpoint.config.fingerprints.weights.clone(),
            training: checkpoint.config.training.clone(),
        };
        Self {
            parameters: checkpoint.parameters().clone(),
            progress: RunProgress::start(dataset, Some(origin)),
            state: None,
        }
    }

    /// The state of the run in `folder` when it was last saved.
    pub fn resumed(folder: &Path, config: &ModelConfig, dataset: &Dataset) -> Result<Self> {
        let last = folder.join(LAST);
        let parameters = load(&last, config, dataset.vocabulary())?
            .parameters()
            .clone();
        let progress: RunProgress = read_json(&last.join(POSITION))?;
        ensure!(
            progress.data == dataset.fingerprint(),
            "{} was started on other data (fingerprint {:.12}…) than --data ({:.12}…)",
            folder.display(),
            progress.data,
            dataset.fingerprint()
        );
        let path = last.join(STATE);
        let state = candle_core::safetensors::load(&path, &Device::Cpu)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self {
            parameters,
            progress,
            state: Some(state),
        })
    }

    /// The learner with these parameters, and with the moments and the carried state in `last`.
    pub fn learner(
        &self,
        experiment: &Experiment,
        vocabulary_size: usize,
        last: &Path,
        device: &Device,
        communicator: Box<dyn Communicator>,
    ) -> Result<Learner<LanguageModel>> {
        let parameters: BTreeMap<String, Var> = self
            .parameters
            .iter()
            .map(|(name, p)| Ok((name.clone(), Var::from_tensor(&p.tensor(device)?)?)))
            .collect::<candle_core::Result<_>>()?;
        let task = LanguageModel::over(experiment, vocabulary_size, &parameters, device)?;
        let mut learner = Learner::new(task, parameters, &experiment.training, communicator)?;
        learner.optimizer.updates = self.progress.step;
        let Some(state) = &self.state else {
            return Ok(learner);
        };
        for (prefix, tensors) in learner.optimizer.state_mut() {
            for (name, tensor) in tensors.iter_mut() {
                *tensor = taken(state, &format!("{prefix}.{name}"), last)?.to_device(device)?;
            }
        }
        let carried: Vec<Tensor> = (0..)
            .map_while(|k| state.get(&format!("state.{k}")))
            .map(|tensor| tensor.to_device(device))
            .collect::<candle_core::Result<_>>()?;
        learner.carry = learner.task.carry_of(&carried)?;
        Ok(learner)
    }
}

/// Loads the checkpoint in `folder`, which must match this network and vocabulary.
pub fn load(folder: &Path, config: &ModelConfig, vocabulary: &Vocabulary) -> Result<Checkpoint> {
    let checkpoint = Checkpoint::load(folder)?;
    ensure!(
        checkpoint.config.model == *config && checkpoint.vocabulary == *vocabulary,
        "{} has another vocabulary or architecture than --data and the experiment",
        folder.display()
    );
    Ok(checkpoint)
}

/// Frequency of each id in the training split.
fn frequencies(dataset: &Dataset) -> Vec<u64> {
    let mut counts = vec![0; dataset.vocabulary().len()];
    let shards = dataset.files(Split::Train);
    for &id in (0..shards.len()).flat_map(|i| shards.file(i)) {
        counts[id as usize] += 1;
    }
    counts
}
