//! Fits the gate (a mixture of experts over the network and its context) and the reranker of its top candidates, on
//! packages that the network was not trained on.

mod fit;

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use minicopilot::context::Syntax;
use minicopilot::inference::Engine;
use minicopilot::model::Parameters;
use minicopilot::model::checkpoint::Checkpoint;
use minicopilot::prediction::{ExpertScores, Mixture, RERANKED, gate_config, gate_features, prior};
use minicopilot::tokenizer::Vocabulary;
use rayon::prelude::*;
use serde_json::json;

use self::fit::{GateExamples, RerankerExamples};
use crate::data::{Dataset, Split};
use crate::host::{Host, Unit, ensure_running};
use crate::replay::{CorpusReplay, Network, PredictionSite, ReplayContext};

/// Heading of the model card's last section, about the gate.
const CARD_SECTION: &str = "\n## Combined with the context model\n\n";
/// Files that are read in parallel.
const TOGETHER: usize = 16;
/// Files whose hidden states are averaged.
const CENTRE_FILES: usize = 40;

/// Settings of a fit.
#[derive(Debug)]
pub struct Settings {
    /// A checkpoint written by `export`.
    pub checkpoint: PathBuf,
    /// Prepared data whose validation split consists of whole packages.
    pub data: PathBuf,
    /// The folder of the checkpoint with its gate.
    pub out: PathBuf,
    /// Number of targets to fit the gate and the reranker on.
    pub tokens: u64,
    /// Passes over these targets.
    pub epochs: usize,
    /// Random seed for the initial weights and the order of the examples.
    pub seed: u64,
}

/// Summary of a fit.
#[derive(Debug)]
pub struct Fitted {
    out: PathBuf,
    /// The loss of each epoch, one line each.
    log: String,
    targets: usize,
}

impl fmt::Display for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { out, log, targets } = self;
        let out = out.display();
        writeln!(
            f,
            "{log}{out}: combined with the context model, fitted on {targets} targets"
        )
    }
}

/// Fits a gate and a reranker to a checkpoint and writes the checkpoint with both.
#[expect(clippy::too_many_lines, reason = "one fit, step after step")]
pub fn fit(settings: &Settings, host: &dyn Host) -> Result<Fitted> {
    let checkpoint = Checkpoint::load(&settings.checkpoint)?;
    checkpoint.check_served()?;
    let dataset = Dataset::open(&settings.data)?;
    dataset.check_vocabulary(&checkpoint.vocabulary)?;
    let files = CorpusReplay::new(&dataset, Split::Validation)?;
    let used = files_from_the_end(&dataset, settings.tokens);
    ensure!(
        !used.is_empty(),
        "{} has no files in its validation split; see `trainer prepare --help`",
        settings.data.display()
    );
    let network = Network::Int8(Engine::of(&checkpoint, None)?);
    let few = &used[..used.len().min(CENTRE_FILES)];
    let shards = dataset.files(Split::Validation);
    let centre = Replay {
        network: &network,
        files: &files,
        used: few,
        total: few
            .iter()
            .map(|&file| shards.file_len(file) as u64 - 1)
            .sum(),
        host,
    }
    .mean_hidden()?;
    let network = Network::Int8(Engine::of(&checkpoint, Some(&centre[..]))?);
    let replay = Replay {
        network: &network,
        files: &files.with_projects()?,
        used: &used,
        total: settings.tokens.min(shards.tokens()),
        host,
    };
    let mut log = String::new();
    let mut note = |what: &str, epoch: usize, loss: f64| {
        ensure_running(host)?;
        Ok(writeln!(
            log,
            "{what}, epoch {}: {loss:.4} nats",
            epoch + 1
        )?)
    };
    let vocabulary = &checkpoint.vocabulary;
    let (mut parameters, targets) = fit_gate(
        &replay,
        vocabulary,
        &centre,
        settings,
        &mut |epoch, loss| note("gate", epoch, loss),
    )?;
    parameters.extend(fit::neutral_reranker()?);
    let mixture = Mixture::new(&parameters, vocabulary)?;
    let (reranker, reranked) = fit_reranker(&replay, &mixture, settings, &mut |epoch, loss| {
        note("reranker", epoch, loss)
    })?;
    parameters.extend(reranker);

    let training = json!({
        "targets": targets, "reranked": reranked, "epochs": settings.epochs, "seed": settings.seed,
        "data": dataset.fingerprint(),
    });
    save(checkpoint, parameters, training, settings)?;
    Ok(Fitted {
        out: settings.out.clone(),
        log,
        targets,
    })
}

