//! `minicopilot evaluate latency`: how long completion lists take after a keystroke, for this or any other language server.
//!
//! Parts of files are typed key by key at human speed. As in an editor, each key in code immediately triggers a
//! completion request. A *letter* continues a name or keyword. A *new token* key completes a token or starts one.
//! Strings and comments are typed without requests. Only the protocol is used, so servers can be compared.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::progress::Progress;
use super::sample::{self, Sample};
use super::server::{server_command, uri_of};
use super::typist::end_of;
use crate::files::python_files;
use crate::lsp::{Change, Client, Position};
use crate::metrics::{Latency, LatencyFigures};
use crate::python::{self, Kind, Token};

/// Number of tokens typed at each place.
const TYPED: usize = 20;
/// Timeout for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Parameters of a measurement.
#[derive(Clone, Debug)]
pub struct Typing {
    /// A command with arguments; `None` for this program.
    pub server: Option<String>,
    /// Approximate number of tokens, or 0 for a place in every block; and the seed for the places.
    pub sample: Sample,
    /// Keys per second.
    pub rate: f64,
    /// Open the only path as the project; otherwise open an empty folder.
    pub in_project: bool,
}

/// Results of a measurement.
#[derive(Debug, Serialize)]
pub struct Speed {
    /// The server's name and version, as it reports them.
    pub server: String,
    /// Number of keys typed.
    pub keys: u64,
    /// Number of requests answered with an error.
    pub errors: u64,
    /// Time from the process start to the answer to `initialize`, in milliseconds.
    pub start_ms: f64,
    /// Time from opening a document to its first list.
    pub opening: Option<LatencyFigures>,
    /// Time from a letter to its list.
    pub letter: Option<LatencyFigures>,
    /// Time from a key that completes or starts a token to its list.
    pub new_token: Option<LatencyFigures>,
    /// CPU seconds per thousand keys, including opening documents.
    pub cpu_seconds: Option<f64>,
    /// Current memory at the end and peak memory, in MB.
    pub memory_mb: Option<[f64; 2]>,
}

/// Types parts of the files at `paths` into a server.
#[expect(
    clippy::too_many_lines,
    reason = "one run, from sampling to its report"
)]
pub fn run(paths: &[PathBuf], typing: &Typing, model: Option<&Path>) -> anyhow::Result<Speed> {
    let files = python_files::find(paths)?;
    if files.is_empty() {
        bail!("no .py file was found in the given paths");
    }
    let places = typing.sample.targets.div_ceil(TYPED);
    let (files, blocks) = sample::draw_places(files, places, typing.sample.seed)?;
    let root = tempfile::tempdir().context("cannot create a folder for the server")?;

    let command = command_of(typing.server.as_deref(), model)?;
    let began = Instant::now();
    let named = || match &typing.server {
        Some(words) => format!("--server {words}"),
        None => "this program's server".to_owned(),
    };
    let mut client = Client::start(command).with_context(named)?;
    let folder = match paths {
        [project] if typing.in_project => project,
        _ if typing.in_project => bail!("evaluate latency --project takes a single path"),
        _ => root.path(),
    };
    let folder = uri_of(folder)?;
    let answer = client.call(
        "initialize",
        json!({
            "processId": std::process::id(), "rootUri": folder, "capabilities": {"textDocument": {"completion": {}}},
            "workspaceFolders": [{"uri": folder, "name": "typing"}],
        }),
    );
    let answer = answer.with_context(named)?;
    let start = began.elapsed();
    client.notify("initialized", json!({}))?;

    let mut typist = Typist {
        pause: Duration::from_secs_f64(1.0 / typing.rate),
        client,
        version: 0,
        keys: 0,
        errors: 0,
        opening: Latency::default(),
        letter: Latency::default(),
        new_token: Latency::default(),
    };
    let mut progress = Progress::new(blocks.len(), "places");
    for (number, block) in blocks.iter().enumerate() {
        let file = &files[block.file];
        let text = python_files::read(file)?.replace("\r\n", "\n"); // a line end is one key
        let uri = if typing.in_project {
            uri_of(file)?
        } else {
            format!("{folder}/{number}.py")
        };
        typist
            .type_place(&uri, &text, block.start)
            .with_context(|| format!("while typing {}", file.display()))?;
        progress.show(number as u64 + 1);
    }
    progress.clear();
    let id = typist.client.process_id();
    let name = |key: &str| answer["serverInfo"][key].as_str().unwrap_or_default();
    let speed = Speed {
        server: format!("{} {}", name("name"), name("version"))
            .trim()
            .to_owned(),
        keys: typist.keys,
        errors: typist.errors,
        start_ms: start.as_secs_f64() * 1e3,
        opening: typist.opening.figures(),
        letter: typist.letter.figures(),
        new_token: typist.new_token.figures(),
        cpu_seconds: cpu_seconds(id)
            .filter(|_| typist.keys > 0)
            .map(|all| all / typist.keys as f64 * 1e3),
        memory_mb: memory(id),
    };
    // How another server exits does not matter.
    let _ = typist.client.shutdown();
    Ok(speed)
}

struct Typist {
    client: Client,
    pause: Duration,
    version: i32,
    keys: u64,
    errors: u64,
    opening: Latency,
    letter: Latency,
    new_token: Latency,
}

