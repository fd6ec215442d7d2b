//! Metrics by token class and by position in the file.
//!
//! A breakdown is kept beside [`super::Metrics`], not inside it: filling it needs the network's full distribution and the
//! target's position in its file.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::observation::{Class, Observation};
use super::{RankFigures, Ranks, ratio};

/// Classes in display order. Every target is in exactly one.
const CLASSES: [&str; 9] = [
    "identifiers",
    "attributes",
    "keywords",
    "operators",
    "strings",
    "numbers",
    "<EOL>",
    "</s>",
    "out of vocabulary",
];
/// Index of the last class, which only a network's distribution can identify.
const UNKNOWN: usize = CLASSES.len() - 1;

/// End of the first position range, in tokens. Each further range is as long as everything before it.
const FIRST: usize = 64;
/// Number of position ranges: 0 to 63, 64 to 127, …, 4,096 to 8,191, and the rest.
const POSITIONS: usize = 9;

/// Counts of one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tally {
    nats: f64,
    classes: Ranks,
    strict: Ranks,
}

/// Counts by class and by position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    classes: [Tally; CLASSES.len()],
    positions: [Tally; POSITIONS],
}

impl Breakdown {
    /// Counts one target. `position` is its index in the file, which equals the number of tokens the network has read.
    /// Observations without the network's view are skipped.
    pub fn add(&mut self, seen: &Observation, position: usize) {
        let Some(view) = seen.model else { return };
        let class = if view.unknown {
            UNKNOWN
        } else {
            place(seen.class)
        };
        for tally in [
            &mut self.classes[class],
            &mut self.positions[part(position)],
        ] {
            tally.nats -= view.log_probability;
            tally.classes.add(Some(view.rank));
            tally.strict.add(seen.rank);
        }
    }

    /// Figures of each class that has targets.
    pub fn classes(&self) -> Vec<ClassFigures> {
        let parts = CLASSES.iter().zip(&self.classes);
        parts
            .filter_map(|(class, tally)| {
                Some(ClassFigures {
                    class: (*class).to_owned(),
                    figures: tally.figures()?,
                })
            })
            .collect()
    }

    /// Figures of each position range that has targets.
    pub fn positions(&self) -> Vec<PositionFigures> {
        let parts = self.positions.iter().enumerate();
        parts
            .filter_map(|(k, tally)| {
                Some(PositionFigures {
                    from: if k == 0 { 0 } else { FIRST << (k - 1) },
                    to: (k + 1 < POSITIONS).then(|| (FIRST << k) - 1),
                    figures: tally.figures()?,
                })
            })
            .collect()
    }
}

impl AddAssign<&Self> for Breakdown {
    fn add_assign(&mut self, other: &Self) {
        let mine = self.classes.iter_mut().chain(&mut self.positions);
        for (mine, theirs) in mine.zip(other.classes.iter().chain(&other.positions)) {
            mine.nats += theirs.nats;
            mine.classes += &theirs.classes;
            mine.strict += &theirs.strict;
        }
    }
}

impl Tally {
    fn figures(&self) -> Option<PartFigures> {
        let classes = self.classes.figures();
        Some(PartFigures {
            targets: classes.targets,
            loss: ratio(self.nats, classes.targets)?,
            top1: classes.top1?,
            top5: classes.top5?,
            strict: self.strict.figures(),
        })
    }
}

/// Index of a class in [`CLASSES`].
fn place(class: Class) -> usize {
    match class {
        Class::Identifier => 0,
        Class::Attribute => 1,
        Class::Keyword => 2,
        Class::Operator => 3,
        Class::String => 4,
        Class::Number => 5,
        Class::LineEnd => 6,
        Class::FileEnd => 7,
    }
}

/// Index of the position range.
fn part(position: usize) -> usize {
    match position / FIRST {
        0 => 0,
        whole => (whole.ilog2() as usize + 1).min(POSITIONS - 1),
    }
}

/// Figures of one part. Parts without targets are omitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartFigures {
    /// Targets counted.
    pub targets: u64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of targets that are the most probable vocabulary entry, with `<UNK>` as a class.
    pub top1: f64,
    /// Share of targets among the five most probable vocabulary entries, with `<UNK>` as a class.
    pub top5: f64,
    /// Figures among the answers a user can see.
    pub strict: RankFigures,
}

/// Figures of one class of tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Display name.
    pub class: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: PartFigures,
}

/// Figures of one range of positions in the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionFigures {
    /// First index of the range. `<s>` has index 0 and is never a target.
    pub from: usize,
    /// Last index of the range; `None` for the last range.
    pub to: Option<usize>,
    /// The figures.
    #[serde(flatten)]
    pub figures: PartFigures,
}