/// Receives each epoch's number and mean loss.
type Note<'n> = &'n mut dyn FnMut(usize, f64) -> Result<()>;

/// Fits the gate; also returns the number of targets it was fitted on.
fn fit_gate(
    replay: &Replay<'_>,
    vocabulary: &Vocabulary,
    centre: &[f32],
    settings: &Settings,
    note: Note<'_>,
) -> Result<(Parameters, usize)> {
    let syntax = Syntax::new(vocabulary);
    let mut examples = GateExamples::default();
    replay.each(
        "reading for the gate",
        &|site, into: &mut GateExamples| gate_example(&syntax, site, into),
        &mut |some| examples.append(some),
    )?;
    let parameters = fit::gate(&examples, centre, settings.epochs, settings.seed, note)?;
    Ok((parameters, examples.len()))
}

/// Fits the reranker; also returns the number of targets it was fitted on.
fn fit_reranker(
    replay: &Replay<'_>,
    mixture: &Mixture,
    settings: &Settings,
    note: Note<'_>,
) -> Result<(Parameters, usize)> {
    let mut examples = RerankerExamples::default();
    replay.each(
        "reading for the reranker",
        &|site, into: &mut RerankerExamples| reranker_example(mixture, site, into),
        &mut |some| examples.append(some),
    )?;
    let parameters = fit::reranker(&examples, settings.epochs, settings.seed, note)?;
    Ok((parameters, examples.targets.len()))
}

/// The last files of the validation split that contain this many targets: `evaluate` measures the first ones.
fn files_from_the_end(dataset: &Dataset, targets: u64) -> Vec<usize> {
    let shards = dataset.files(Split::Validation);
    let mut left = targets;
    let wanted = |&file: &usize| {
        let before = left;
        left = left.saturating_sub(shards.file_len(file) as u64 - 1);
        before > 0
    };
    (0..shards.len()).rev().take_while(wanted).collect()
}

/// Reads the files that a gate is fitted on.
struct Replay<'a> {
    network: &'a Network,
    files: &'a CorpusReplay<'a>,
    used: &'a [usize],
    /// Number of tokens, for the progress display.
    total: u64,
    host: &'a dyn Host,
}

