//! `minicopilot evaluate lines`: accuracy of predicting the rest of a line, as in CodeXGLUE's line-level task (Lu et al.
//! 2021), and of what the server would show.
//!
//! Files are cut before randomly drawn tokens, and the remaining tokens of the line are predicted. Lines are compared as
//! py150 tokens, so spacing does not count. Anonymized literals have no text of their own, so a line that contains one is
//! never right.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::progress::Progress;
use super::sample::{self, Place, Sample, projects};
use super::server::{Setting, start_server, uri_of};
use super::typist::{end_of, is_word};
use crate::files::python_files;
use crate::lsp::{Client, Position};
use crate::metrics::{Latency, LatencyFigures};
use crate::python::{self, Kind, Token};

/// Figures over all cuts.
#[derive(Debug, Default, Serialize)]
pub struct Lines {
    /// Number of cuts.
    pub lines: u64,
    /// Percentage of lines predicted exactly.
    pub exact_match: f64,
    /// Mean similarity of the predicted and the right line, in percent: 1 − (insertions + deletions) / characters of both.
    pub edit_similarity: f64,
    /// Percentage of cuts where the server shows anything with default settings.
    pub shown: f64,
    /// Percentage of these where everything shown is right.
    pub shown_right: f64,
    /// Characters saved by right suggestions, less one key each, as a percentage of all characters.
    pub characters_saved: f64,
    /// Response time with default settings.
    pub latency: Option<LatencyFigures>,
    /// Response time for whole lines.
    pub whole_latency: Option<LatencyFigures>,
}

/// Predicts lines of the files at `paths`.
pub fn run(paths: &[PathBuf], setting: Setting<'_>) -> anyhow::Result<Lines> {
    let files = python_files::find(paths)?;
    if files.is_empty() {
        bail!("no .py file was found in the given paths");
    }
    let is_wanted = |token: Token, _: &str| token.kind != Kind::Eol;
    let Sample { targets, seed } = setting.sample;
    let (files, drawn) = sample::draw_tokens(files, targets, seed, &is_wanted)?;
    let mut progress = Progress::new(drawn.len(), "lines");
    let mut counts = Counts::default();
    for (project, drawn) in projects(
        paths,
        &files,
        &drawn,
        |drawn| drawn.file,
        setting.in_project,
    ) {
        let mut client = start_server(setting, project)?;
        for &&Place { file, token: first } in &drawn {
            let file = &files[file];
            let text = python_files::read(file)?;
            let tokens = python::lex(&text);
            let end = tokens[first..]
                .iter()
                .position(|token| token.kind == Kind::Eol);
            let line = &tokens[first..end.map_or(tokens.len(), |end| first + end)];
            let cut = line[0].start as usize;
            let right = &text[cut..line[line.len() - 1].end as usize];
            let mut before = text[..cut].to_owned();
            if first > 0 && tokens[first - 1].end as usize == cut && is_word(tokens[first - 1]) {
                before.push(' '); // otherwise the word could continue
            }
            counts
                .ask(&mut client, &uri_of(file)?, &before, right)
                .with_context(|| format!("while predicting lines of {}", file.display()))?;
            progress.show(counts.lines);
        }
        client
            .shutdown()
            .context("the server did not shut down cleanly")?;
    }
    progress.clear();
    Ok(counts.figures())
}

#[derive(Default)]
struct Counts {
    lines: u64,
    exact: u64,
    similarity: f64,
    shown: u64,
    shown_right: u64,
    saved: u64,
    characters: u64,
    latency: Latency,
    whole_latency: Latency,
}

impl Counts {
    fn ask(
        &mut self,
        client: &mut Client,
        uri: &str,
        text: &str,
        right: &str,
    ) -> anyhow::Result<()> {
        client.open(uri, "python", 0, text)?;
        client.call("minicopilot/project", Value::Null)?;
        let position = end_of(Position::new(0, 0), text, str::len);
        let place = json!({"textDocument": {"uri": uri}, "position": position, "k": 1});
        client.call("minicopilot/nextTokens", place)?;
        let ask = |client: &mut Client, latency: &mut Latency| -> anyhow::Result<String> {
            let params = json!({
                "textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1},
            });
            let (answer, took) = client.measure("textDocument/inlineCompletion", params)?;
            latency.add(took);
            Ok(answer[0]["insertText"]
                .as_str()
                .unwrap_or_default()
                .to_owned())
        };
        let set = |client: &mut Client, settings: Value| {
            client.notify(
                "workspace/didChangeConfiguration",
                json!({"settings": settings}),
            )
        };
        let shown = ask(client, &mut self.latency)?;
        set(client, json!({"inlineCompletion.minProbability": 0.0}))?;
        let whole = ask(client, &mut self.whole_latency)?;
        set(client, json!({}))?;
        client.close(uri)?;

        let (right_tokens, whole_tokens) = (python::surfaces(right), python::surfaces(&whole));
        self.lines += 1;
        self.exact += u64::from(right_tokens == whole_tokens);
        self.similarity += similarity(&whole_tokens.join(" "), &right_tokens.join(" "));
        self.characters += right.chars().count() as u64;
        if !shown.is_empty() {
            self.shown += 1;
            if right_tokens.starts_with(&python::surfaces(&shown)) {
                self.shown_right += 1;
                self.saved += (shown.trim_start().chars().count() as u64).saturating_sub(1);
            }
        }
        Ok(())
    }

    fn figures(&self) -> Lines {
        let percent = |part: f64, all: u64| 100.0 * part / all.max(1) as f64;
        Lines {
            lines: self.lines,
            exact_match: percent(self.exact as f64, self.lines),
            edit_similarity: percent(self.similarity, self.lines),
            shown: percent(self.shown as f64, self.lines),
            shown_right: percent(self.shown_right as f64, self.shown),
            characters_saved: percent(self.saved as f64, self.characters),
            latency: self.latency.figures(),
            whole_latency: self.whole_latency.figures(),
        }
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("exact match, %", self.exact_match),
            ("edit similarity, %", self.edit_similarity),
            ("shown, %", self.shown),
            ("correct when shown, %", self.shown_right),
            ("characters saved, %", self.characters_saved),
        ];
        writeln!(f, "{:<30}{:>10}", "lines", self.lines)?;
        for (name, value) in rows {
            writeln!(f, "{name:<30}{value:>10.1}")?;
        }
        let latencies = [
            ("as shown", &self.latency),
            ("whole line", &self.whole_latency),
        ];
        for (name, latency) in latencies {
            if let Some(latency) = latency {
                writeln!(f, "{name:<12}{latency}")?;
            }
        }
        Ok(())
    }
}

/// 1 − (insertions + deletions) / characters of both: `fuzz.ratio`, CodeXGLUE's edit similarity.
fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    // The longest common subsequence, row by row.
    let mut row = vec![0usize; b.len() + 1];
    for x in &a {
        let mut diagonal = 0;
        for (k, y) in b.iter().enumerate() {
            let above = row[k + 1];
            row[k + 1] = if x == y {
                diagonal + 1
            } else {
                above.max(row[k])
            };
            diagonal = above;
        }
    }
    2.0 * row[b.len()] as f64 / (a.len() + b.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_the_share_of_common_characters() {
        // Values of rapidfuzz.fuzz.ratio, divided by 100.
        assert!((similarity("self . x", "self . y") - 0.875).abs() < 1e-9);
        assert!((similarity("abcd", "bcde") - 0.75).abs() < 1e-9);
        assert!((similarity("", "") - 1.0).abs() < 1e-9);
        assert!(similarity("a", "b").abs() < 1e-9);
    }
}
