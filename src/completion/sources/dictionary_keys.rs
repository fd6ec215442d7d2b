//! Dictionary keys: string literals in the buffer inside subscripts, after `.get(`, or before a colon.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::completion::candidate::{Candidate, Completions, Origin};
use crate::completion::context::CompletionContext;
use crate::completion::options::Options;
use crate::python::{CursorIn, Kind, Token};

/// The number of tokens before the cursor that are searched.
const MAX_SCAN_TOKENS: usize = 20_000;
/// The maximum length of a key in bytes.
const MAX_KEY_BYTES: usize = 60;
/// The weight of a key of the same dictionary relative to keys of others.
const SAME_DICTIONARY: f32 = 8.0;
/// The weight of a key relative to the next one in the text.
const DECAY: f32 = 0.98;
/// The minimum weight of a key.
const MIN_WEIGHT: f32 = 0.01;

/// The keys that can be inserted at a cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct DictionaryKeys {
    /// The byte range they replace: the content of the literal before the cursor, or empty outside a literal.
    pub typed: Range<usize>,
    /// `'` or `"`: the literal's own quote, or the one used last.
    pub quote: char,
    /// The cursor is inside a literal.
    pub is_open: bool,
    /// Each key without quotes and its probability, most probable first: the sum of its occurrences' weights, divided by the
    /// weights of all occurrences plus the weight of each distinct key once. They sum to less than 1: the rest is for new
    /// keys.
    pub shares: Vec<(String, f32)>,
}

impl DictionaryKeys {
    /// The completion list inside a literal: the keys that start with the content before the cursor and end with the content after it. That end
    /// is not inserted again, and a closing quote is added if it is missing. The probabilities are normalized.
    pub fn completions(&self, text: &str, most: usize) -> Completions {
        let typed = &text[self.typed.clone()];
        let line = text[self.typed.end..].lines().next().unwrap_or_default();
        let (there, end) = match line.split_once(self.quote) {
            Some((there, _)) => (there, String::new()),
            None => ("", self.quote.to_string()),
        };
        let fitting: Vec<(&str, f32)> = self
            .shares
            .iter()
            .filter_map(|(key, share)| {
                let before = key.strip_suffix(there)?;
                (before.starts_with(typed) && before != typed).then_some((before, *share))
            })
            .collect();
        let all: f32 = fitting.iter().map(|(_, share)| share).sum();
        let items = fitting.iter().take(most);
        let items = items.map(|(before, share)| candidate(format!("{before}{end}"), share / all));
        Completions {
            replace: self.typed.clone(),
            word_end: self.typed.end,
            items: items.collect(),
        }
    }

    /// Outside a literal: adds quoted keys to a candidate list and distributes the empty literal's probability among them.
    pub fn merge(self, items: &mut Vec<Candidate>, most: usize) {
        let empty = |item: &Candidate| matches!(&*item.text, "''" | "\"\"");
        let all: f32 = items
            .iter()
            .filter(|item| empty(item))
            .map(|item| item.probability)
            .sum();
        let mut left = 1.0;
        let there = items.len();
        for (key, share) in self.shares {
            let text = format!("{0}{key}{0}", self.quote);
            let known = items[..there].iter_mut().find(|item| item.text == text);
            if let Some(item) = known {
                item.raise(all * share, Origin::DictionaryKey);
            } else if items.len() < there + most {
                items.push(candidate(text, all * share));
            }
            left -= share;
        }
        for item in items.iter_mut().filter(|item| empty(item)) {
            item.probability *= left.max(0.0);
        }
        items.retain(|item| item.probability > 0.0);
        items.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        items.truncate(most);
    }
}

fn candidate(text: String, probability: f32) -> Candidate {
    Candidate {
        token: text.clone(),
        text,
        kind: Kind::String,
        probability,
        origin: Origin::DictionaryKey,
    }
}

/// The dictionary keys that fit at a cursor, from all `tokens` before it; `None` if there are none or `options` disable them.
pub fn at(
    context: &CompletionContext<'_>,
    tokens: &[Token],
    options: &Options,
) -> Option<DictionaryKeys> {
    let is_possible =
        options.dictionary_keys && context.place != CursorIn::Comment && context.typed().is_empty();
    let found = is_possible.then(|| keys(context.text(), tokens, context.prefix.end));
    found.flatten().filter(|keys| !keys.shares.is_empty())
}

/// The dictionary keys for a cursor, from all `tokens` of `text` before it. `None` if no key fits there.
fn keys(text: &str, tokens: &[Token], cursor: usize) -> Option<DictionaryKeys> {
    let spelled = |at: usize| tokens.get(at).map_or("", |token| token.text(text));
    let last = tokens.last()?;
    let begun = (last.kind == Kind::String)
        .then(|| open(last.text(text)))
        .flatten();
    let end = tokens.len() - usize::from(begun.is_some());
    let receiver = receiver_name(text, tokens, end)?;
    let mut quote = begun.map(|(quote, _)| quote);
    let (mut found, mut places) = (Vec::<(&str, f32)>::new(), FxHashMap::default());
    let (mut total, mut distinct, mut weight) = (0.0, 0.0, 1.0);
    let first = tokens.len().saturating_sub(MAX_SCAN_TOKENS);
    for at in (first..end)
        .rev()
        .filter(|&at| tokens[at].kind == Kind::String)
    {
        let Some((own_quote, key)) = closed(spelled(at)) else {
            continue;
        };
        let other = receiver_name(text, tokens, at);
        let is_entry = spelled(at + 1) == ":";
        if other.is_none() && !is_entry {
            continue;
        }
        quote.get_or_insert(own_quote);
        let counts = if other == Some(receiver) {
            SAME_DICTIONARY * weight
        } else {
            weight
        };
        let index = *places.entry(key).or_insert(found.len());
        if index == found.len() {
            found.push((key, 0.0));
            distinct += weight;
        }
        found[index].1 += counts;
        total += counts;
        weight = (weight * DECAY).max(MIN_WEIGHT);
    }
    // Reserves probability for new keys (Witten & Bell 1991).
    let denominator = total + distinct;
    let typed = begun.map_or(cursor..cursor, |(_, length)| cursor - length..cursor);
    let quote = quote.unwrap_or('"');
    let mut shares: Vec<(String, f32)> = found
        .into_iter()
        .filter(|(key, _)| !key.contains(quote))
        .map(|(key, sum)| (key.to_owned(), sum / denominator))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    Some(DictionaryKeys {
        typed,
        quote,
        is_open: begun.is_some(),
        shares,
    })
}

