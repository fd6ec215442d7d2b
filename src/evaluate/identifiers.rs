//! `minicopilot evaluate identifiers`: whether the right name is among the first five items, for this or any other language
//! server.
//!
//! Identifiers of at least three characters are drawn at random. For each, the text before it is opened. A list is requested
//! before anything is typed and after every typed character, until the right name is among the first five items that start
//! with the typed prefix. Only the protocol is used, so servers can be compared. The text after the cursor is neither in the
//! buffer nor on disk.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::latency::{command_of, units};
use super::progress::Progress;
use super::sample::{self, Place, Sample, projects};
use super::server::{Setting, uri_of};
use super::typist::end_of;
use crate::files::python_files;
use crate::lsp::{Change, Client, Position};
use crate::metrics::Metrics;
use crate::python::{self, Kind, Token};

/// Number of items shown to the user.
const LIST: usize = 5;
/// Timeout for an answer. A timeout counts as a miss.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time that another server gets to read a project before the first request.
const READING: Duration = Duration::from_secs(4);
/// Number of tokens after the cursor that must not occur in any other file.
const WINDOW: usize = 20;

/// Results for one server.
#[derive(Debug, Default, Serialize)]
pub struct Identifiers {
    /// The server's name and version, as it reports them.
    pub server: String,
    /// Number of identifiers requested.
    pub identifiers: u64,
    /// Share with the right name first, with an empty typed prefix.
    pub hit1: f64,
    /// Share with the right name in the first five, with an empty typed prefix.
    pub hit5: f64,
    /// Number of attributes among the identifiers.
    pub attributes: u64,
    /// `hit5` of the attributes.
    pub attribute_hit5: f64,
    /// 1 − keys / characters.
    pub keystrokes_saved: f64,
    /// Number of keys used.
    pub keys: u64,
    /// Total number of characters.
    pub characters: u64,
    /// Number of identifiers by the characters typed until they were in the first five. The last entry counts those that
    /// never were.
    pub typed: Vec<u64>,
    /// Number drawn but excluded, because the following tokens occur in another file of the project too.
    pub known_elsewhere: u64,
    /// Number of requests without an answer.
    pub errors: u64,
}

#[derive(Default)]
struct Counts {
    hit1: u64,
    hit5: u64,
    attributes: u64,
    attribute_hit5: u64,
    keys: u64,
    characters: u64,
    typed: Vec<u64>,
    all: u64,
    known_elsewhere: u64,
    errors: u64,
}

/// An identifier to complete.
struct Target<'t> {
    text: &'t str,
    start: usize,
    name: &'t str,
    is_attribute: bool,
}

/// Requests identifiers of the files at `paths` from a server; `None` for `server` starts this program.
#[expect(
    clippy::too_many_lines,
    reason = "one run, from sampling to its report"
)]
pub fn run(
    paths: &[PathBuf],
    setting: Setting<'_>,
    server: Option<&str>,
) -> anyhow::Result<Identifiers> {
    let files = python_files::find(paths)?;
    if files.is_empty() {
        bail!("no .py file was found in the given paths");
    }
    let is_wanted = |token: Token, text: &str| {
        let characters = token.text(text).chars().count() as u64;
        token.kind == Kind::Name && characters >= Metrics::KEYSTROKES_FROM
    };
    let Sample { targets, seed } = setting.sample;
    let (files, drawn) = sample::draw_tokens(files, targets, seed, &is_wanted)?;
    let mut progress = Progress::new(drawn.len(), "identifiers");
    let mut counts = Counts::default();
    let mut name = String::new();
    let empty = tempfile::tempdir().context("cannot create a folder for the server")?;
    for (project, drawn) in projects(
        paths,
        &files,
        &drawn,
        |drawn| drawn.file,
        setting.in_project,
    ) {
        // Targets are removed from a copy of the project, so that no server can read them there.
        let copy = tempfile::tempdir().context("cannot create a folder for the project")?;
        let windows = project
            .map(|project| copied(project, copy.path()))
            .transpose()?;
        let root = if project.is_some() {
            copy.path()
        } else {
            empty.path()
        };
        let (mut client, answer) = start(server, setting, root)?;
        answer["serverInfo"]["name"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut name);
        if server.is_some() && project.is_some() {
            thread::sleep(READING);
        }
        for &&Place { file, token: at } in &drawn {
            let file = &files[file];
            let text = python_files::read(file)?;
            let tokens = python::lex(&text);
            let inside = project
                .map(|project| file.strip_prefix(project))
                .transpose()?;
            if let Some(windows) = &windows
                && windows.elsewhere(&text, at)
            {
                counts.known_elsewhere += 1;
                continue;
            }
            let path = inside.map_or_else(|| root.join("buffer.py"), |inside| root.join(inside));
            let moved = path.with_extension("taken");
            let is_there = inside.is_some();
            if is_there {
                fs::rename(&path, &moved)
                    .with_context(|| format!("cannot move {} away", path.display()))?;
            }
            let uri = uri_of(&path)?;
            let changed = |kind: u32| json!({"changes": [{"uri": uri, "type": kind}]});
            if is_there {
                client.notify("workspace/didChangeWatchedFiles", changed(3))?;
            }
            let target = Target {
                text: &text,
                start: tokens[at].start as usize,
                name: tokens[at].text(&text),
                is_attribute: at > 0 && tokens[at - 1].text(&text) == ".",
            };
            counts
                .ask(&mut client, &uri, &target, server.is_none())
                .with_context(|| format!("while completing in {}", file.display()))?;
            if is_there {
                fs::rename(&moved, &path)?;
                client.notify("workspace/didChangeWatchedFiles", changed(1))?;
            }
            client.take_notifications();
            progress.show(counts.all);
        }
        // How another server exits does not matter.
        let _ = client.shutdown();
    }
    progress.clear();
    Ok(counts.figures(name))
}

