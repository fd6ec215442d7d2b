//! The targets of an evaluation by class, position and novelty, and the worst misses.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::metrics::{Class, Observation, RankFigures, Ranks};

/// Misses on the page.
const MISSES: usize = 100;
/// Items of a list.
const LIST: usize = 5;
/// Where parts of a file by position end, in tokens.
const POSITIONS: [usize; 4] = [64, 256, 1024, 4096];

/// What is known of a target beside where it stood among the answers.
pub struct Target<'t> {
    pub surface: &'t str,
    /// What stands before it.
    pub before: &'t str,
    /// Where it stands: file and line.
    pub place: (&'t Path, usize),
    /// How many tokens stand before it.
    pub position: usize,
    /// It has stood before it.
    pub is_seen: bool,
}

/// The same targets taken apart, and the worst of those that were missed.
#[derive(Debug, Default)]
pub struct Parts {
    ranks: BTreeMap<(&'static str, &'static str), Ranks>,
    /// The surest first.
    misses: Vec<Miss>,
}

/// Strict figures of a part.
#[derive(Debug, Serialize)]
pub struct Part {
    /// What the targets are taken apart by.
    pub by: &'static str,
    /// Which of them.
    pub name: &'static str,
    /// Its figures.
    #[serde(flatten)]
    pub figures: RankFigures,
}

/// A target that was not among the first five, and what was.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    /// File and line.
    pub place: String,
    /// The end of what stands before it.
    pub before: String,
    /// The py150 token.
    pub target: String,
    /// It has stood in the file before.
    pub is_seen: bool,
    /// What was offered, and how probable all of that was said to be.
    pub answers: Vec<String>,
    /// See `answers`.
    pub probability: f32,
}

impl Parts {
    /// Counts one target and its answers.
    pub fn add(&mut self, target: &Target<'_>, seen: &Observation, answers: &[(&str, f32)]) {
        let class = match seen.class {
            Class::Identifier => "identifiers",
            Class::Attribute => "attributes",
            Class::LineEnd => "line ends",
            Class::FileEnd => "file ends",
            Class::Keyword => "keywords",
            Class::Operator => "operators",
            Class::String => "strings",
            Class::Number => "numbers",
        };
        let names = ["to 64", "to 256", "to 1,024", "to 4,096", "behind"];
        let position = POSITIONS.partition_point(|&end| end <= target.position);
        let mut add = |by, part| self.ranks.entry((by, part)).or_default().add(seen.rank);
        add("class", class);
        add("position in tokens", names[position]);
        if matches!(seen.class, Class::Identifier | Class::Attribute) {
            let part = if target.is_seen {
                "seen before"
            } else {
                "new to the file"
            };
            add("identifiers and attributes", part);
        }
        let is_missed = seen.rank.is_none_or(|rank| rank >= LIST);
        let probability = answers.iter().take(LIST).map(|(_, p)| p).sum();
        let surer = |other: &Miss| other.probability >= probability;
        let at = self.misses.partition_point(surer);
        if at < MISSES
            && is_missed
            && !matches!(seen.class, Class::FileEnd | Class::Number | Class::String)
        {
            let first = answers.iter().take(LIST);
            let (path, line) = target.place;
            let miss = Miss {
                place: format!("{}:{line}", path.display()),
                before: target.before.to_owned(),
                target: target.surface.to_owned(),
                is_seen: target.is_seen,
                answers: first.map(|(token, p)| format!("{token} {p:.2}")).collect(),
                probability,
            };
            self.misses.insert(at, miss);
            self.misses.truncate(MISSES);
        }
    }

    /// The figures of all parts.
    pub fn figures(&self) -> Vec<Part> {
        let parts = self.ranks.iter().map(|(&(by, name), ranks)| Part {
            by,
            name,
            figures: ranks.figures(),
        });
        parts.collect()
    }

    /// The worst misses.
    pub fn misses(&self) -> &[Miss] {
        &self.misses
    }
}
