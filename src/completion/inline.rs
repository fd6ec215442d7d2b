//! The rest of a line: the likeliest token again and again, as long as all of them together are likely enough.

use std::ops::Range;
use std::sync::Arc;

use super::rank::InsertionSite;
use super::{CachedPrediction, Completer, CompletionSession, Options};
use crate::inference::{EngineError, TruncatedContext};
use crate::python::{self, CursorIn, EOL, Kind};
use crate::tokenizer::UNK;

/// Tokens of a line at most.
const MOST: usize = 32;
/// Lines above it that are printed with it, for its brackets.
const LINES: usize = 40;

/// The rest of a line, or as much of it as is likely enough.
#[derive(Clone, Debug, PartialEq)]
pub struct InlineCompletion {
    /// What it replaces: the word begun before the cursor, and what an editor has closed behind it.
    pub replace: Range<usize>,
    /// The text, spaced as Black would.
    pub text: String,
    /// That all of its tokens are right.
    pub probability: f32,
}

/// The closing brackets that stand behind a cursor on its line, as an editor puts them there; `None` if anything else does.
fn closing_behind(text: &str, cursor: usize) -> Option<&str> {
    let rest = text[cursor..].split(['\r', '\n']).next();
    let rest = rest.unwrap_or_default().trim_end();
    rest.chars().all(|c| ")]}".contains(c)).then_some(rest)
}

