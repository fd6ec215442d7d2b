//! An open run: its learner, how far it is, its log and its checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use candle_core::{Device, Tensor, Var};
use minicopilot::files::{recover_folder, write_synced};
use minicopilot::metrics::Figures;
use minicopilot::model::checkpoint::{Checkpoint, Precision};
use minicopilot::model::initial_parameters;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::folder::{
    BEST, CONFIG, LAST, LOG, POSITION, STATE, ensure_free, open_log, read_json, same_experiment,
    taken,
};
use super::{Ending, Experiment, Learner, Step, state_on};
use crate::data::{Batch, Dataset, Split};

/// Steps between two lines of the log.
const LOG_EVERY: u64 = 10;

/// How far a run is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    pub epoch: u64,
    /// Batches done in this epoch.
    pub batch: u64,
    pub step: u64,
    /// Targets learned from, `<PAD>` aside.
    pub tokens: u64,
    /// Seconds of training, over all sittings.
    pub seconds: f64,
    pub best_loss: Option<f64>,
    /// The latest validation.
    validation: Option<Figures>,
    /// The step after which it was.
    #[serde(default)]
    pub validated_step: Option<u64>,
    /// Validations since the best one.
    without_gain: u64,
    /// Length of the log: what is behind it was written after this checkpoint and is dropped by a resume.
    log_bytes: u64,
    /// Loss and steps since the last line of the log.
    pending: (f64, u64),
    /// Fingerprint of the prepared data.
    data: String,
    /// Where the first weights come from, if not from chance.
    #[serde(default)]
    from: Option<Origin>,
}

/// The checkpoint that a run began with.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Origin {
    /// SHA-256 of its weights.
    weights: String,
    /// How it was trained.
    training: serde_json::Value,
}

impl Position {
    fn start(dataset: &Dataset) -> Self {
        Self {
            data: dataset.fingerprint().to_owned(),
            ..Self::default()
        }
    }
}

/// An open run.
pub struct Run {
    pub experiment: Experiment,
    pub learner: Learner,
    pub position: Position,
    folder: PathBuf,
    log: File,
    checkpoint: Checkpoint, // vocabulary and sizes; its tensors are the initial ones
    clock: Instant,
}

