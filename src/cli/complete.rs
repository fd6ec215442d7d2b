//! `minicopilot complete FILE:LINE:COL`: prints the completions at a position in a file, with `--why` also where each comes
//! from.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde::Serialize;

use super::output::print;
use crate::completion::{Candidate, Completer, CompletionSession, Effort, Options, Origin};
use crate::files::python_files;
use crate::inference::EngineError;
use crate::python;

/// How long to wait before printing a progress message.
const PATIENCE: Duration = Duration::from_secs(3);

/// Width of a full probability bar, in characters.
const BAR: f32 = 28.0;

/// A position in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: PathBuf,
    /// 1-based.
    line: usize,
    /// 1-based, in characters. The cursor is before this character.
    column: usize,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Split from the right, because a file name can contain colons.
        let mut parts = text.rsplitn(3, ':');
        let mut number = || parts.next()?.parse().ok().filter(|&n: &usize| n > 0);
        let (column, line) = (number(), number());
        match (parts.next(), line, column) {
            (Some(file), Some(line), Some(column)) if !file.is_empty() => {
                let file = PathBuf::from(file);
                Ok(Self { file, line, column })
            }
            _ => {
                Err("expected FILE:LINE:COL with a line and a column of at least 1, such as app.py:12:5".to_owned())
            }
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    tokens: Vec<Row<'a>>,
}

/// A candidate, as printed.
#[derive(Serialize)]
struct Row<'a> {
    /// The text that it inserts.
    token: &'a str,
    probability: f32,
    #[serde(flatten)]
    why: Option<Why>,
}

/// Where a candidate comes from.
#[derive(Serialize)]
struct Why {
    origin: Origin,
    /// The experts' shares of its prediction, if at least 1 %; empty if the origin is not the model.
    source: BTreeMap<&'static str, f32>,
}

/// Prints the five most probable completions, and with `why` where each comes from.
pub fn run(
    completer: &Completer,
    place: &Place,
    why: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (text, cursor) = place.read()?;
    let mut session = CompletionSession::new();
    read(completer, &mut session, &text, cursor)?;
    let answer = completer.complete(
        &mut session,
        &text,
        cursor,
        &Options::default(),
        Effort::UNLIMITED,
    )?;
    let items = answer
        .completions()
        .map_or_else(Vec::new, |found| found.items);
    let rows = items.iter().map(|candidate| Row {
        token: &candidate.text,
        probability: candidate.probability,
        why: why.then(|| Why::new(completer, &session, candidate)),
    });
    let tokens: Vec<Row> = rows.collect();
    if json {
        print(&(serde_json::to_string(&Answer { tokens })? + "\n"))?;
    } else if tokens.is_empty() {
        print(
            "No completions here: the cursor is in a string or comment, no known name starts with the typed text, or the word is already complete.\n",
        )?;
    } else {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        print(&render(&tokens, colours))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the text before the cursor and prints a message if that takes long.
fn read(
    completer: &Completer,
    session: &mut CompletionSession,
    text: &str,
    cursor: usize,
) -> Result<(), EngineError> {
    let began = Instant::now();
    let stop = &|| began.elapsed() > PATIENCE;
    if !completer.read(session, text, cursor, Effort::Full { stop })? {
        let megabytes = cursor as f64 / 1e6;
        let _ = writeln!(
            io::stderr(),
            "minicopilot: reading the {megabytes:.1} MB before the cursor; this takes a while"
        );
        completer.read(session, text, cursor, Effort::UNLIMITED)?;
    }
    Ok(())
}

impl Place {
    /// The file's text and the byte offset of the position in it.
    pub(super) fn read(&self) -> anyhow::Result<(String, usize)> {
        let text = python_files::read(&self.file)?;
        let cursor = self.cursor(&text)?;
        Ok((text, cursor))
    }

    /// The byte offset of the position.
    fn cursor(&self, text: &str) -> anyhow::Result<usize> {
        let (file, line, column) = (self.file.display(), self.line, self.column);
        let Some(range) = python::lines(text).nth(line - 1) else {
            bail!(
                "{file} has no line {line}: the last is {}",
                python::lines(text).count()
            );
        };
        let found = &text[range.clone()];
        let mut ends = found.char_indices().map(|(at, _)| at).chain([found.len()]);
        match ends.nth(column - 1) {
            Some(at) => Ok(range.start + at),
            None => bail!(
                "{file}: line {line} has no column {column}: the last is {}",
                found.chars().count() + 1
            ),
        }
    }
}

impl Why {
    /// Explains a candidate of the last list of `session`.
    fn new(completer: &Completer, session: &CompletionSession, candidate: &Candidate) -> Self {
        let shares = completer.expert_shares(session, candidate).into_iter();
        Self {
            origin: candidate.origin,
            source: shares
                .map(|(expert, share)| (expert.name(), share))
                .collect(),
        }
    }
}

/// The origin, and the experts with the largest share first.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.origin {
            Origin::Model => "model",
            Origin::DictionaryKey => "dictionary key",
            Origin::Module => "module",
            Origin::NewName => "new name",
        })?;
        let mut shares: Vec<(&&str, &f32)> = self.source.iter().collect();
        shares.sort_by(|a, b| b.1.total_cmp(a.1));
        let separators = iter::once(": ").chain(iter::repeat(", "));
        for ((expert, share), separator) in shares.into_iter().zip(separators) {
            write!(f, "{separator}{expert} {:.0} %", share * 100.0)?;
        }
        Ok(())
    }
}

