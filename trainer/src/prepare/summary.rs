//! What was prepared: counts by part and token class, what was left out, for `prepare.json` and for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use minicopilot::python::{self, Kind};
use minicopilot::vocabulary::Vocabulary;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::spill::Prepared;
use super::{Args, SplitBy};
use crate::data::Split;

/// Places named for each reason that something was left out.
const EXAMPLES: usize = 5;

const CLASSES: [&str; 7] = [
    "identifiers",
    "keywords",
    "operators",
    "strings",
    "numbers",
    "line ends",
    "file ends",
];

/// Index into the classes of a token's own.
pub fn class(token: &str) -> usize {
    match token {
        python::START | python::END => 6,
        python::EOL => 5,
        _ => match python::surface_kind(token) {
            Kind::Name => 0,
            Kind::Keyword => 1,
            Kind::Operator => 2,
            Kind::String => 3,
            Kind::Number => 4,
            Kind::Eol => 5,
        },
    }
}

#[derive(Default)]
struct Part {
    files: u64,
    tokens: u64,
    unknown: u64,
    classes: [u64; CLASSES.len()],
}

/// Counts, filled while the work goes on.
#[derive(Default)]
pub struct Summary {
    parts: [Part; 3],
    skipped: BTreeMap<&'static str, (u64, Vec<String>)>,
}

impl Summary {
    /// Counts something that was left out.
    pub fn skip(&mut self, reason: &'static str, place: String) {
        let (count, examples) = self.skipped.entry(reason).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(place);
        }
    }

    /// Counts a file.
    pub fn count(&mut self, split: Split, unknown: u64, classes: impl Iterator<Item = usize>) {
        let part = &mut self.parts[split as usize];
        part.files += 1;
        part.unknown += unknown;
        for class in classes {
            part.classes[class] += 1;
            part.tokens += 1;
        }
    }

    /// Why things were left out, as the end of a message.
    pub fn reasons(&self) -> String {
        let mut text = String::new();
        for (reason, (count, examples)) in &self.skipped {
            let _ = write!(
                text,
                "; {count} × {reason} (such as {})",
                examples.first().map_or("", String::as_str)
            );
        }
        text
    }

    /// `prepare.json`.
    pub fn report(&self, args: &Args, prepared: &Prepared, vocabulary: &Vocabulary) -> Value {
        let settings = json!({
            "split_by": args.split_by, "validation": args.validation, "seed": args.seed, "vocabulary_size": vocabulary.len() - 2,
        });
        let vocabulary =
            json!({ "tokens": vocabulary.len(), "fingerprint": vocabulary.fingerprint() });
        let fingerprint =
            Sha256::digest(format!("{} {settings} {vocabulary}", prepared.fingerprint));
        let fingerprint: String = fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let parts: BTreeMap<String, Value> = Split::ALL
            .iter()
            .map(|&split| (split.to_string(), self.parts[split as usize].report()))
            .collect();
        let skipped: BTreeMap<_, _> = self
            .skipped
            .iter()
            .map(|(reason, (count, examples))| {
                (reason, json!({ "count": count, "examples": examples }))
            })
            .collect();
        let mut report = json!({
            "fingerprint": fingerprint, "vocabulary": vocabulary, "settings": settings, "parts": parts, "skipped": skipped,
        });
        if args.split_by == SplitBy::Package {
            let mut packages: Vec<&str> = prepared
                .files
                .iter()
                .filter(|f| f.split == Split::Validation)
                .map(|f| &*f.package)
                .collect();
            packages.sort_unstable();
            packages.dedup();
            report["validation_packages"] = json!(packages);
        }
        report
    }

    /// The same for people, on stdout.
    pub fn print(&self, out: &Path, vocabulary: &Vocabulary) {
        println!(
            "{:<12}{:>10}{:>14}{:>12}",
            "part", "files", "tokens", "<UNK>"
        );
        for split in Split::ALL {
            let Part {
                files,
                tokens,
                unknown,
                ..
            } = self.parts[split as usize];
            let share = 100.0 * unknown as f64 / tokens.max(1) as f64;
            println!(
                "{:<12}{files:>10}{tokens:>14}{share:>10.2} %",
                split.to_string()
            );
        }
        for (reason, (count, examples)) in &self.skipped {
            println!(
                "left out: {count} × {reason}, such as {}",
                examples.join(", ")
            );
        }
        println!(
            "{}: vocabulary of {} tokens",
            out.display(),
            vocabulary.len()
        );
    }
}

impl Part {
    fn report(&self) -> Value {
        let classes: BTreeMap<_, _> = CLASSES.into_iter().zip(self.classes).collect();
        json!({
            "files": self.files, "tokens": self.tokens, "unknown": self.unknown,
            "unknown_share": self.unknown as f64 / self.tokens.max(1) as f64, "classes": classes,
        })
    }
}