/// The last token of the expression whose key is at token `at`: `b` in `a.b[` and `a.b.get(`, `)` in `f()[`, even across
/// line ends inside the brackets. Keys with the same last token count as keys of the same dictionary.
fn receiver_name<'t>(text: &'t str, tokens: &[Token], at: usize) -> Option<&'t str> {
    let before = tokens[..at].iter().rev();
    let mut before = before.skip_while(|token| token.kind == Kind::Eol);
    let mut back = || before.next().map_or("", |token| token.text(text));
    let name = match (back(), back()) {
        ("[", name) => name,
        ("(", "get" | "pop" | "setdefault") if back() == "." => back(),
        _ => return None,
    };
    let is_value =
        name.ends_with(|c: char| c == '_' || c == ')' || c == ']' || c.is_alphanumeric());
    (is_value && !crate::python::is_keyword(name)).then_some(name)
}

/// The opening quote of a literal without a prefix.
fn quote_of(literal: &str) -> Option<char> {
    let first = literal.chars().next();
    first.filter(|quote| "'\"".contains(*quote))
}

/// The quote and the content of a complete, plain, one-line literal.
fn closed(literal: &str) -> Option<(char, &str)> {
    let quote = quote_of(literal)?;
    let key = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    let is_plain =
        !key.is_empty() && key.len() <= MAX_KEY_BYTES && !key.contains(['\\', '\n', '\r', quote]);
    is_plain.then_some((quote, key))
}

/// The quote of an open literal, and the length of its content in bytes.
fn open(literal: &str) -> Option<(char, usize)> {
    let quote = quote_of(literal)?;
    let begun = &literal[1..];
    (!begun.contains(['\\', quote])).then_some((quote, begun.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python;

    fn check(text: &str) -> String {
        let tokens = python::lex(text);
        let Some(keys) = keys(text, &tokens, text.len()) else {
            return "none".to_owned();
        };
        let shares = keys
            .shares
            .iter()
            .map(|(key, share)| format!(" {key} {share:.2}"));
        format!(
            "{}{}:{}",
            keys.quote,
            &text[keys.typed],
            shares.collect::<String>()
        )
    }

    #[test]
    fn a_key_that_the_model_offers_too_has_the_origin_of_the_larger_part() {
        let of_model = |text: &str, probability| Candidate {
            origin: Origin::Model,
            ..candidate(text.to_owned(), probability)
        };
        let mut items = vec![
            of_model("''", 0.6),
            of_model("'id'", 0.3),
            of_model("'name'", 0.01),
        ];
        let keys = DictionaryKeys {
            typed: 0..0,
            quote: '\'',
            is_open: false,
            shares: [("name", 0.4), ("id", 0.2), ("size", 0.1)]
                .map(|(key, share)| (key.to_owned(), share))
                .into(),
        };
        keys.merge(&mut items, 5);
        let shown = items
            .iter()
            .map(|item| format!("{} {:.2} {:?}", item.text, item.probability, item.origin));
        assert_eq!(
            shown.collect::<Vec<_>>().join(", "),
            "'id' 0.42 Model, 'name' 0.25 DictionaryKey, '' 0.18 Model, 'size' 0.06 DictionaryKey"
        );
    }

    #[test]
    fn keys_are_those_of_the_name_and_of_others() {
        let text = "x = {'a': 1, \"b\": {'c': 2}}\ny['d'] = x.get('e', 'no')\nx['a'] = f('no')\nz = ['no', 'no']\nx[k]\n";
        for (typed, expected) in [
            ("x[", "': a 0.37 e 0.32 d 0.04 c 0.04 b 0.04"),
            ("x['", "': a 0.37 e 0.32 d 0.04 c 0.04 b 0.04"),
            ("x.get(\"n", "\"n: a 0.37 e 0.32 d 0.04 c 0.04 b 0.04"),
            ("y[", "': d 0.45 a 0.11 e 0.06 c 0.05 b 0.05"),
            ("f(", "none"),
            ("z = [", "none"),
            ("return [", "none"),
            ("x['a'", "none"),
            ("x[\n  'a", "'a: a 0.37 e 0.32 d 0.04 c 0.04 b 0.04"),
            ("x\n['a", "none"),
            ("x[f'a", "none"),
            ("x['''a", "none"),
        ] {
            assert_eq!(check(&format!("{text}{typed}")), expected, "{typed}");
        }
        assert_eq!(check("x["), "\":");
        assert_eq!(check("'"), "none");
        assert_eq!(check(""), "none");
    }
}
