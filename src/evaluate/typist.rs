//! A simulated user that types a block of a file into the server token by token and requests completions at every step.
//!
//! Before each token, the typist requests the next tokens. It then types words and numbers character by character and
//! requests a completion list each time, until the right one is in the list. The typed text equals the file, with one
//! exception: a space is added after a word before the next token is requested. Without it, the word could continue, and the
//! request would still be about that word.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::json;

use super::parts::{Parts, Target};
use super::server::uri_of;
use crate::lsp::{Change, Client, Position};
use crate::metrics::{Keystrokes, Latency, Metrics, Observation};
use crate::python::{self, END, Kind, START, Token};

/// Number of next tokens requested: ten that can be shown, and up to five that cannot.
const ANSWERS: usize = 15;
/// Number of lines before the target's own line in a miss's context.
const LINES: usize = 3;

/// Counts over all blocks.
#[derive(Debug, Default)]
pub struct Counts {
    /// Number of targets.
    pub targets: u64,
    /// Quality of the answers.
    pub metrics: Metrics,
    /// The same targets by part.
    pub parts: Parts,
    /// Response times of completion lists.
    pub completion: Latency,
    /// Response times of `minicopilot/nextTokens`.
    pub next_tokens: Latency,
    /// Response times of the first answer for a newly opened text.
    pub opening: Latency,
}

/// A document being typed. Dropping the typist closes it.
pub struct Typist<'a> {
    client: &'a mut Client,
    uri: String,
    version: i32,
    end: Position,
}

#[derive(Deserialize)]
struct NextTokens {
    tokens: Vec<NextToken>,
}

#[derive(Deserialize)]
struct NextToken {
    token: String,
    probability: f32,
}

#[derive(Deserialize)]
struct CompletionList {
    items: Vec<CompletionItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompletionItem {
    text_edit: TextEdit,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextEdit {
    new_text: String,
}

impl<'a> Typist<'a> {
    /// Opens a document with existing text and waits until the server has read it.
    fn open(
        client: &'a mut Client,
        path: &Path,
        text: &str,
        opening: &mut Latency,
    ) -> anyhow::Result<Self> {
        let uri = uri_of(path)?;
        client.open(&uri, "python", 0, text)?;
        let mut typist = Self {
            client,
            uri,
            version: 0,
            end: end_of(Position::new(0, 0), text, str::len),
        };
        typist.settle()?;
        typist.next_tokens(opening)?;
        Ok(typist)
    }

    /// Types the targets `wanted` of a text whose earlier part is already there, and reports the number of counted targets
    /// to `progress`.
    #[expect(
        clippy::too_many_lines,
        reason = "one keystroke after another, as a user types"
    )]
    pub fn type_block(
        client: &'a mut Client,
        path: &Path,
        text: &str,
        wanted: Range<usize>,
        counts: &mut Counts,
        progress: &mut dyn FnMut(u64),
    ) -> anyhow::Result<()> {
        let tokens = python::lex(text);
        ensure!(
            wanted.end <= tokens.len() + 1,
            "the file was changed after it was sampled"
        );
        let before = wanted.start.checked_sub(1).map(|last| tokens[last]);
        let mut previous = START.to_owned();
        if let Some(before) = before {
            python::surface(text, before, &mut previous);
        }
        let mut typed = before.map_or(0, |token| token.end as usize);
        let mut behind_word = before.is_some_and(is_word);
        let mut typist = Self::open(client, path, &text[..typed], &mut counts.opening)?;

        let mut surface = String::new();
        let mut line = 1 + text[..typed].matches('\n').count();
        let mut seen: HashSet<&str> = tokens[..wanted.start]
            .iter()
            .map(|t| t.text(text))
            .collect();
        for (position, &token) in tokens
            .iter()
            .enumerate()
            .take(wanted.end)
            .skip(wanted.start)
        {
            let (start, end) = (token.start as usize, token.end as usize);
            // A comment is typed after the line end was requested, as if the code had been written first.
            let gap = if token.kind == Kind::Eol {
                ""
            } else {
                &text[typed..start]
            };
            typist.append(if behind_word && gap.is_empty() {
                " "
            } else {
                gap
            })?;
            python::surface(text, token, &mut surface);
            let rest = &text[typed + gap.len()..end];
            line += text[typed..start].matches('\n').count();
            let target = Target {
                surface: &surface,
                before: tail(&text[..start]),
                place: (path, line),
                position,
                is_seen: !seen.insert(token.text(text)),
            };
            typist.measure(&target, &previous, rest, token.kind, counts)?;
            if token.kind == Kind::Eol {
                typist.settle()?;
            }
            std::mem::swap(&mut previous, &mut surface);
            line += text[start..end].matches('\n').count();
            typed = end;
            behind_word = is_word(token);
            progress(counts.targets);
        }
        if wanted.end > tokens.len() {
            // The file end is a target too, and the only one that is not typed.
            typist.append(if behind_word { " " } else { "" })?;
            let answers = typist.next_tokens(&mut counts.next_tokens)?;
            let target = Target {
                surface: END,
                before: tail(text),
                place: (path, line),
                position: tokens.len(),
                is_seen: false,
            };
            counts.add(&target, &previous, &answers, None);
        }
        Ok(())
    }

