//! Golden test: the answers of the default model at fixed positions, bit for bit. A refactoring must not change them.
//!
//! `tests/golden/answers.txt` has one line per position: the file and the cursor, the typed word, the top 20 next
//! tokens with their probabilities, the sources of the first three, a digest of the network's probability and the
//! sources of all 20, the completion list and the inline completion. A probability is written as the shortest decimal
//! that reads back as the same `f32`, so equal text means equal bits.
//!
//! The bits do not depend on the processor: integer kernels sum exactly, the vectorised loops of `simd.rs` add in a
//! fixed order, and Rust never contracts a multiplication and an addition. They do depend on the C library's `exp` and
//! `log`, so the test is only compiled for glibc on x86-64.
//!
//! `MINICOPILOT_UPDATE=1 cargo test --test golden` rewrites the file.
#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use minicopilot::completion::{Answer, Completer, CompletionSession, Effort, NextTokens, Options};
use minicopilot::context::{ImportableModules, ProjectContext};
use minicopilot::workspace::{ContextSelection, Imports, WorkspaceIndex};
use minicopilot::{embedded, files::fingerprint};

/// The sample project's files; each is also used as a document.
const FILES: [&str; 5] = [
    "report.py",
    "shop/__init__.py",
    "shop/models.py",
    "shop/pricing.py",
    "shop/store.py",
];
/// Installed modules that can be imported: name, path, file in `tests/golden/library`.
const LIBRARY: [(&str, &str, &str); 2] = [
    ("tariff", "/library/tariff/__init__.py", "tariff.py"),
    ("tariff.rates", "/library/tariff/rates.py", "rates.py"),
];
/// Names of importable modules besides the project's.
const INSTALLED: [&str; 7] = [
    "argparse", "datetime", "json", "logging", "os", "sys", "tariff",
];
/// Every `STEP`th word of a file is tested.
const STEP: usize = 5;
/// Typed letters of the word, in turn.
const TYPED: [usize; 4] = [0, 1, 0, 3];
/// Number of next tokens per position.
const TOKENS: usize = 20;
const SHARES: usize = 3;
/// Minimum probability of the inline completion.
const LIKELY: f32 = 0.2;
/// Maximum number of positions that a failure prints.
const SHOWN: usize = 5;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn read(path: &str) -> String {
    let path = folder().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A cursor, and the document while the cursor's line is being typed: the line ends at the cursor.
struct Place {
    line: usize,
    column: usize,
    text: String,
    cursor: usize,
}

/// Positions at every [`STEP`]th word of a file, 0 to 3 letters into it.
fn places(text: &str) -> Vec<Place> {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let begins = text.char_indices().filter(|&(at, c)| {
        let before = text[..at].chars().next_back();
        is_word(c) && !before.is_some_and(is_word)
    });
    let chosen = begins.step_by(STEP).zip(TYPED.iter().cycle());
    let place = |((at, _), typed): ((usize, char), &usize)| {
        let letters = text[at..].chars().take_while(|&c| is_word(c)).take(*typed);
        let cursor = at + letters.map(char::len_utf8).sum::<usize>();
        let line_end = text[cursor..]
            .find('\n')
            .map_or(text.len(), |end| cursor + end);
        let line_start = text[..cursor].rfind('\n').map_or(0, |end| end + 1);
        Place {
            line: 1 + text[..cursor].matches('\n').count(),
            column: 1 + text[line_start..cursor].chars().count(),
            text: [&text[..cursor], &text[line_end..]].concat(),
            cursor,
        }
    };
    chosen.map(place).collect()
}

/// The sample project, and the project context of its documents, as in the server's workspace.
struct Workspace<'a> {
    completer: &'a Completer,
    project: WorkspaceIndex,
    installed: Arc<[Box<str>]>,
}

impl<'a> Workspace<'a> {
    fn new(completer: &'a Completer) -> Self {
        let vocabulary = completer.vocabulary();
        let mut project = WorkspaceIndex::new(vocabulary);
        for path in FILES {
            let text = read(&format!("project/{path}"));
            project.read(vocabulary, &format!("project/{path}"), &text);
        }
        for (name, path, file) in LIBRARY {
            project.read_library(vocabulary, path, &read(&format!("library/{file}")), name);
        }
        Self {
            completer,
            project,
            installed: INSTALLED.map(Box::from).into(),
        }
    }