impl Replay<'_> {
    /// Reads the files on all cores and collects the examples that `example` makes of each site, in file order.
    fn each<T: Default + Send>(
        &self,
        message: &str,
        example: &(dyn Fn(&PredictionSite<'_>, &mut T) + Sync),
        gather: &mut dyn FnMut(T),
    ) -> Result<()> {
        let progress = self.host.progress(Unit::Tokens, self.total, 0);
        progress.message(message);
        for together in self.used.chunks(TOGETHER) {
            ensure_running(self.host)?;
            let some: Vec<(T, u64)> = together
                .par_iter()
                .map(|&file| self.file(file, example))
                .collect::<Result<_>>()?;
            for (examples, places) in some {
                progress.add(places);
                gather(examples);
            }
        }
        Ok(())
    }

    /// The examples of one file, and the number of its sites.
    fn file<T: Default>(
        &self,
        file: usize,
        example: &(dyn Fn(&PredictionSite<'_>, &mut T) + Sync),
    ) -> Result<(T, u64)> {
        let (mut examples, mut places) = (T::default(), 0);
        // Half of the files are read with their workspace, the others alone or with their imports installed. Examples
        // with suffix context made the gate worse without suffix context and hardly better with it: docs/answers.md.
        let context = ReplayContext {
            project: file.is_multiple_of(2),
            libraries: file % 4 == 1,
            suffix: false,
        };
        self.files.read(self.network, file, context, &mut |site| {
            example(site, &mut examples);
            places += 1;
            Ok(())
        })?;
        Ok((examples, places))
    }

    /// The mean hidden state `[H]` over the files.
    fn mean_hidden(&self) -> Result<Vec<f32>> {
        #[derive(Default)]
        struct Sum(Vec<f64>, u64);
        let mut all = Sum::default();
        self.each(
            "averaging hidden states",
            &|site, sum: &mut Sum| {
                sum.0.resize(site.distribution.hidden().len(), 0.0);
                let hidden = site.distribution.hidden().iter();
                sum.0
                    .iter_mut()
                    .zip(hidden)
                    .for_each(|(sum, &h)| *sum += f64::from(h));
                sum.1 += 1;
            },
            &mut |one: Sum| {
                all.0.resize(one.0.len().max(all.0.len()), 0.0);
                all.0.iter_mut().zip(one.0).for_each(|(sum, x)| *sum += x);
                all.1 += one.1;
            },
        )?;
        let count = all.1.max(1) as f64;
        Ok(all.0.iter().map(|sum| (sum / count) as f32).collect())
    }
}

/// Adds the gate's input at a site whose target some expert could predict.
fn gate_example(syntax: &Syntax, site: &PredictionSite<'_>, examples: &mut GateExamples) {
    let space = site.space();
    let scores = ExpertScores::new(&space, syntax, site.cosines);
    let Some(target) = site.candidate() else {
        return;
    };
    let likelihoods = scores.expert_probabilities(&space, site.distribution, target);
    if likelihoods.iter().all(|&p| p <= 0.0) {
        return;
    }
    // Candle's softmax cannot handle infinities.
    let priors = prior(site.distribution, &scores).map(|prior| prior.max(-60.0));
    let features = gate_features(&space, site.distribution, site.cosines, &scores);
    examples.features.extend(features);
    examples
        .hidden
        .extend_from_slice(site.distribution.hidden());
    examples.priors.extend(priors);
    examples.likelihoods.extend(likelihoods);
}

/// Adds the reranker's input at a site whose target is among the mixture's top candidates.
fn reranker_example(mixture: &Mixture, site: &PredictionSite<'_>, examples: &mut RerankerExamples) {
    let prediction = mixture.predict(site.document, site.distribution, site.cosines);
    let best = prediction.best(prediction.candidates(), RERANKED);
    let target = site.candidate();
    let found = best
        .iter()
        .position(|&(candidate, _)| Some(candidate) == target);
    let Some(found) = found else {
        return;
    };
    examples
        .units
        .extend_from_slice(prediction.gate_activations());
    for k in 0..RERANKED {
        let mut features = prediction.features(
            &site.space(),
            site.distribution,
            best[k.min(best.len() - 1)].0,
        );
        if k >= best.len() {
            features[0] = -60.0; // no such candidate
        }
        examples.candidates.extend(features);
    }
    examples.targets.push(found as u32);
}

/// Writes the checkpoint with its gate.
fn save(
    checkpoint: Checkpoint,
    parameters: Parameters,
    training: serde_json::Value,
    settings: &Settings,
) -> Result<()> {
    let path = settings.checkpoint.join("README.md");
    let card = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    // Replaces the section of an earlier gate.
    let before = card.split(CARD_SECTION).next().unwrap_or_default();
    let targets = &training["targets"];
    let card = format!(
        "{before}{CARD_SECTION}`gate.safetensors` combines the network's prediction with statistics from the buffer and the project. \
         It was fitted by `trainer gate` on\n{targets} targets of packages that the network was not trained on; the settings are in `config.json`.\n"
    );
    let precision = checkpoint.precision();
    let combined = checkpoint.with_gate(gate_config(training), parameters);
    combined.save(&settings.out, precision, &card, |_| Ok(()))?;
    Ok(())
}
