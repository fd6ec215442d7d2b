//! Inline completion: the rest of the line, by greedy decoding. The most probable token is appended until the probability of
//! the whole sequence falls below a minimum.

use std::ops::Range;

use super::completer::Completer;
use super::context::CompletionContext;
use super::options::Options;
use super::rank::InsertionSite;
use super::session::CompletionSession;
use super::speculation::Speculation;
use crate::context::{CandidateId, Position};
use crate::inference::{EngineError, TruncatedContext};
use crate::python::{self, CursorIn, EOL, Kind};
use crate::tokenizer::TokenId;

/// The maximum number of tokens.
const MAX_TOKENS: usize = 32;
/// Number of preceding lines printed along with the tokens, to get the spacing inside open brackets right.
const CONTEXT_LINES: usize = 40;

/// An inline completion, possibly cut short of the line end.
#[derive(Clone, Debug, PartialEq)]
pub struct InlineCompletion {
    /// The byte range it replaces: the typed prefix, and closing brackets that the editor inserted after the cursor.
    pub replace: Range<usize>,
    /// The inserted text, formatted as Black would.
    pub text: String,
    /// The probability that all of its tokens are right.
    pub probability: f32,
}

impl Completer {
    /// Completes the rest of the line at byte `cursor`, cut where its probability would fall below `min_probability`; 0
    /// never cuts. `stop` is called between tokens; if it returns true, the result is `None`.
    pub fn line(
        &self,
        session: &mut CompletionSession,
        text: &str,
        cursor: usize,
        min_probability: f32,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<InlineCompletion>, EngineError> {
        let context = CompletionContext::new(session, &self.lexicon, text, cursor);
        let Some(closing) = closing_after(context.after()) else {
            return Ok(None);
        };
        let before = context.before();
        let continues_line = before.trim_end_matches([' ', '\t']).ends_with('\\');
        if context.place != CursorIn::Code || continues_line {
            return Ok(None);
        }
        // A completion list may be waiting for the session, so leave a long unread text to read-ahead.
        if TruncatedContext::is_wanted(None, session.states.unread(&self.engine, &session.ids))
            || !session.states.read(&self.engine, &session.ids, stop)?
        {
            return Ok(None);
        }
        self.ensure_prediction(session)?;
        let prefix = context.typed();
        let decoded = self.greedy_decode(Speculation::new(session), prefix, min_probability, stop);
        self.ensure_prediction(session)?;
        let Some(decoded) = decoded? else {
            return Ok(None);
        };
        let above = self.last_lines(session);
        let (tokens, probabilities): (Vec<String>, Vec<f32>) = decoded.into_iter().unzip();
        let (kept, closed) = fit_closing_brackets(&tokens, closing);
        let rendered = render(&above, &tokens[..kept], prefix, before);
        Ok(rendered.map(|text| InlineCompletion {
            replace: context.prefix.start..context.prefix.end + closed,
            text,
            probability: probabilities[..kept].iter().product(),
        }))
    }

    /// Greedily decodes a continuation of the session's tokens that starts with `prefix`. Returns each token and its
    /// probability.
    fn greedy_decode(
        &self,
        mut session: Speculation<'_>,
        prefix: &str,
        min_probability: f32,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<(String, f32)>>, EngineError> {
        let mut tokens = Vec::new();
        let mut probability = 1.0;
        while tokens.len() < MAX_TOKENS {
            if stop() {
                return Ok(None);
            }
            self.ensure_prediction(&mut session)?;
            let typed = if tokens.is_empty() { prefix } else { "" };
            let Some((token, id, p)) = self.most_probable(&session, typed) else {
                break;
            };
            if token == EOL || probability * p < min_probability || !can_be_written(&token) {
                break;
            }
            probability *= p;
            // Every out-of-vocabulary candidate is a name.
            let is_name = id == TokenId::UNK || self.lexicon.is_name(id, &token);
            session.push(id, &token, is_name);
            tokens.push((token, p));
        }
        Ok(Some(tokens).filter(|tokens| !tokens.is_empty()))
    }

    /// The most probable token that starts with `prefix`, its id, and its probability among all tokens that do.
    fn most_probable(
        &self,
        session: &CompletionSession,
        prefix: &str,
    ) -> Option<(String, TokenId, f32)> {
        let cached = session.prediction.as_ref()?;
        let prediction = &cached.prediction;
        let space = prediction.space(&session.buffer);
        if !prefix.is_empty() {
            let exact = Options::default().exact();
            let best = |fitting| self.best(&space, cached, fitting, 1);
            let site = InsertionSite { prefix, suffix: "" };
            let mut items = self.table.rank(&space, prediction, site, &exact, best);
            let first = items.pop()?;
            let id = self.vocabulary().id(&first.token);
            return Some((first.token, id, first.probability));
        }
        let unknown = CandidateId::from(TokenId::UNK);
        let all = prediction.candidates();
        let spelled = all.filter(|&candidate| candidate != unknown).collect();
        let (candidate, p) = self.best(&space, cached, spelled, 1).pop()?;
        let (token, id) = self.lexicon.token_of(&space, candidate)?;
        Some((token.to_owned(), id, p))
    }

    /// The spellings of the session's last [`CONTEXT_LINES`] lines of tokens.
    fn last_lines(&self, session: &CompletionSession) -> Vec<String> {
        let buffer = &session.buffer;
        let spelled = session.ids.iter().enumerate().rev().map(|(at, &id)| {
            let text = self.vocabulary().token(id).filter(|_| id != TokenId::UNK);
            let word = buffer.word_at(Position::at(at));
            text.unwrap_or(&buffer.lexeme(word).text).to_owned()
        });
        let mut lines = 0;
        let mut above: Vec<String> = spelled
            .take_while(|token| {
                lines += usize::from(token == EOL);
                lines < CONTEXT_LINES && token != python::START
            })
            .collect();
        above.reverse();
        above
    }
}

/// Whether the token's text is real, unlike that of an anonymized literal.
fn can_be_written(token: &str) -> bool {
    python::insertable(token).is_some() && !token.contains("<STR_LIT>")
}

/// The closing brackets after the cursor if nothing else is on its line: editors insert them with the opening ones.
fn closing_after(after: &str) -> Option<&str> {
    let rest = after.split(['\r', '\n']).next();
    let rest = rest.unwrap_or_default().trim_end();
    rest.chars().all(|c| ")]}".contains(c)).then_some(rest)
}

/// Cuts tokens so that they fit the closing brackets after the cursor. Returns the number of tokens kept and the number of
/// bracket bytes they replace: all or none. If there are any brackets, the kept tokens are balanced and do not end inside an
/// expression.
fn fit_closing_brackets(tokens: &[String], closing: &str) -> (usize, usize) {
    if closing.is_empty() {
        return (tokens.len(), 0);
    }
    let (mut depth, mut closed) = (0usize, 0);
    // Possible ends if none of the closing brackets is replaced, and if all are.
    let (mut inside, mut after) = (0, 0);
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
            after = at + 1;
        }
    }
    if after > 0 {
        (after, closing.len())
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

/// The text of `tokens`, which follow the lines `above`. It replaces `prefix` and goes after the text `before`.
fn render(above: &[String], tokens: &[String], prefix: &str, before: &str) -> Option<String> {
    if tokens.is_empty() {
        return None;
    }
    let above: Vec<&str> = above.iter().map(String::as_str).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let whole = python::print(&[&above[..], &tokens].concat());
    let shorter = python::print(&above);
    if whole.starts_with(&shorter) {
        return strip_context(&whole, &shorter, prefix, before);
    }
    // The spacing inside a bracket may depend on the following tokens, so print the last token alone first.
    let last = &above[above.len().saturating_sub(1)..];
    let whole = python::print(&[last, &tokens].concat());
    strip_context(&whole, &python::print(last), prefix, before)
}

/// `whole` without its start `shorter`, and without a leading space that is already in the text.
fn strip_context(whole: &str, shorter: &str, prefix: &str, before: &str) -> Option<String> {
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

    /// The tokens kept of a line after `(`, and the number of closing brackets they replace.
    fn check(tokens: &str, closing: &str) -> (String, usize) {
        let tokens: Vec<String> = tokens.split(' ').map(str::to_owned).collect();
        let (kept, closed) = fit_closing_brackets(&tokens, closing);
        (tokens[..kept].join(" "), closed)
    }

    #[test]
    fn closing_brackets_after_the_cursor_are_not_repeated() {
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
    fn only_closing_brackets_may_follow() {
        assert_eq!(closing_after(")) \n y"), Some("))"));
        assert_eq!(closing_after(""), Some(""));
        assert_eq!(closing_after("):"), None);
    }
}