    /// Requests one token and types it as `text`.
    fn measure(
        &mut self,
        target: &Target<'_>,
        previous: &str,
        text: &str,
        kind: Kind,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let surface = target.surface;
        // The text to accept from the list. A token of one character is not worth a list.
        let wanted = python::insertable(surface)
            .filter(|wanted| kind != Kind::Eol && wanted.chars().nth(1).is_some());
        let mut keys = None;
        if let Some(wanted) = &wanted
            && self.offers(wanted, &mut counts.completion)?
        {
            keys = Some(1);
        }
        let answers = self.next_tokens(&mut counts.next_tokens)?;
        match &wanted {
            Some(wanted) if matches!(kind, Kind::Name | Kind::Keyword | Kind::Number) => {
                let mut rest = text;
                for typed in 2.. {
                    if keys.is_some() {
                        break;
                    }
                    let Some(character) = rest.chars().next() else {
                        break;
                    };
                    let (first, behind) = rest.split_at(character.len_utf8());
                    self.append(first)?;
                    rest = behind;
                    if !rest.is_empty() && self.offers(wanted, &mut counts.completion)? {
                        keys = Some(typed);
                    }
                }
                self.append(rest)?;
            }
            _ => self.append(text)?,
        }
        let characters = match kind {
            Kind::Eol => Some(1),
            _ => python::insertable(surface).map(|text| text.chars().count() as u64),
        };
        let keystrokes = characters.map(|characters| Keystrokes {
            keys: keys.unwrap_or(characters),
            characters,
        });
        counts.add(target, previous, &answers, keystrokes);
        Ok(())
    }

    /// Whether the completion list contains this text.
    fn offers(&mut self, text: &str, latency: &mut Latency) -> anyhow::Result<bool> {
        let params = json!({"textDocument": {"uri": self.uri}, "position": self.end});
        let (answer, took) = self.client.measure("textDocument/completion", params)?;
        latency.add(took);
        let list: CompletionList =
            serde_json::from_value(answer).context("the answer is not a completion list")?;
        Ok(list
            .items
            .iter()
            .any(|item| item.text_edit.new_text == text))
    }

    /// Waits until the server has updated the project context for the typed text, so results match a slower typist and are
    /// reproducible.
    fn settle(&mut self) -> anyhow::Result<()> {
        self.client
            .call("minicopilot/project", serde_json::Value::Null)?;
        Ok(())
    }

    fn next_tokens(&mut self, latency: &mut Latency) -> anyhow::Result<Vec<NextToken>> {
        let params = json!({"textDocument": {"uri": self.uri}, "position": self.end, "k": ANSWERS});
        let (answer, took) = self.client.measure("minicopilot/nextTokens", params)?;
        latency.add(took);
        let answer: NextTokens =
            serde_json::from_value(answer).context("the answer is not a list of next tokens")?;
        Ok(answer.tokens)
    }

    /// Types text at the end of the document.
    fn append(&mut self, text: &str) -> anyhow::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.version += 1;
        let change = Change::insert(self.end, text);
        self.client.change(&self.uri, self.version, &[change])?;
        self.end = end_of(self.end, text, str::len);
        Ok(())
    }
}

impl Drop for Typist<'_> {
    fn drop(&mut self) {
        // A server that is gone needs no `didClose`.
        let _ = self.client.close(&self.uri);
    }
}

impl Counts {
    fn add(
        &mut self,
        target: &Target<'_>,
        previous: &str,
        answers: &[NextToken],
        keystrokes: Option<Keystrokes>,
    ) {
        let answers: Vec<_> = answers
            .iter()
            .map(|next| (next.token.as_str(), next.probability))
            .collect();
        let observation = Observation::from_answers(target.surface, previous, &answers, keystrokes);
        self.targets += 1;
        self.metrics.add(&observation);
        self.parts.add(target, &observation, &answers);
    }
}

/// The last lines of a text.
fn tail(text: &str) -> &str {
    let breaks = text.rmatch_indices('\n');
    breaks
        .map(|(at, _)| at + 1)
        .nth(LINES)
        .map_or(text, |from| &text[from..])
}

/// Whether a letter after the token would extend it.
pub fn is_word(token: Token) -> bool {
    matches!(token.kind, Kind::Name | Kind::Keyword | Kind::Number)
}

/// The end position of `text` inserted at `start`, in units counted by `units`. Pieces never split `\r\n`.
pub fn end_of(start: Position, text: &str, units: fn(&str) -> usize) -> Position {
    let numbered = (0..).zip(python::lines(text));
    let (breaks, line) = numbered.last().unwrap_or((0, 0..0));
    let before = if breaks == 0 { start.character } else { 0 };
    Position::new(start.line + breaks, before + units(&text[line]) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_follows_the_protocols_line_breaks() {
        let end = |text| {
            let Position { line, character } = end_of(Position::new(3, 5), text, str::len);
            (line, character)
        };
        assert_eq!(end("a\u{e9}"), (3, 8));
        assert_eq!(end("\r\n"), (4, 0));
        assert_eq!(end("a\n\r\rbc"), (6, 2));
    }
}
