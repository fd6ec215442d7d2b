//! Evaluation targets grouped by class, position and novelty, and the most confident errors.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::metrics::{Class, Observation, RankFigures, Ranks};

/// Maximum number of errors kept.
const MISSES: usize = 100;
/// Number of candidates in a list.
const LIST: usize = 5;
/// Bounds of the position groups in a file, in tokens.
const POSITIONS: [usize; 4] = [64, 256, 1024, 4096];

/// A target without its rank among the answers.
pub struct Target<'t> {
    pub surface: &'t str,
    /// The text before it.
    pub before: &'t str,
    /// File and line.
    pub place: (&'t Path, usize),
    /// The number of tokens before it.
    pub position: usize,
    /// Whether it occurs earlier in the file.
    pub is_seen: bool,
}

/// Ranks of targets by part, and the most confident errors.
#[derive(Debug, Default)]
pub struct Parts {
    ranks: BTreeMap<(&'static str, &'static str), Ranks>,
    /// Highest probability first.
    misses: Vec<Miss>,
}

/// Strict figures of a part.
#[derive(Debug, Serialize)]
pub struct Part {
    /// The property that targets are grouped by.
    pub by: &'static str,
    /// Its value in this part.
    pub name: &'static str,
    /// The figures.
    #[serde(flatten)]
    pub figures: RankFigures,
}

/// A target that was not among the first five candidates.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    /// File and line.
    pub place: String,
    /// The last lines before it.
    pub before: String,
    /// The py150 token.
    pub target: String,
    /// Whether it occurs earlier in the file.
    pub is_seen: bool,
    /// The first five candidates with their probabilities.
    pub answers: Vec<String>,
    /// The sum of their probabilities.
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
        let names = [
            "up to 64",
            "up to 256",
            "up to 1,024",
            "up to 4,096",
            "over 4,096",
        ];
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

    /// The most confident errors, highest probability first.
    pub fn misses(&self) -> &[Miss] {
        &self.misses
    }
}
