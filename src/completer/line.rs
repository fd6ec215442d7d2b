//! The rest of a line: the likeliest token again and again, as long as all of them together are likely enough.

use std::ops::Range;

use super::{Completer, Known, Session};
use crate::engine::EngineError;
use crate::python::{self, EOL, Place};
use crate::vocabulary::UNK;

/// Tokens of a line at most.
const MOST: usize = 32;
/// Lines above it that are printed with it, for its brackets.
const LINES: usize = 8;

/// The rest of a line, or as much of it as is likely enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it replaces: the word begun before the cursor, and what an editor has closed behind it.
    pub replace: Range<usize>,
    /// The text, spaced as Black would.
    pub text: String,
    /// That all of its tokens are right.
    pub probability: f32,
}

/// What stands behind a cursor on its line.
struct Behind<'a> {
    /// Closing brackets and quotes that an editor may have put there.
    closing: &'a str,
}

impl<'a> Behind<'a> {
    /// `None` if there is anything else.
    fn new(text: &'a str, cursor: usize) -> Option<Self> {
        let rest = text[cursor..]
            .split(['\r', '\n'])
            .next()
            .unwrap_or_default();
        let closing = rest.trim_end();
        let is_closing = closing.chars().all(|c| ")]}".contains(c));
        is_closing.then_some(Self { closing })
    }
}

impl Completer {
    /// What the line at `cursor` goes on with, if it is at least so `likely`; with 0, all of it. `stop` may end it between
    /// two tokens, and then there is none.
    pub fn line(
        &self,
        session: &mut Session,
        text: &str,
        cursor: usize,
        likely: f32,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Line>, EngineError> {
        let place = self.lex(session, text, cursor);
        let Some(behind) = Behind::new(text, cursor) else {
            return Ok(None);
        };
        if place.place != Place::Code {
            return Ok(None);
        }
        let read = session.ids.len();
        let prefix = &text[place.prefix.clone()];
        let found = self.walk(session, prefix, likely, stop);
        let above = self.spelled(session, read);
        session.ids.truncate(read);
        session.document.truncate(read);
        session.known = None;
        let Some((tokens, probability)) = found? else {
            return Ok(None);
        };
        let (tokens, closed) = fitted(&tokens, behind.closing);
        let Some(written) = written(&above, tokens, prefix, &text[..place.prefix.start]) else {
            return Ok(None);
        };
        Ok(Some(Line {
            replace: place.prefix.start..cursor + closed,
            text: written,
            probability,
        }))
    }

    /// The likeliest tokens behind the session's, the first of which begins with `prefix`, and the probability of all.
    fn walk(
        &self,
        session: &mut Session,
        prefix: &str,
        likely: f32,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<(Vec<String>, f32)>, EngineError> {
        let mut tokens = Vec::new();
        let mut probability = 1.0;
        while tokens.len() < MOST {
            if stop() {
                return Ok(None);
            }
            self.know(session)?;
            let begun = if tokens.is_empty() { prefix } else { "" };
            let Some((token, id, p)) = self.likeliest(session, begun) else {
                break;
            };
            if token == EOL || probability * p < likely || !can_be_written(&token) {
                break;
            }
            probability *= p;
            let is_name = match id {
                UNK => true,
                id => self.names[id as usize],
            };
            session.ids.push(id);
            session.document.push(id, &token, is_name);
            tokens.push(token);
        }
        Ok(Some((tokens, probability)).filter(|(tokens, _)| !tokens.is_empty()))
    }

    /// The likeliest token that begins with `prefix`, its id and its probability among those.
    fn likeliest(&self, session: &Session, prefix: &str) -> Option<(String, u32, f32)> {
        let Known { answer, prediction } = session.known.as_ref()?;
        let document = &session.document;
        if !prefix.is_empty() {
            let best = |fitting| self.best(document, answer, prediction, fitting, 1);
            let mut items = self.offers.rank(document, prediction, prefix, "", best);
            let first = items.pop()?;
            let id = self.vocabulary.id(&first.token);
            return Some((first.token, id, first.probability));
        }
        let known = |&candidate: &usize| candidate != UNK as usize;
        let all = (0..prediction.probabilities.len()).filter(known).collect();
        let (candidate, p) = self.best(document, answer, prediction, all, 1).pop()?;
        let token = match self.vocabulary.token(candidate as u32) {
            Some(token) => token,
            None => prediction.spelling(document, candidate)?,
        };
        let id = self.vocabulary.id(token);
        Some((token.to_owned(), id, p))
    }

    /// The tokens of the last lines of the first `read`, as they are spelled.
    fn spelled(&self, session: &Session, read: usize) -> Vec<String> {
        let document = &session.document;
        let spelled = (0..read).rev().map(|at| {
            let id = session.ids[at];
            let text = self.vocabulary.token(id).filter(|_| id != UNK);
            text.unwrap_or_else(|| document.spelling(at)).to_owned()
        });
        let mut lines = 0;
        let mut above: Vec<String> = spelled
            .take_while(|token| {
                lines += usize::from(token == EOL);
                lines < LINES && token != python::START
            })
            .collect();
        above.reverse();
        above
    }
}

/// Whether a token's text is its own: an anonymised literal's is not.
fn can_be_written(token: &str) -> bool {
    python::insertable(token).is_some() && !token.contains("<STR_LIT>")
}

/// As many of the tokens as go with the brackets that stand behind the cursor, and how many bytes of these they replace.
fn fitted<'t>(tokens: &'t [String], closing: &str) -> (&'t [String], usize) {
    let mut depth = 0;
    let mut closed = 0;
    for (at, token) in tokens.iter().enumerate() {
        match &**token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth > 0 => depth -= 1,
            bracket @ (")" | "]" | "}") if !closing.is_empty() => {
                if !closing[closed..].starts_with(bracket) {
                    return (&tokens[..at], 0);
                }
                closed += 1;
            }
            _ => {}
        }
    }
    if closed == closing.len() {
        return (tokens, closed);
    }
    // Some would stand twice: only what comes before them is new.
    let mut depth = 0;
    let is_unmatched = |token: &String| {
        match &**token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        depth < 0
    };
    let first = tokens.iter().position(is_unmatched);
    (&tokens[..first.unwrap_or(tokens.len())], 0)
}

/// The tokens' text behind those of `above`, in place of `prefix` and after the text `before`.
fn written(above: &[String], tokens: &[String], prefix: &str, before: &str) -> Option<String> {
    if tokens.is_empty() {
        return None;
    }
    let above: Vec<&str> = above.iter().map(String::as_str).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let whole = python::print(&[&above[..], &tokens].concat());
    let mut shorter = python::print(&above);
    // How a bracket's inside is spaced may hang on what comes next: the last line counts.
    if !whole.starts_with(&shorter) {
        shorter = python::print(&above[above.len().saturating_sub(1)..]);
        let whole = python::print(&[&above[above.len().saturating_sub(1)..], &tokens].concat());
        return cut(&whole, &shorter, prefix, before);
    }
    cut(&whole, &shorter, prefix, before)
}

/// What `whole` has behind `shorter`, without the space that stands there already.
fn cut(whole: &str, shorter: &str, prefix: &str, before: &str) -> Option<String> {
    let text = whole.strip_prefix(shorter)?;
    let is_open = before.ends_with([' ', '\t', '\n', '\r']) || before.is_empty();
    let text = if is_open || !prefix.is_empty() {
        text.trim_start()
    } else {
        text
    };
    (text.len() > prefix.len()).then(|| text.to_owned())
}