/// Starts a server in a folder and returns its answer to `initialize`.
fn start(
    server: Option<&str>,
    setting: Setting<'_>,
    root: &Path,
) -> anyhow::Result<(Client, Value)> {
    let command = command_of(server, setting.model)?;
    let mut client = Client::start(command)?;
    let uri = uri_of(root)?;
    let answer = client.initialize(json!({
        "processId": std::process::id(), "rootUri": uri,
        // Another server has its own settings.
        "initializationOptions": server.is_none().then(|| setting.options()),
        "workspaceFolders": [{"uri": uri, "name": "evaluated"}],
        "capabilities": {
            "textDocument": {"completion": {"completionItem": {"snippetSupport": false}}},
            "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}, "workspaceFolders": true},
        },
    }))?;
    Ok((client, answer))
}

/// Token windows of a project's files, by hash, with their number of occurrences.
struct Windows(HashMap<u64, u32>);

impl Windows {
    /// Whether the window of tokens at `from` occurs outside the file `text`.
    fn elsewhere(&self, text: &str, from: usize) -> bool {
        let all = python::surfaces(text);
        let Some(window) = all.get(from..from + WINDOW) else {
            return false;
        };
        let wanted = hash(window);
        let here = all.windows(WINDOW).filter(|window| hash(window) == wanted);
        let count = here.count() as u32;
        self.0.get(&wanted).is_some_and(|&all| all > count)
    }
}

/// Copies a project's Python files and returns their windows.
fn copied(project: &Path, to: &Path) -> anyhow::Result<Windows> {
    let mut windows = HashMap::new();
    for file in python_files::find(&[project.to_owned()])? {
        let path = to.join(file.strip_prefix(project)?);
        let folder = path.parent().unwrap_or(to);
        fs::create_dir_all(folder)
            .and_then(|()| fs::copy(&file, &path))
            .with_context(|| format!("cannot copy {}", file.display()))?;
        if let Ok(text) = python_files::read(&file) {
            for window in python::surfaces(&text).windows(WINDOW) {
                *windows.entry(hash(window)).or_default() += 1;
            }
        }
    }
    Ok(Windows(windows))
}

fn hash(window: &[String]) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    window.hash(&mut hasher);
    hasher.finish()
}

