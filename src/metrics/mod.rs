//! Quality and latency metrics: the only definition of every figure in the project.
//!
//! Each measured target becomes one [`Observation`]. [`Metrics`] accumulates observations (integer counts, and two sums of
//! reals), merges with `+=`, and divides only in [`Metrics::figures`]. Build observations with [`Surfaces`] from a full
//! distribution, or with [`Observation::from_answers`] from a server's answers. [`Breakdown`] groups the same observations
//! by class and position. This module does not read files, run networks or know protocols.
//!
//! Definition of "strict": an *answer* is a vocabulary entry with a text of its own, including the line break. `<PAD>`,
//! `<UNK>`, `<s>`, `</s>` and `<NUM_LIT>` have none. Users never see them, so they take no rank among the top k. As targets
//! they always count, and are always wrong.

mod breakdown;
mod calibration;
mod latency;
mod observation;
mod standard_errors;
mod surfaces;
mod temperature;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

pub use breakdown::{Breakdown, ClassFigures, PartFigures, PositionFigures};
pub use calibration::{Calibration, ReliabilityBin};
pub use latency::{Latency, LatencyFigures};
pub use observation::{Class, Keystrokes, ModelView, Observation, Shown, keys_used};
pub use standard_errors::{HEADLINE_METRICS, standard_errors};
pub use surfaces::Surfaces;
pub use temperature::TemperatureFit;

/// Number of ranks counted: mean reciprocal rank covers the first ten answers.
pub const PLACES: usize = 10;

/// Histogram of the targets' ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranks {
    /// Number of targets.
    pub targets: u64,
    /// Number of targets at rank 1, 2, … among the answers.
    pub at: [u64; PLACES],
}

impl Ranks {
    /// Counts one target. `rank` is 0 for the first answer, and `None` if the target is not among the answers.
    pub fn add(&mut self, rank: Option<usize>) {
        self.targets += 1;
        if let Some(count) = rank.and_then(|rank| self.at.get_mut(rank)) {
            *count += 1;
        }
    }

    /// Top-1, top-5 and mean reciprocal rank.
    pub fn figures(&self) -> RankFigures {
        let reciprocal = self
            .at
            .iter()
            .zip(1u32..)
            .map(|(&n, place)| n as f64 / f64::from(place));
        RankFigures {
            targets: self.targets,
            top1: ratio(self.at[0] as f64, self.targets),
            top5: ratio(self.at[..5].iter().sum::<u64>() as f64, self.targets),
            mrr10: ratio(reciprocal.sum(), self.targets),
        }
    }
}

impl AddAssign<&Self> for Ranks {
    fn add_assign(&mut self, other: &Self) {
        self.targets += other.targets;
        for (mine, theirs) in self.at.iter_mut().zip(other.at) {
            *mine += theirs;
        }
    }
}

/// Accumulated counts over a set of targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Sum of −ln p(target) over `classes.targets` targets.
    nats: f64,
    /// Ranks in the whole vocabulary, with `<UNK>` as a class.
    classes: Ranks,
    /// Ranks among the answers.
    strict: Ranks,
    /// Strict ranks of names that are not keywords.
    identifiers: Ranks,
    /// Strict ranks of identifiers after a dot.
    attributes: Ranks,
    codexglue_targets: u64,
    codexglue_right: u64,
    /// Keystrokes for identifiers of at least three characters.
    keystrokes: Keystrokes,
    /// Keystrokes for all tokens.
    keystrokes_all: Keystrokes,
    /// Number of identifiers with unknown keystrokes. These are out-of-vocabulary names, so omitting them would inflate the
    /// figure: if there is one, the figure is `None`.
    untyped: u64,
    calibration: Calibration,
    raw_calibration: Calibration,
}

impl Metrics {
    /// Minimum identifier length in characters for keystrokes saved. Shorter ones are typed faster than selected.
    pub const KEYSTROKES_FROM: u64 = 3;

    /// Counts one target. Must not be called for a `<PAD>` target.
    pub fn add(&mut self, seen: &Observation) {
        if let Some(view) = seen.model {
            self.nats -= view.log_probability;
            self.classes.add(Some(view.rank));
        }
        self.strict.add(seen.rank);
        let identifier = matches!(seen.class, Class::Identifier | Class::Attribute);
        if identifier {
            self.identifiers.add(seen.rank);
        }
        if seen.class == Class::Attribute {
            self.attributes.add(seen.rank);
        }
        if !matches!(seen.class, Class::LineEnd | Class::FileEnd) {
            self.codexglue_targets += 1;
            self.codexglue_right += u64::from(seen.exact);
        }
        if let Some(typed) = &seen.keystrokes {
            self.keystrokes_all += typed;
            if identifier && typed.characters >= Self::KEYSTROKES_FROM {
                self.keystrokes += typed;
            }
        } else if identifier {
            self.untyped += 1;
        }
        if let Some(shown) = seen.shown {
            self.calibration.add(shown);
        }
        if let Some(raw) = seen.raw {
            self.raw_calibration.add(raw);
        }
    }

