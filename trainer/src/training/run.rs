//! An open run: its learner, progress, log and checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use candle_core::{Device, Tensor};
use minicopilot::files::{recover_folder, write_synced};
use minicopilot::metrics::Figures;
use minicopilot::model::Parameter;
use minicopilot::model::checkpoint::{Checkpoint, Precision};
use serde::Serialize;
use serde_json::json;

use super::communicator::Communicator;
use super::folder::{BEST, CONFIG, LAST, LOG, POSITION, STATE, ensure_free, same_experiment};
use super::learner::{Learner, Step};
use super::log::{self, Line, Log};
use super::progress::RunProgress;
use super::start::{self, Start};
use super::summary::{Ending, Summary};
use crate::data::Dataset;
use crate::experiment::Experiment;
use crate::model_card;
use crate::tasks::{LanguageModel, Task};

/// Steps per log line.
const LOG_EVERY: u64 = 10;

/// An open run.
pub struct Run<T: Task> {
    pub experiment: Experiment,
    pub learner: Learner<T>,
    pub progress: RunProgress,
    folder: PathBuf,
    log: Log,
    checkpoint: Checkpoint, // vocabulary and sizes; its tensors are the initial ones
    clock: Instant,
}

impl Run<LanguageModel> {
    /// Creates a run in `folder`, from the checkpoint `from` or from fresh weights; with `resume`, opens the existing
    /// one.
    pub fn open(
        folder: &Path,
        resume: bool,
        from: Option<&Path>,
        experiment: &Experiment,
        dataset: &Dataset,
        device: &Device,
        communicator: Box<dyn Communicator>,
    ) -> Result<Self> {
        let (last, config) = (folder.join(LAST), folder.join(CONFIG));
        for kept in [&last, &folder.join(BEST)] {
            recover_folder(kept).with_context(|| format!("cannot recover {}", kept.display()))?;
        }
        let vocabulary = dataset.vocabulary();
        let model_config = experiment.model_config(vocabulary.len());
        let origin = from
            .map(|from| start::load(from, &model_config, vocabulary))
            .transpose()?;
        if resume {
            same_experiment(&config, experiment)?;
        } else {
            ensure_free(folder)?;
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let start = match &origin {
            Some(origin) => Start::from_checkpoint(origin, dataset),
            None if resume && last.exists() => Start::resumed(folder, &model_config, dataset)?,
            None => Start::fresh(experiment, &model_config, dataset),
        };
        let learner = start.learner(experiment, vocabulary.len(), &last, device, communicator)?;
        let log = Log::open(&folder.join(LOG), start.progress.log_bytes)?;
        let checkpoint = Checkpoint::new(
            model_config,
            vocabulary.clone(),
            BTreeMap::new(),
            json!({}),
            json!({}),
        );
        let mut run = Self {
            experiment: experiment.clone(),
            learner,
            progress: start.progress,
            folder: folder.to_owned(),
            log,
            checkpoint,
            clock: Instant::now(),
        };
        if from.is_some() {
            run.save_last()?; // before the experiment: a resume needs a checkpoint
        }
        if !resume {
            write_synced(&config, experiment.resolved()?.as_bytes())
                .with_context(|| format!("cannot write {}", config.display()))?;
        }
        Ok(run)
    }
}

impl<T: Task> Run<T> {
    /// The folder of the last checkpoint.
    pub fn last(&self) -> PathBuf {
        self.folder.join(LAST)
    }

    /// Whether the number of validations without improvement has reached the experiment's patience.
    pub fn has_stopped_improving(&self) -> bool {
        self.progress.validation.is_some()
            && self.progress.validations_since_best >= self.experiment.training.patience as u64
    }

    /// Runs the next step.
    pub fn step(&mut self, batch: &T::Batch, rate: f64) -> Result<Step> {
        let step = self.learner.step(batch, rate, self.progress.step).map_err(|error| {
            let config = self.folder.join(CONFIG);
            let (config, last) = (config.display(), self.last());
            if last.exists() {
                anyhow!(
                    "{error:#}; {} is the last good checkpoint: lower training.learning_rate or clip in {config} and \
                     continue from it with --resume",
                    last.display()
                )
            } else {
                anyhow!("{error:#}; lower training.learning_rate or clip in {config} and start again with --resume")
            }
        })?;
        self.progress.step += 1;
        self.progress.batch += 1;
        self.progress.tokens += step.tokens;
        Ok(step)
    }

    /// Ends an epoch: the next one starts without a carried state.
    pub fn end_epoch(&mut self) {
        self.progress.epoch += 1;
        self.progress.batch = 0;
        self.learner.carry = T::Carry::default();
    }