impl Counts {
    fn ask(
        &mut self,
        client: &mut Client,
        uri: &str,
        target: &Target<'_>,
        settles: bool,
    ) -> anyhow::Result<()> {
        let Target {
            text, start, name, ..
        } = *target;
        client.open(uri, "python", 0, &text[..start])?;
        if settles {
            client.call("minicopilot/project", Value::Null)?;
        }
        let mut at = end_of(Position::new(0, 0), &text[..start], units);
        let characters = name.chars().count();
        let mut found = None;
        for (typed, (offset, character)) in name.char_indices().enumerate() {
            if let Some(rank) = self.rank(client, uri, at, &name[..offset], name)? {
                found = Some((typed, rank));
                break;
            }
            let mut bytes = [0; 4];
            let key = character.encode_utf8(&mut bytes);
            let change = Change::insert(at, &*key);
            client.change(uri, typed as i32 + 1, &[change])?;
            at = end_of(at, key, units);
        }
        client.close(uri)?;
        self.all += 1;
        let at_once = found.filter(|&(typed, _)| typed == 0).map(|(_, rank)| rank);
        self.hit1 += u64::from(at_once == Some(0));
        self.hit5 += u64::from(at_once.is_some());
        self.attributes += u64::from(target.is_attribute);
        self.attribute_hit5 += u64::from(target.is_attribute && at_once.is_some());
        let typed = found.map_or(characters, |(typed, _)| typed);
        self.keys += (typed + usize::from(found.is_some())) as u64;
        self.characters += characters as u64;
        let slot = found.map_or(0, |(typed, _)| typed + 1);
        if self.typed.len() <= slot {
            self.typed.resize(slot + 1, 0);
        }
        self.typed[slot] += 1;
        Ok(())
    }

    /// Rank of a name among the first items that start with the typed prefix, sorted as an editor does.
    fn rank(
        &mut self,
        client: &mut Client,
        uri: &str,
        at: Position,
        typed: &str,
        name: &str,
    ) -> anyhow::Result<Option<usize>> {
        let params =
            json!({"textDocument": {"uri": uri}, "position": at, "context": {"triggerKind": 1}});
        let id = client.request("textDocument/completion", params)?;
        let Ok(answer) = client.wait(id, PATIENCE) else {
            self.errors += 1;
            return Ok(None);
        };
        let Ok(list) = answer.result else {
            self.errors += 1;
            return Ok(None);
        };
        let items = list.get("items").unwrap_or(&list);
        let mut items: Vec<(&str, &str)> = items
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| {
                let text = |key: &str| item[key].as_str();
                let label = text("label")?;
                let filter = text("filterText").unwrap_or(label);
                let inserted = item["textEdit"]["newText"].as_str().or(text("insertText"));
                filter
                    .trim_start_matches('.')
                    .starts_with(typed)
                    .then(|| (text("sortText").unwrap_or(label), inserted.unwrap_or(label)))
            })
            .collect();
        items.sort_by_key(|&(sort, _)| sort);
        let is_it = |inserted: &str| {
            let rest = inserted.trim_start_matches('.').strip_prefix(name);
            // Accept it with brackets, or as a keyword argument.
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', '=']))
        };
        let mut first = items.iter().take(LIST);
        Ok(first.position(|&(_, inserted)| is_it(inserted)))
    }

    fn figures(self, server: String) -> Identifiers {
        let share = |part: u64, all: u64| part as f64 / all.max(1) as f64;
        let mut typed = self.typed;
        if !typed.is_empty() {
            typed.rotate_left(1);
        }
        Identifiers {
            server,
            identifiers: self.all,
            hit1: share(self.hit1, self.all),
            hit5: share(self.hit5, self.all),
            attributes: self.attributes,
            attribute_hit5: share(self.attribute_hit5, self.attributes),
            keystrokes_saved: 1.0 - share(self.keys, self.characters),
            keys: self.keys,
            characters: self.characters,
            typed,
            known_elsewhere: self.known_elsewhere,
            errors: self.errors,
        }
    }
}

impl fmt::Display for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            identifiers,
            errors,
            known_elsewhere,
            ..
        } = self;
        writeln!(
            f,
            "{server}: {identifiers} identifiers, {errors} errors, {known_elsewhere} skipped because they occur \
             elsewhere\n"
        )?;
        for (name, value) in [
            ("first", self.hit1),
            ("in the first five", self.hit5),
            ("attributes in the first five", self.attribute_hit5),
            ("keystrokes saved", self.keystrokes_saved),
        ] {
            writeln!(f, "{name:<30}{value:>10.4}")?;
        }
        Ok(())
    }
}