    /// Reliability of the first answers, by the probability shown with them.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The same, by the probability before temperature scaling.
    pub fn raw_calibration(&self) -> &Calibration {
        &self.raw_calibration
    }

    /// Computes the figures. A figure without targets is `None`.
    pub fn figures(&self) -> Figures {
        let loss = ratio(self.nats, self.classes.targets);
        let classes = self.classes.figures();
        let saved = |typed: &Keystrokes| typed.saved().filter(|_| self.untyped == 0);
        Figures {
            targets: self.strict.targets,
            loss,
            perplexity: loss.map(f64::exp),
            top1: classes.top1,
            top5: classes.top5,
            strict: self.strict.figures(),
            codexglue_accuracy: ratio(self.codexglue_right as f64, self.codexglue_targets),
            identifiers: self.identifiers.figures(),
            attributes: self.attributes.figures(),
            keystrokes_saved: saved(&self.keystrokes),
            keystrokes_saved_all: saved(&self.keystrokes_all),
            ece: self.calibration.error(),
            ece_raw: self.raw_calibration.error(),
        }
    }
}

impl AddAssign<&Self> for Metrics {
    fn add_assign(&mut self, other: &Self) {
        self.nats += other.nats;
        self.classes += &other.classes;
        self.strict += &other.strict;
        self.identifiers += &other.identifiers;
        self.attributes += &other.attributes;
        self.codexglue_targets += other.codexglue_targets;
        self.codexglue_right += other.codexglue_right;
        self.keystrokes += &other.keystrokes;
        self.keystrokes_all += &other.keystrokes_all;
        self.untyped += other.untyped;
        self.calibration += &other.calibration;
        self.raw_calibration += &other.raw_calibration;
    }
}

/// Rank figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankFigures {
    /// Number of targets.
    pub targets: u64,
    /// Share of targets at rank 1.
    pub top1: Option<f64>,
    /// Share of targets at ranks 1 to 5.
    pub top5: Option<f64>,
    /// Mean of 1 / rank, counting 0 beyond rank 10.
    pub mrr10: Option<f64>,
}

/// Figures of [`Metrics`], as printed and as written to JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Number of targets.
    pub targets: u64,
    /// Mean cross-entropy in nats.
    pub loss: Option<f64>,
    /// exp(loss).
    pub perplexity: Option<f64>,
    /// Share of targets that are the most probable vocabulary entry, with `<UNK>` as a class.
    pub top1: Option<f64>,
    /// Share of targets among the five most probable vocabulary entries, with `<UNK>` as a class.
    pub top5: Option<f64>,
    /// Over all targets, among the answers a user can see.
    pub strict: RankFigures,
    /// Top-1 accuracy on tokens except line and file ends; `<UNK>` is always wrong.
    pub codexglue_accuracy: Option<f64>,
    /// `strict` for names that are not keywords.
    pub identifiers: RankFigures,
    /// `strict` for identifiers after a dot.
    pub attributes: RankFigures,
    /// 1 − keys / characters for identifiers of at least three characters.
    pub keystrokes_saved: Option<f64>,
    /// The same for all tokens.
    pub keystrokes_saved_all: Option<f64>,
    /// Expected calibration error of the first answer.
    pub ece: Option<f64>,
    /// Expected calibration error before temperature scaling.
    #[serde(default)]
    pub ece_raw: Option<f64>,
}

impl Figures {
    /// Name and value of every figure, in the order of the table.
    pub fn rows(&self) -> [(&'static str, Option<f64>); 19] {
        let (strict, names, attributes) = (&self.strict, &self.identifiers, &self.attributes);
        [
            ("loss", self.loss),
            ("perplexity", self.perplexity),
            ("top1", self.top1),
            ("top5", self.top5),
            ("strict top1", strict.top1),
            ("strict top5", strict.top5),
            ("strict mrr@10", strict.mrr10),
            ("codexglue accuracy", self.codexglue_accuracy),
            ("identifier top1", names.top1),
            ("identifier top5", names.top5),
            ("identifier mrr@10", names.mrr10),
            ("attribute top1", attributes.top1),
            ("attribute top5", attributes.top5),
            ("attribute mrr@10", attributes.mrr10),
            ("keystrokes saved", self.keystrokes_saved),
            ("keystrokes saved, all tokens", self.keystrokes_saved_all),
            ("calibration error", self.ece),
            ("calibration error, raw", self.ece_raw),
            ("targets", Some(self.targets as f64)),
        ]
    }
}

/// One figure per line, omitting figures that were not measured.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.rows() {
            match value {
                Some(value) if name == "targets" => writeln!(f, "{name:<30}{value:>10.0}")?,
                Some(value) => writeln!(f, "{name:<30}{value:>10.4}")?,
                None => {}
            }
        }
        Ok(())
    }
}

/// `sum / count`, or `None` if `count` is 0.
fn ratio(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}