impl Typist {
    /// Opens the text up to token `first` and types the next [`TYPED`] tokens.
    fn type_place(&mut self, uri: &str, text: &str, first: usize) -> anyhow::Result<()> {
        let tokens = python::lex(text);
        let tokens = &tokens[first.min(tokens.len())..];
        let Some(start) = tokens.first().map(|token| token.start as usize) else {
            return Ok(());
        };
        let end = tokens[tokens.len().min(TYPED) - 1].end as usize;
        let mut at = end_of(Position::new(0, 0), &text[..start], units);
        let opened = Instant::now();
        self.client.open(uri, "python", 0, &text[..start])?;
        self.ask(uri, at)?;
        self.opening.add(opened.elapsed());
        for (offset, key) in text[start..end].char_indices() {
            let pressed = Instant::now();
            let mut bytes = [0; 4];
            let key = key.encode_utf8(&mut bytes);
            self.version += 1;
            self.client
                .change(uri, self.version, &[Change::insert(at, &*key)])?;
            at = end_of(at, key, units);
            self.keys += 1;
            if let Some(is_letter) = asks(text, tokens, start + offset, key) {
                self.ask(uri, at)?;
                if is_letter {
                    self.letter.add(pressed.elapsed());
                } else {
                    self.new_token.add(pressed.elapsed());
                }
            }
            self.client.take_notifications(); // discard other servers' diagnostics
            thread::sleep(self.pause.saturating_sub(pressed.elapsed()));
        }
        self.client.close(uri)?;
        Ok(())
    }

    fn ask(&mut self, uri: &str, at: Position) -> anyhow::Result<()> {
        let params: Value =
            json!({"textDocument": {"uri": uri}, "position": at, "context": {"triggerKind": 1}});
        let id = self.client.request("textDocument/completion", params)?;
        self.errors += u64::from(self.client.wait(id, PATIENCE)?.result.is_err());
        Ok(())
    }
}

/// Whether the key at `offset` triggers a completion request: `Some(true)` for a letter that continues a word, `Some(false)`
/// for another key, `None` for no request.
fn asks(text: &str, tokens: &[Token], offset: usize, key: &str) -> Option<bool> {
    let behind = tokens.partition_point(|token| token.end as usize <= offset);
    let Some(token) = tokens
        .get(behind)
        .filter(|token| token.start as usize <= offset)
    else {
        // Between tokens: whitespace, but not a comment.
        let before = behind
            .checked_sub(1)
            .map_or(0, |last| tokens[last].end as usize);
        return (key == " " && !text.get(before..offset)?.contains('#')).then_some(false);
    };
    match token.kind {
        Kind::Name | Kind::Keyword => Some(offset > token.start as usize),
        Kind::Operator => Some(false),
        Kind::Number | Kind::String | Kind::Eol => None,
    }
}

/// The command and arguments of a server, or of this program if `server` is `None`.
pub fn command_of(server: Option<&str>, model: Option<&Path>) -> anyhow::Result<Command> {
    let Some(words) = server else {
        return server_command(model);
    };
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().context("--server is empty: name a program")?);
    command.args(words);
    Ok(command)
}

/// Length in UTF-16 code units, which every server supports.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// CPU time used by a process so far, in seconds. Linux only.
fn cpu_seconds(id: u32) -> Option<f64> {
    const TICKS_A_SECOND: f64 = 100.0; // the unit of /proc on Linux, whatever the kernel's clock rate
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_A_SECOND)
}

/// Memory of a process in MB: current and peak. Linux only.
fn memory(id: u32) -> Option<[f64; 2]> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024.0 / 1e6)
    };
    Some([value("VmRSS:")?, value("VmHWM:")?])
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            keys,
            errors,
            start_ms,
            ..
        } = self;
        writeln!(
            f,
            "{server}: {keys} keys, {errors} errors, started in {start_ms:.0} ms\n"
        )?;
        let latencies = [
            ("opening", &self.opening),
            ("letter", &self.letter),
            ("new token", &self.new_token),
        ];
        for (name, latency) in latencies {
            if let Some(latency) = latency {
                writeln!(f, "{name:<12}{latency}")?;
            }
        }
        if let Some(seconds) = self.cpu_seconds {
            writeln!(f, "{:<12}{seconds:.2} s per thousand keys", "processor")?;
        }
        if let Some([now, most]) = self.memory_mb {
            writeln!(f, "{:<12}{now:.0} MB, peak {most:.0} MB", "memory")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_requested_only_in_code() {
        let text = "ab.c ('d') # e f\ng";
        let tokens = python::lex(text);
        let asked = |offset: usize| asks(text, &tokens, offset, &text[offset..=offset]);
        let all: String = (0..text.len())
            .map(|offset| match asked(offset) {
                Some(true) => 'l',
                Some(false) => 'n',
                None => '-',
            })
            .collect();
        assert_eq!(all, "nlnnnn---nn------n");
    }

    #[test]
    fn positions_count_utf16_units() {
        let at = |text| {
            let Position { line, character } = end_of(Position::new(3, 5), text, units);
            (line, character)
        };
        assert_eq!(at("a\u{1f40d}"), (3, 8));
        assert_eq!(at("\r\n\u{e9}"), (4, 1));
    }
}