    /// Counts a step and writes a log line every `LOG_EVERY` steps.
    pub fn log_step(&mut self, step: &Step, rate: f64) -> Result<()> {
        self.tick();
        let RunProgress {
            pending: (sum, count),
            step: done,
            ..
        } = &mut self.progress;
        *sum += step.loss;
        *count += 1;
        if *done % LOG_EVERY != 0 {
            return Ok(());
        }
        let loss = *sum / *count as f64;
        self.progress.pending = (0.0, 0);
        let RunProgress {
            epoch,
            step: done,
            tokens,
            seconds,
            ..
        } = self.progress;
        let norms = &step.gradient_norms;
        let each = norms.each.iter();
        self.write(&Line::<()>::Train(log::Train {
            epoch,
            step: done,
            tokens,
            seconds,
            loss: Some(loss),
            learning_rate: Some(rate),
            gradient_norm: Some(norms.total),
            gradient_norms: each
                .map(|(name, norm)| (name.clone(), Some(*norm)))
                .collect(),
        }))
    }

    /// Logs a validation and saves the checkpoint if it is the best.
    pub fn log_validation(&mut self, figures: &Figures) -> Result<()> {
        self.tick();
        let RunProgress {
            epoch,
            step,
            tokens,
            seconds,
            ..
        } = self.progress;
        self.write(&Line::Validation(log::Validation {
            epoch,
            step,
            tokens,
            seconds,
            context: "whole".to_owned(),
            figures,
        }))?;
        let loss = figures.loss.context(
            "the validation split contains no tokens; prepare the data with a larger one",
        )?;
        let improved = self.progress.best_loss.is_none_or(|best| loss < best);
        self.progress.validation = Some(figures.clone());
        self.progress.validated_step = Some(step);
        if improved {
            self.progress.best_loss = Some(loss);
            self.progress.validations_since_best = 0;
            let save = || self.save(&self.folder.join(BEST), |_| Ok(()));
            self.learner.optimizer.with_average(save)??;
        } else {
            self.progress.validations_since_best += 1;
        }
        Ok(())
    }

    /// Replaces `last/` with the current state.
    pub fn save_last(&mut self) -> Result<()> {
        self.tick();
        self.progress.log_bytes = self.log.sync()?;
        let mut tensors: HashMap<String, Tensor> = HashMap::new();
        for (prefix, side) in self.learner.optimizer.state() {
            tensors.extend(
                side.iter()
                    .map(|(name, t)| (format!("{prefix}.{name}"), t.clone())),
            );
        }
        let carried = self.learner.task.carried(&self.learner.carry)?;
        tensors.extend(
            carried
                .into_iter()
                .enumerate()
                .map(|(k, tensor)| (format!("state.{k}"), tensor)),
        );
        let progress = serde_json::to_vec_pretty(&self.progress)?;
        self.save(&self.last(), |folder| {
            candle_core::safetensors::save(&tensors, folder.join(STATE))
                .map_err(std::io::Error::other)?;
            File::open(folder.join(STATE))?.sync_all()?;
            write_synced(&folder.join(POSITION), &progress)
        })
    }

    fn save(&self, folder: &Path, more: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
        if !self.learner.is_main() {
            return Ok(());
        }
        let parameters = self.learner.optimizer.parameters.iter();
        let parameters = parameters
            .map(|(name, var)| Ok((name.clone(), Parameter::from_tensor(var)?)))
            .collect::<Result<_>>()?;
        let training = json!({
            "experiment": self.experiment, "epochs": self.progress.epoch, "steps": self.progress.step,
            "tokens": self.progress.tokens, "seconds": self.progress.seconds.round(), "data": self.progress.data,
            "from": self.progress.from,
        });
        let metrics = json!({ "validation": self.progress.validation });
        let checkpoint = Checkpoint::new(
            self.checkpoint.config.model.clone(),
            self.checkpoint.vocabulary.clone(),
            parameters,
            training,
            metrics,
        );
        let card = model_card::card(&checkpoint.config);
        checkpoint.save(folder, Precision::F32, &card, more).with_context(|| {
            format!("the previous checkpoint is untouched in {}; free up space and continue with --resume",
                     self.last().display())
        })
    }

    /// The run's summary.
    pub fn summary(&self, ending: Ending) -> Summary {
        let RunProgress {
            step,
            tokens,
            seconds,
            best_loss,
            ..
        } = self.progress;
        Summary {
            ending,
            tokens,
            steps: step,
            seconds,
            best_loss,
            best: self.folder.join(BEST),
            last: self.last(),
            log: self.folder.join(LOG),
        }
    }

    /// Writes a log line, if this worker logs.
    fn write<F: Serialize>(&mut self, line: &Line<F>) -> Result<()> {
        if self.learner.is_main() {
            self.log.write(line)?;
        }
        Ok(())
    }

    /// Adds the elapsed time to the progress.
    fn tick(&mut self) {
        self.progress.seconds += self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
    }
}