/// One line per candidate: text, percentage, bar; below it, where it comes from, if wanted.
fn render(rows: &[Row], colours: bool) -> String {
    let (strong, faint, plain) = if colours {
        ("\x1b[1m", "\x1b[36m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let width = rows
        .iter()
        .map(|row| row.token.chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = String::new();
    for Row {
        token,
        probability,
        why,
    } in rows
    {
        let percent = probability * 100.0;
        let bar = bar(*probability);
        // Writing to a string cannot fail.
        let _ = writeln!(
            lines,
            "  {strong}{token:<width$}{plain}  {percent:5.1} %  {faint}{bar}{plain}"
        );
        if let Some(why) = why {
            let _ = writeln!(lines, "    {why}");
        }
    }
    lines
}

/// A bar in eighths of a character.
fn bar(probability: f32) -> String {
    let eighths = (probability * BAR * 8.0).round() as usize;
    let mut bar = "\u{2588}".repeat(eighths / 8);
    // U+2589 to U+258F: seven eighths down to one.
    bar.extend(
        char::from_u32(0x2590 - (eighths % 8) as u32).filter(|_| !eighths.is_multiple_of(8)),
    );
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prediction::Expert;

    fn place(text: &str) -> Option<(String, usize, usize)> {
        let Place { file, line, column } = text.parse().ok()?;
        Some((file.display().to_string(), line, column))
    }

    #[test]
    fn a_place_is_read_from_the_right() {
        assert_eq!(place("a.py:3:1"), Some(("a.py".to_owned(), 3, 1)));
        assert_eq!(
            place("C:\\a:b.py:3:14"),
            Some(("C:\\a:b.py".to_owned(), 3, 14))
        );
        for wrong in [
            "",
            "a.py",
            "a.py:3",
            "a.py:0:1",
            "a.py:1:0",
            "a.py:x:1",
            ":1:1",
            "a.py:-1:2",
        ] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_column_counts_characters() {
        let cursor = |text: &str, line, column| {
            let file = PathBuf::from("a.py");
            Place { file, line, column }
                .cursor(text)
                .map_err(|error| error.to_string())
        };
        let text = "a\n\u{e9}\u{1f40d}x\r\n";
        assert_eq!(cursor(text, 1, 2), Ok(1));
        assert_eq!(cursor(text, 2, 3), Ok(8));
        assert_eq!(cursor(text, 2, 4), Ok(9));
        assert_eq!(cursor(text, 3, 1), Ok(11));
        assert_eq!(cursor("", 1, 1), Ok(0));
        assert_eq!(cursor("a\rb\r\nc", 2, 1), Ok(2));
        assert_eq!(cursor("a\rb\r\nc", 3, 2), Ok(6));
        insta::assert_snapshot!(cursor(text, 2, 5).unwrap_err(), @"a.py: line 2 has no column 5: the last is 4");
        insta::assert_snapshot!(cursor(text, 4, 1).unwrap_err(), @"a.py has no line 4: the last is 3");
        insta::assert_snapshot!(cursor("", 9, 9).unwrap_err(), @"a.py has no line 9: the last is 1");
    }

    #[test]
    fn the_list_is_readable() {
        let row = |token, probability| Row {
            token,
            probability,
            why: None,
        };
        let mut rows = [
            row("self", 1.0),
            row("cls", 0.51),
            row("\u{e9}", 0.004),
            row("x", 0.0),
        ];
        insta::assert_snapshot!(render(&rows, false), @r"
        self  100.0 %  ████████████████████████████
        cls    51.0 %  ██████████████▎
        é       0.4 %  ▏
        x       0.0 %
        ");
        let shares = [
            (Expert::Network, 0.25),
            (Expert::Ngrams, 0.015),
            (Expert::RecentNames, 0.735),
        ];
        let of_model = shares.map(|(expert, share)| (expert.name(), share));
        let explanations = [
            (Origin::Model, BTreeMap::from(of_model)),
            (Origin::DictionaryKey, BTreeMap::new()),
            (Origin::Module, BTreeMap::new()),
            (Origin::NewName, BTreeMap::new()),
        ];
        rows[3].probability = 0.02;
        for (row, (origin, source)) in rows.iter_mut().zip(explanations) {
            row.why = Some(Why { origin, source });
        }
        insta::assert_snapshot!(render(&rows, false), @r"
        self  100.0 %  ████████████████████████████
          model: recent names 74 %, network 25 %, n-grams 2 %
        cls    51.0 %  ██████████████▎
          dictionary key
        é       0.4 %  ▏
          module
        x       2.0 %  ▌
          new name
        ");
    }
}
