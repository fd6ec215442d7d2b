//! A run's folder: what it holds, how it is opened, continued and saved.
//!
//! `config.toml` the experiment with every default written out; `metrics.jsonl` one JSON object a line, the log that
//! reports are made from; `last/` and `best/` checkpoints, each replaced only by a complete one. `last/` also holds
//! what a resume needs: `state.safetensors` (Adam's moments, the carried recurrent state) and `position.json`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use candle_core::{Device, Tensor, Var};
use minicopilot::checkpoint::{Checkpoint, Precision, recover_folder, write_synced};
use minicopilot::metrics::Figures;
use minicopilot::model::initial_parameters;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Ending, Experiment, Learner, Step, state_on};
use crate::data::{Batch, Dataset, Split};

pub const CONFIG: &str = "config.toml";
pub const LOG: &str = "metrics.jsonl";
pub const LAST: &str = "last";
pub const BEST: &str = "best";
const STATE: &str = "state.safetensors";
const POSITION: &str = "position.json";

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
    /// Validations since the best one.
    pub without_gain: u64,
    /// Length of the log: what is behind it was written after this checkpoint and is dropped by a resume.
    log_bytes: u64,
    /// Loss and steps since the last line of the log.
    pending: (f64, u64),
    /// Fingerprint of the prepared data.
    data: String,
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
    /// A new run in `folder`, or, with `resume`, the one that is there.
    pub fn open(
        folder: &Path,
        resume: bool,
        experiment: &Experiment,
        dataset: &Dataset,
        device: &Device,
    ) -> Result<Self> {
        let (last, config) = (folder.join(LAST), folder.join(CONFIG));
        for kept in [&last, &folder.join(BEST)] {
            recover_folder(kept).with_context(|| format!("cannot recover {}", kept.display()))?;
        }
        if resume {
            same_experiment(&config, experiment)?;
        } else {
            begin(folder, &config, experiment)?;
        }
        let vocabulary = dataset.vocabulary();
        let model_config = experiment.model_config(vocabulary.len());
        let fresh = !(resume && last.exists());
        let (tensors, position, moments) = if fresh {
            let frequencies = frequencies(dataset);
            let seed = experiment.training.seed;
            let tensors = initial_parameters(
                &model_config,
                experiment.training.initialization,
                seed,
                &frequencies,
                &Device::Cpu,
            )?;
            (
                tensors,
                Position {
                    data: dataset.fingerprint().to_owned(),
                    ..Position::default()
                },
                HashMap::new(),
            )
        } else {
            let checkpoint = Checkpoint::load(&last)?;
            ensure!(
                checkpoint.config.model == model_config && checkpoint.vocabulary == *vocabulary,
                "{} was trained on another vocabulary or architecture than --data and the experiment give",
                last.display()
            );
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
            (checkpoint.tensors().clone(), position, state)
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
        let experiment = experiment.clone();
        Ok(Self {
            experiment,
            learner,
            position,
            folder,
            log,
            checkpoint,
            clock: Instant::now(),
        })
    }

    /// The folder of the last checkpoint.
    pub fn last(&self) -> PathBuf {
        self.folder.join(LAST)
    }

    /// The next step of the run.
    pub fn step(&mut self, batch: &Batch, rate: f64) -> Result<Step> {
        let step = self.learner.step(batch, rate, self.position.step).map_err(|error| {
            anyhow!(
                "{error:#}; the last good checkpoint is {}: resume from it with a lower training.learning_rate or a \
                 smaller training.clip",
                self.last().display()
            )
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

    /// Prints how it ended.
    pub fn summary(&self, ending: Ending) {
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
        println!("{ended}: {tokens} tokens in {step} steps, {seconds:.0} s ({rate:.0} tokens/s)");
        if let Some(loss) = best_loss {
            println!(
                "best validation loss {loss:.4} (perplexity {:.3}): {}",
                loss.exp(),
                self.folder.join(BEST).display()
            );
        }
        println!(
            "last checkpoint: {}, log: {}",
            self.last().display(),
            self.folder.join(LOG).display()
        );
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

/// Writes the experiment of a new run into its folder.
fn begin(folder: &Path, config: &Path, experiment: &Experiment) -> Result<()> {
    ensure!(
        !config.exists(),
        "{} already holds a run; continue it with --resume or choose another --out",
        folder.display()
    );
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write_synced(config, experiment.resolved()?.as_bytes())
        .with_context(|| format!("cannot write {}", config.display()))
}

/// A run goes on as it was begun, or not at all.
fn same_experiment(config: &Path, experiment: &Experiment) -> Result<()> {
    let text = fs::read_to_string(config)
        .with_context(|| format!("no run to resume: cannot read {}", config.display()))?;
    let of_run = Experiment::parse(&text).with_context(|| config.display().to_string())?;
    ensure!(
        of_run == *experiment,
        "the experiment differs from {}; a run is resumed as it was begun: leave --config, --seed and --max-tokens out",
        config.display()
    );
    Ok(())
}

fn taken(tensors: &HashMap<String, Tensor>, name: &str, folder: &Path) -> Result<Tensor> {
    match tensors.get(name) {
        Some(tensor) => Ok(tensor.clone()),
        None => bail!(
            "{}: {name} is missing; the run cannot be resumed from it",
            folder.join(STATE).display()
        ),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}

/// The log, cut to `length`, ready to be appended to.
fn open_log(path: &Path, length: u64) -> Result<File> {
    let open = || -> std::io::Result<File> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.set_len(length)?;
        file.seek(std::io::SeekFrom::End(0))?;
        Ok(file)
    };
    open().with_context(|| format!("cannot open {}", path.display()))
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