impl Run {
    /// A new run in `folder`, from the weights of the checkpoint `from` or fresh ones, or, with `resume`, the one that is
    /// there.
    pub fn open(
        folder: &Path,
        resume: bool,
        from: Option<&Path>,
        experiment: &Experiment,
        dataset: &Dataset,
        device: &Device,
    ) -> Result<Self> {
        let (last, config) = (folder.join(LAST), folder.join(CONFIG));
        for kept in [&last, &folder.join(BEST)] {
            recover_folder(kept).with_context(|| format!("cannot recover {}", kept.display()))?;
        }
        let vocabulary = dataset.vocabulary();
        let model_config = experiment.model_config(vocabulary.len());
        let load = |folder: &Path| -> Result<Checkpoint> {
            let checkpoint = Checkpoint::load(folder)?;
            ensure!(
                checkpoint.config.model == model_config && checkpoint.vocabulary == *vocabulary,
                "{} was trained on another vocabulary or architecture than --data and the experiment give",
                folder.display()
            );
            Ok(checkpoint)
        };
        let origin = from.map(load).transpose()?;
        if resume {
            same_experiment(&config, experiment)?;
        } else {
            ensure_free(folder)?;
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let fresh = !(resume && last.exists());
        let (tensors, position, moments) = if let Some(origin) = &origin {
            let mut position = Position::start(dataset);
            position.from = Some(Origin {
                weights: origin.config.fingerprints.weights.clone(),
                training: origin.config.training.clone(),
            });
            (origin.tensors().clone(), position, HashMap::new())
        } else if fresh {
            let tensors = initial_parameters(
                &model_config,
                experiment.training.initialization,
                experiment.training.seed,
                &frequencies(dataset),
                &Device::Cpu,
            )?;
            (tensors, Position::start(dataset), HashMap::new())
        } else {
            let tensors = load(&last)?.tensors().clone();
            let (position, state) = position_and_state(folder, dataset)?;
            (tensors, position, state)
        };

        let parameters: BTreeMap<String, Var> = tensors
            .iter()
            .map(|(name, t)| Ok((name.clone(), Var::from_tensor(&t.to_device(device)?)?)))
            .collect::<candle_core::Result<_>>()?;
        let mut learner = Learner::new(experiment, vocabulary.len(), parameters, device)?;
        learner.adam.updates = position.step;
        if !fresh {
            for (prefix, side) in [
                ("first", &mut learner.adam.first),
                ("second", &mut learner.adam.second),
            ] {
                for (name, moment) in side.iter_mut() {
                    *moment =
                        taken(&moments, &format!("{prefix}.{name}"), &last)?.to_device(device)?;
                }
            }
            let carried: Vec<Tensor> = (0..)
                .map_while(|k| moments.get(&format!("state.{k}")).cloned())
                .collect();
            if !carried.is_empty() {
                learner.state = Some(state_on(&carried, device)?);
            }
        }
        let log = open_log(&folder.join(LOG), position.log_bytes)?;
        let checkpoint = Checkpoint::new(
            model_config,
            vocabulary.clone(),
            BTreeMap::new(),
            json!({}),
            json!({}),
        );
        let folder = folder.to_owned();
        let mut run = Self {
            experiment: experiment.clone(),
            learner,
            position,
            folder,
            log,
            checkpoint,
            clock: Instant::now(),
        };
        if from.is_some() {
            run.save_last()?; // before there is an experiment to resume: it would begin with fresh weights
        }
        if !resume {
            write_synced(&config, experiment.resolved()?.as_bytes())
                .with_context(|| format!("cannot write {}", config.display()))?;
        }
        Ok(run)
    }

    /// The folder of the last checkpoint.
    pub fn last(&self) -> PathBuf {
        self.folder.join(LAST)
    }

    /// Whether so many validations in a row have brought nothing as the experiment has patience for.
    pub fn has_stopped_improving(&self) -> bool {
        self.position.validation.is_some()
            && self.position.without_gain >= self.experiment.training.patience as u64
    }

    /// The next step of the run.
    pub fn step(&mut self, batch: &Batch, rate: f64) -> Result<Step> {
        let step = self.learner.step(batch, rate, self.position.step).map_err(|error| {
            let config = self.folder.join(CONFIG);
            let (config, last) = (config.display(), self.last());
            if last.exists() {
                anyhow!(
                    "{error:#}; {} holds the last good checkpoint: lower training.learning_rate or clip in {config} and go \
                     on from it with --resume",
                    last.display()
                )
            } else {
                anyhow!("{error:#}; lower training.learning_rate or clip in {config} and begin again with --resume")
            }
        })?;
        self.position.step += 1;
        self.position.batch += 1;
        self.position.tokens += step.tokens;
        Ok(step)
    }

    /// Counts a step and writes a line every few.
    pub fn log_step(&mut self, step: &Step, rate: f64) -> Result<()> {
        self.tick();
        let Position {
            pending: (sum, count),
            step: done,
            ..
        } = &mut self.position;
        *sum += step.loss;
        *count += 1;
        if *done % LOG_EVERY != 0 {
            return Ok(());
        }
        let loss = *sum / *count as f64;
        self.position.pending = (0.0, 0);
        let Position {
            epoch,
            step: done,
            tokens,
            seconds,
            ..
        } = self.position;
        self.write(&json!({
            "kind": "train", "epoch": epoch, "step": done, "tokens": tokens, "seconds": seconds, "loss": loss,
            "learning_rate": rate, "gradient_norm": step.gradient_norms.total, "gradient_norms": step.gradient_norms.each,
        }))
    }

    /// Writes a validation's figures and keeps the checkpoint if it is the best.
    pub fn log_validation(&mut self, figures: &Figures) -> Result<()> {
        self.tick();
        let Position {
            epoch,
            step,
            tokens,
            seconds,
            ..
        } = self.position;
        self.write(&json!({
            "kind": "validation", "epoch": epoch, "step": step, "tokens": tokens, "seconds": seconds, "context": "whole",
            "figures": figures,
        }))?;
        let loss = figures
            .loss
            .context("the validation part holds no tokens; prepare the data with one")?;
        let improved = self.position.best_loss.is_none_or(|best| loss < best);
        self.position.validation = Some(figures.clone());
        self.position.validated_step = Some(step);
        if improved {
            self.position.best_loss = Some(loss);
            self.position.without_gain = 0;
            self.save(&self.folder.join(BEST), |_| Ok(()))?;
        } else {
            self.position.without_gain += 1;
        }
        Ok(())
    }

    /// The last validation in one line.
    pub fn validation_line(&self) -> String {
        let Some(Figures {
            loss: Some(loss),
            perplexity: Some(perplexity),
            top1: Some(top1),
            top5: Some(top5),
            ..
        }) = &self.position.validation
        else {
            return String::new();
        };
        let Position { epoch, tokens, .. } = self.position;
        format!(
            "epoch {epoch}, {tokens} tokens: validation loss {loss:.4}, perplexity {perplexity:.3}, top-1 {top1:.4}, top-5 {top5:.4}"
        )
    }

    /// Replaces `last/` by the present.
    pub fn save_last(&mut self) -> Result<()> {
        self.tick();
        self.log.sync_all().context("cannot write the log")?;
        self.position.log_bytes = self.log.stream_position().context("cannot write the log")?;
        let mut tensors: HashMap<String, Tensor> = HashMap::new();
        for (prefix, side) in [
            ("first", &self.learner.adam.first),
            ("second", &self.learner.adam.second),
        ] {
            tensors.extend(
                side.iter()
                    .map(|(name, t)| (format!("{prefix}.{name}"), t.clone())),
            );
        }
        if let Some(state) = &self.learner.state {
            tensors.extend(
                state
                    .tensors()
                    .into_iter()
                    .enumerate()
                    .map(|(k, t)| (format!("state.{k}"), t.clone())),
            );
        }
        let position = serde_json::to_vec_pretty(&self.position)?;
        self.save(&self.last(), |folder| {
            candle_core::safetensors::save(&tensors, folder.join(STATE))
                .map_err(std::io::Error::other)?;
            File::open(folder.join(STATE))?.sync_all()?;
            write_synced(&folder.join(POSITION), &position)
        })
    }

    fn save(&self, folder: &Path, more: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
        let tensors = self.learner.adam.parameters.iter();
        let tensors = tensors
            .map(|(name, var)| Ok((name.clone(), var.to_device(&Device::Cpu)?)))
            .collect::<Result<_>>()?;
        let training = json!({
            "experiment": self.experiment, "epochs": self.position.epoch, "steps": self.position.step,
            "tokens": self.position.tokens, "seconds": self.position.seconds.round(), "data": self.position.data,
            "from": self.position.from,
        });
        let metrics = json!({ "validation": self.position.validation });
        let checkpoint = Checkpoint::new(
            self.checkpoint.config.model.clone(),
            self.checkpoint.vocabulary.clone(),
            tensors,
            training,
            metrics,
        );
        let card = crate::export::card(&checkpoint.config);
        checkpoint.save(folder, Precision::F32, &card, more).with_context(|| {
            format!("the checkpoint before this one is untouched in {}; free space and continue with --resume", self.last().display())
        })
    }

    /// How it ended, in a few lines.
    pub fn summary(&self, ending: Ending) -> String {
        let ended = match ending {
            Ending::Finished => "finished",
            Ending::EarlyStopped => "stopped: validation no longer improves",
            Ending::OutOfTime => "out of time, continue with --resume",
            Ending::Interrupted => "interrupted, continue with --resume",
        };
        let Position {
            step,
            tokens,
            seconds,
            best_loss,
            ..
        } = &self.position;
        let rate = *tokens as f64 / seconds.max(1e-9);
        let best = best_loss.map_or_else(String::new, |loss| {
            let (perplexity, best) = (loss.exp(), self.folder.join(BEST));
            format!(
                "best validation loss {loss:.4} (perplexity {perplexity:.3}): {}\n",
                best.display()
            )
        });
        format!(
            "{ended}: {tokens} tokens in {step} steps, {seconds:.0} s ({rate:.0} tokens/s)\n{best}\
             last checkpoint: {}, log: {}\n",
            self.last().display(),
            self.folder.join(LOG).display()
        )
    }

    /// Moves the clock's time into the position.
    fn tick(&mut self) {
        self.position.seconds += self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
    }

    fn write(&mut self, line: &serde_json::Value) -> Result<()> {
        writeln!(self.log, "{line}").context("cannot write the log")
    }
}

/// How far the run in `folder` was when it was last saved, and the moments and carried state that it had.
fn position_and_state(
    folder: &Path,
    dataset: &Dataset,
) -> Result<(Position, HashMap<String, Tensor>)> {
    let last = folder.join(LAST);
    let position: Position = read_json(&last.join(POSITION))?;
    ensure!(
        position.data == dataset.fingerprint(),
        "{} was begun on other data (fingerprint {:.12}…) than --data holds ({:.12}…)",
        folder.display(),
        position.data,
        dataset.fingerprint()
    );
    let path = last.join(STATE);
    let state = candle_core::safetensors::load(&path, &Device::Cpu)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok((position, state))
}

/// How often each id occurs in the training part.
fn frequencies(dataset: &Dataset) -> Vec<u64> {
    let mut counts = vec![0; dataset.vocabulary().len()];
    let shards = dataset.files(Split::Train);
    for &id in (0..shards.len()).flat_map(|i| shards.file(i)) {
        counts[id as usize] += 1;
    }
    counts
}