impl Completer {
    /// What the line at `cursor` goes on with, if it is at least so `likely`; with 0, all of it. `stop` may end it between
    /// two tokens, and then there is none.
    pub fn line(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        likely: f32,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<InlineCompletion>, EngineError> {
        let place = self.lex(session, text, cursor);
        let Some(closing) = closing_behind(text, cursor) else {
            return Ok(None);
        };
        let before = text[..place.prefix.start].trim_end_matches([' ', '\t']);
        if place.place != CursorIn::Code || before.ends_with('\\') {
            return Ok(None);
        }
        // A list may wait for it: what is far is read when nobody does.
        if TruncatedContext::is_wanted(None, session.states.unread(&self.engine, &session.ids))
            || !session.states.read(&self.engine, &session.ids, stop)?
        {
            return Ok(None);
        }
        self.know(session)?;
        let known = session.known.take();
        let (read, words) = (session.ids.len(), session.document.words().len());
        let prefix = &text[place.prefix.clone()];
        let found = self.walk(session, prefix, likely, stop);
        let above = self.spelled(session, read);
        session.ids.truncate(read);
        session.document.truncate(read);
        if let Some(known) = &known {
            session.states.remember(read, Arc::clone(&known.answer));
        }
        // Words that the walk was the first to say have numbers now, which what was known before has none for.
        session.known = known.filter(|_| session.document.words().len() == words);
        self.know(session)?;
        let Some(found) = found? else {
            return Ok(None);
        };
        let (tokens, shares): (Vec<String>, Vec<f32>) = found.into_iter().unzip();
        let (kept, closed) = fitted(&tokens, closing);
        let Some(written) = written(&above, &tokens[..kept], prefix, &text[..place.prefix.start])
        else {
            return Ok(None);
        };
        Ok(Some(InlineCompletion {
            replace: place.prefix.start..cursor + closed,
            text: written,
            probability: shares[..kept].iter().product(),
        }))
    }

    /// The likeliest tokens behind the session's, the first of which begins with `prefix`, and each one's probability.
    fn walk(
        &self,
        session: &mut CompletionSession,
        prefix: &str,
        likely: f32,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<(String, f32)>>, EngineError> {
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
            tokens.push((token, p));
        }
        Ok(Some(tokens).filter(|tokens| !tokens.is_empty()))
    }

    /// The likeliest token that begins with `prefix`, its id and its probability among those.
    fn likeliest(&self, session: &CompletionSession, prefix: &str) -> Option<(String, u32, f32)> {
        let CachedPrediction { answer, prediction } = session.known.as_ref()?;
        let document = &session.document;
        if !prefix.is_empty() {
            let exactly = Options::default().exact();
            let best = |fitting| self.best(document, answer, prediction, fitting, 1);
            let gap = InsertionSite {
                prefix,
                right: "",
                only_names: self.needs_a_name(document),
            };
            let mut items = (self.offers).rank(document, prediction, &gap, &exactly, best);
            let first = items.pop()?;
            let id = self.vocabulary.id(&first.token);
            return Some((first.token, id, first.probability));
        }
        let known = |&candidate: &usize| candidate != UNK as usize;
        let all = (0..prediction.probabilities.len()).filter(known).collect();
        let (candidate, p) = self.best(document, answer, prediction, all, 1).pop()?;
        let (token, id) = self.token_of(prediction, document, candidate)?;
        Some((token.to_owned(), id, p))
    }

    /// The tokens of the last lines of the first `read`, as they are spelled.
    fn spelled(&self, session: &CompletionSession, read: usize) -> Vec<String> {
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

/// How many of the tokens go with the brackets that stand behind the cursor, and how many bytes of these they replace: all or
/// none. Where some stand there, what is kept closes what it opens, and does not end in the middle of an expression.
fn fitted(tokens: &[String], closing: &str) -> (usize, usize) {
    if closing.is_empty() {
        return (tokens.len(), 0);
    }
    let (mut depth, mut closed) = (0usize, 0);
    // Where the tokens could end, with nothing of the closing brackets replaced, or with all.
    let (mut inside, mut behind) = (0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match &**token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth > 0 => depth -= 1,
            ")" | "]" | "}" => {
                if !closing[closed..].starts_with(&**token) {
                    break;
                }
                closed += 1;
            }
            _ => {}
        }
        let is_whole = depth == 0 && ends_operand(token);
        if is_whole && closed == 0 {
            inside = at + 1;
        } else if closed == closing.len() && depth == 0 && (is_whole || token == ":") {
            behind = at + 1;
        }
    }
    if behind > 0 {
        (behind, closing.len())
    } else {
        (inside, 0)
    }
}

/// Whether an expression may end with a token.
fn ends_operand(token: &str) -> bool {
    let kind = python::surface_kind(token);
    let is_constant = matches!(token, "None" | "True" | "False");
    let closes = matches!(token, ")" | "]" | "}" | "...");
    matches!(kind, Kind::Name | Kind::Number | Kind::String) || is_constant || closes
}

/// The tokens' text behind those of `above`, in place of `prefix` and after the text `before`.
fn written(above: &[String], tokens: &[String], prefix: &str, before: &str) -> Option<String> {
    if tokens.is_empty() {
        return None;
    }
    let above: Vec<&str> = above.iter().map(String::as_str).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let whole = python::print(&[&above[..], &tokens].concat());
    let shorter = python::print(&above);
    if whole.starts_with(&shorter) {
        return cut(&whole, &shorter, prefix, before);
    }
    // How a bracket's inside is spaced may hang on what comes next: the last token alone counts.
    let last = &above[above.len().saturating_sub(1)..];
    let whole = python::print(&[last, &tokens].concat());
    cut(&whole, &python::print(last), prefix, before)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of a line behind `(`, and how many closing brackets it replaces.
    fn check(tokens: &str, closing: &str) -> (String, usize) {
        let tokens: Vec<String> = tokens.split(' ').map(str::to_owned).collect();
        let (kept, closed) = fitted(&tokens, closing);
        (tokens[..kept].join(" "), closed)
    }

    #[test]
    fn brackets_behind_the_cursor_stand_once_and_match() {
        assert_eq!(check("x , y ) == [", ")"), ("x , y )".to_owned(), 1));
        assert_eq!(check("x , y )", ")"), ("x , y )".to_owned(), 1));
        assert_eq!(check("x , y", ")"), ("x , y".to_owned(), 0));
        assert_eq!(check("f ( x", ")"), ("f".to_owned(), 0));
        assert_eq!(check("f ( x ) ] )", "])"), ("f ( x ) ] )".to_owned(), 2));
        assert_eq!(check("x ] . y", "])"), ("x".to_owned(), 0));
        assert_eq!(check("x ]", ")"), ("x".to_owned(), 0));
        assert_eq!(check("x =", ")"), ("x".to_owned(), 0));
        assert_eq!(check("x ) :", ")"), ("x ) :".to_owned(), 1));
        assert_eq!(check("x + (", ""), ("x + (".to_owned(), 0));
        assert_eq!(check("( x", ")"), (String::new(), 0));
    }

    #[test]
    fn only_closing_brackets_may_stand_behind() {
        assert_eq!(closing_behind("f(x)) \n y", 3), Some("))"));
        assert_eq!(closing_behind("f(x", 3), Some(""));
        assert_eq!(closing_behind("f(x):", 3), None);
    }
}
