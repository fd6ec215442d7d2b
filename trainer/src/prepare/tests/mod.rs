//! Prepares small corpora and opens them again, including failures. This file holds the fixture.

mod broken;
mod corpora;
mod hubs;
mod refused;
mod rows;
mod splits;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use minicopilot::tokenizer::TokenId;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::cli::PrepareArgs;
use crate::data::{Dataset, Split};
use crate::host::Silent;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    args: PrepareArgs,
}

/// A working folder, and a hub if there is one.
struct Place {
    folder: TempDir,
    hub: Hub,
}

impl Place {
    fn new() -> Self {
        // No server listens on this port.
        Self::with_hub("http://127.0.0.1:1")
    }

    fn with_hub(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(url, folder.path().join("hub"), None);
        Self { folder, hub }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs `prepare`; arguments that name files of the fixture become paths.
    fn prepare(&self, line: &str) -> Result<String> {
        let words = line.split(' ').enumerate().map(|(i, word)| {
            let is_path =
                self.path(word).exists() || line.split(' ').nth(i.wrapping_sub(1)) == Some("--out");
            if is_path {
                self.path(word).into_os_string()
            } else {
                word.into()
            }
        });
        let parsed = CommandLine::try_parse_from(std::iter::once("prepare".into()).chain(words));
        let settings = parsed?.args.settings();
        let report = prepare_with(&settings, &self.hub, &Silent::default())?;
        Ok(summary(&report, &settings.out))
    }

    /// The error message of a failing run; checks that no output is left.
    fn fails(&self, line: &str) -> String {
        let names = |folder: &Path| {
            let names = folder
                .read_dir()
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let before = names(self.folder.path());
        let error = self.prepare(line).expect_err(line);
        assert_eq!(names(self.folder.path()), before, "left behind by {line}");
        format!("{error:#}")
    }

    /// Paths and tokens of a split; checked against its counts in the report.
    fn split(&self, out: &str, split: Split) -> Vec<(String, String)> {
        let dataset = Dataset::open(&self.path(out)).unwrap();
        let paths = fs::read_to_string(self.path(out).join(split.paths())).unwrap();
        let paths = paths
            .lines()
            .map(|line| serde_json::from_str::<String>(line).unwrap());
        let shards = dataset.files(split);
        let files = (0..shards.len()).map(|i| {
            let tokens = shards
                .file(i)
                .iter()
                .map(|&id| dataset.vocabulary().token(TokenId::new(id.into())).unwrap());
            tokens.collect::<Vec<_>>().join(" ")
        });
        let files: Vec<_> = paths.zip(files).collect();
        assert_eq!(files.len(), shards.len(), "a path for each file");
        files
    }

    fn report(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(out).join(REPORT)).unwrap()).unwrap()
    }
}

/// `n` distinct files, one per line.
fn lines(name: &str, n: usize) -> String {
    (0..n)
        .map(|i| format!("<s> {name} {i} {} </s>\n", "x ".repeat(i % 7)))
        .collect::<String>()
        .replace("  ", " ")
}