    /// The project context of a document that is being edited at `place`.
    fn surroundings(&mut self, path: &str, place: &Place) -> ProjectContext {
        let (project, vocabulary) = (&mut self.project, self.completer.vocabulary());
        let imports = Imports::of_text(&place.text);
        let suffix = project.suffix(vocabulary, &place.text, place.cursor + 1);
        let is_library = |module: &str| module.split('.').next() == Some("tariff");
        let mut libraries = Vec::new();
        let mut submodules = Vec::new();
        if imports.modules().any(is_library) {
            libraries.extend(LIBRARY.map(|(_, path, _)| path));
            submodules.push(project.module("rates", "tariff"));
        }
        for path in project.imported(path, &imports) {
            submodules.extend(project.modules_in(path));
        }
        let file = path.rsplit('/').next().unwrap_or_default();
        let importable = ImportableModules {
            installed: Arc::clone(&self.installed),
            own: project.top_modules(),
            document: file.trim_end_matches(".py").into(),
        };
        let around = ContextSelection {
            suffix,
            near: project.nearest(path, &imports),
            imported: project.imported(path, &imports),
            libraries,
            submodules,
            importable,
        };
        project.surroundings(path, &around)
    }
}

/// The answers at all positions, one line each: buffer only, or with the workspace.
fn answers(completer: &Completer, within_project: bool) -> Vec<String> {
    let mut workspace = within_project.then(|| Workspace::new(completer));
    let mut lines = Vec::new();
    for file in FILES {
        let path = format!("project/{file}");
        let text = read(&path);
        let mut session = CompletionSession::new();
        for place in places(&text) {
            if let Some(workspace) = &mut workspace {
                let around = workspace.surroundings(&path, &place);
                session.set_project_context(Some(Arc::new(around)));
            }
            let context = if within_project { "project" } else { "alone" };
            let Place { line, column, .. } = place;
            let answer = answer(completer, &mut session, &place);
            lines.push(format!("{context} {file}:{line}:{column} {answer}"));
        }
    }
    lines
}

/// All answers at one position.
fn answer(completer: &Completer, session: &mut CompletionSession, place: &Place) -> String {
    let Place { text, cursor, .. } = place;
    let next = completer
        .next_tokens(session, text, *cursor, TOKENS, &|| false)
        .unwrap()
        .expect("nothing stops it");
    let mut line = format!("{:?} | next", &text[next.prefix.clone()]);
    write_next(&mut line, &next);

    let options = Options::default();
    let answer = completer
        .complete(session, text, *cursor, &options, Effort::UNLIMITED)
        .unwrap();
    let Answer::Full(list) = answer else {
        panic!("{answer:?}");
    };
    write!(line, " | list").unwrap();
    for item in &list.items {
        write!(line, " {:?} {}", item.text, item.probability).unwrap();
    }

    let inline = completer
        .line(session, text, *cursor, LIKELY, &|| false)
        .unwrap();
    write!(line, " | inline").unwrap();
    if let Some(inline) = inline {
        write!(line, " {:?} {}", inline.text, inline.probability).unwrap();
    }
    line
}

fn write_next(line: &mut String, next: &NextTokens) {
    let mut all = String::new();
    for (rank, token) in next.tokens.iter().enumerate() {
        write!(line, " {} {}", token.token, token.probability).unwrap();
        let shares = token.expert_shares.iter();
        let shares: Vec<String> = shares
            .map(|(name, share)| format!("{name} {share}"))
            .collect();
        let shares = shares.join(", ");
        if rank < SHARES {
            write!(line, " ({shares})").unwrap();
        }
        let (id, network) = (token.id.get(), token.network);
        writeln!(all, "{id} {network} {shares}").unwrap();
    }
    write!(line, " | sources {:.12}", fingerprint::of(all.as_bytes())).unwrap();
}

#[test]
fn the_default_models_answers_are_the_same_bit_for_bit() {
    let completer = Completer::new(&embedded::load(None).unwrap()).unwrap();
    let lines = thread::scope(|scope| {
        let alone = scope.spawn(|| answers(&completer, false));
        let within = answers(&completer, true);
        [alone.join().unwrap(), within].concat()
    });
    assert!(lines.len() >= 300, "only {} places", lines.len());
    let path = folder().join("answers.txt");
    if std::env::var_os("MINICOPILOT_UPDATE").is_some() {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let expected = read("answers.txt");
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(lines.len(), expected.len(), "number of places");
    let differing = lines
        .iter()
        .zip(&expected)
        .filter(|(found, expected)| found != expected);
    let mut report = String::new();
    for (found, expected) in differing.clone().take(SHOWN) {
        report += &difference(found, expected);
    }
    let count = differing.count();
    assert!(
        count == 0,
        "{count} of {} places have answers that differ from tests/golden/answers.txt:\n{report}\
         If this is intended, `MINICOPILOT_UPDATE=1 cargo test --test golden` rewrites the file.",
        lines.len()
    );
}

/// The differing parts of two lines.
fn difference(found: &str, expected: &str) -> String {
    let mut report = format!("{}\n", found.split(" | ").next().unwrap_or_default());
    for (found, expected) in found.split(" | ").zip(expected.split(" | ")) {
        if found != expected {
            writeln!(report, "  expected {expected}\n  found    {found}").unwrap();
        }
    }
    report
}
