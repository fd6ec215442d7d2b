//! The same targets taken apart: by what they are, and by how far into the file they stand.
//!
//! Kept beside [`super::Metrics`] and not in it: only who has a network's own distribution and knows a target's place
//! in its file can fill it.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::observation::{Class, Observation};
use super::{RankFigures, Ranks, ratio};

/// The parts by class, in the order in which they are shown: every target is in exactly one.
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
/// Place of the last, which the network alone can tell.
const UNKNOWN: usize = CLASSES.len() - 1;

/// The first part by position ends before this token; each that follows is as long as all before it.
const FIRST: usize = 64;
/// 0 to 63, 64 to 127, …, 4,096 to 8,191, and what lies behind.
const POSITIONS: usize = 9;

/// What is counted of each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tally {
    nats: f64,
    classes: Ranks,
    strict: Ranks,
}

/// Counts of the parts of a set of targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    classes: [Tally; CLASSES.len()],
    positions: [Tally; POSITIONS],
}

impl Breakdown {
    /// Counts one target, of which `position` is the index in its file: how many tokens the network had read.
    /// Observations without the network's view are left out.
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

    /// Each class that has targets, divided.
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

    /// Each stretch of positions that has targets, divided.
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

/// Place of a class in [`CLASSES`].
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

/// Which part by position.
fn part(position: usize) -> usize {
    match position / FIRST {
        0 => 0,
        whole => (whole.ilog2() as usize + 1).min(POSITIONS - 1),
    }
}

/// Figures of one part; one without targets has none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartFigures {
    /// Targets counted.
    pub targets: u64,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Target is the most probable vocabulary entry, `<UNK>` a class.
    pub top1: f64,
    /// Target is among the five most probable vocabulary entries, `<UNK>` a class.
    pub top5: f64,
    /// Among the answers a user can see.
    pub strict: RankFigures,
}

/// Figures of one class of tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Its name, as people read it.
    pub class: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: PartFigures,
}

/// Figures of the targets at some distance from their file's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionFigures {
    /// The first index in the file; `<s>` has 0, and is never a target.
    pub from: usize,
    /// The last; the last part has none.
    pub to: Option<usize>,
    /// The figures.
    #[serde(flatten)]
    pub figures: PartFigures,
}
