//! What an evaluation comes to, taken apart, and its worst misses: a page to read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use super::Report;
use crate::metrics::{Class, Observation, RankFigures, Ranks, ReliabilityBin};

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

/// The page: figures, parts, reliability and misses; one file without scripts.
pub fn page(report: &Report) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>minicopilot evaluate</title><style>\
         body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}\
         table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:right}\
         td:first-child,th:first-child{text-align:left}pre{background:#f4f4f2;padding:.5rem .7rem;overflow:auto;margin:.3rem 0}\
         b{background:#ffe3a8;font-weight:400}small{color:#666}article{margin:1.1rem 0}</style><h1>minicopilot evaluate</h1>",
    );
    let summary = report.to_string();
    let _ = write!(out, "<pre>{}</pre><h2>Parts</h2>", escaped(&summary));
    let mut by = "";
    for part in &report.parts {
        if part.by != by {
            let close = if by.is_empty() { "" } else { "</table>" };
            by = part.by;
            let _ = write!(
                out,
                "{close}<table><tr><th>{by}<th>targets<th>first<th>first five"
            );
        }
        let share = |p: Option<f64>| p.map_or_else(String::new, |p| format!("{p:.3}"));
        let RankFigures {
            targets,
            top1,
            top5,
            ..
        } = part.figures;
        let _ = write!(
            out,
            "<tr><td>{}<td>{targets}<td>{}<td>{}",
            part.name,
            share(top1),
            share(top5)
        );
    }
    let _ = write!(
        out,
        "</table><h2>Is 60 % right in 60 %?</h2>{}<h2>The {} surest misses</h2>\
         <p>The right token, marked, was not among the first five, and the server was the surer of these the further up it stands.",
        reliability(&report.reliability),
        report.misses.len(),
    );
    for miss in &report.misses {
        let seen = if miss.is_seen {
            "seen before"
        } else {
            "new to the file"
        };
        let _ = write!(
            out,
            "<article><small>{}, {seen}, {:.0} % on the five</small><pre>{}<b>{}</b></pre>{}</article>",
            escaped(&miss.place),
            100.0 * miss.probability,
            escaped(&miss.before),
            escaped(&miss.target),
            escaped(&miss.answers.join(" · ")),
        );
    }
    out + "</html>\n"
}

/// How often first answers of each probability were right, against the diagonal; a dot's area is their number.
fn reliability(bins: &[ReliabilityBin]) -> String {
    let most = bins.iter().map(|bin| bin.answers).max().unwrap_or(1) as f64;
    let at = |p: f64| 40.0 + 280.0 * p;
    let mut svg = String::from(
        "<svg viewBox=\"0 0 360 360\" width=\"360\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect x=\"40\" y=\"40\" width=\"280\" height=\"280\" fill=\"none\" stroke=\"#ccc\"/>\
         <line x1=\"40\" y1=\"320\" x2=\"320\" y2=\"40\" stroke=\"#999\" stroke-dasharray=\"4\"/>\
         <text x=\"180\" y=\"350\" text-anchor=\"middle\">probability shown</text>\
         <text x=\"14\" y=\"180\" text-anchor=\"middle\" transform=\"rotate(-90 14 180)\">share right</text>",
    );
    for bin in bins {
        let radius = 2.0 + 10.0 * (bin.answers as f64 / most).sqrt();
        let (x, y) = (at(bin.confidence), 360.0 - at(bin.accuracy));
        let _ = write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"#1668b8\" fill-opacity=\".7\"><title>{:.3} shown, {:.3} right, {} answers</title></circle>",
            bin.confidence, bin.accuracy, bin.answers
        );
    }
    svg + "</svg>"
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}
