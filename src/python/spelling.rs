//! py150 spellings of tokens, and their meaning.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;
use serde::Deserialize;

use super::{Kind, Token, lex, word};

/// The token that starts a file.
pub const START: &str = "<s>";
/// The token that ends a file.
pub const END: &str = "</s>";
/// The spelling of [`Kind::Eol`].
pub const EOL: &str = "<EOL>";

const STRING: &str = "<STR_LIT";
const NUMBER: &str = "<NUM_LIT";

/// The format's spelling of a space inside a literal.
const SPACE: &str = "U+0020";
const COMMA: &str = "U+002C";

/// The frequent string contents and numbers that are kept: `CodeXGLUE`'s own lists.
#[derive(Deserialize)]
struct Literals {
    #[serde(rename = "str")]
    strings: HashSet<String, FxBuildHasher>,
    #[serde(rename = "num")]
    numbers: HashSet<String, FxBuildHasher>,
}

static LITERALS: LazyLock<Literals> = LazyLock::new(|| {
    serde_json::from_str(include_str!("literals.json"))
        .expect("embedded at compile time, and read by a test")
});

/// Maximum length of a frequent string or number in the format's spelling (a test checks it against the lists).
pub(super) const LONGEST_LITERAL: usize = 16;

/// The py150 spellings of a text's tokens.
pub fn surfaces(text: &str) -> Vec<String> {
    surfaces_from(text, 0, usize::MAX)
}

/// The py150 spellings of at most `most` tokens that start at or after a byte offset.
pub fn surfaces_from(text: &str, offset: usize, most: usize) -> Vec<String> {
    let mut tokens = lex(text);
    tokens.drain(..tokens.partition_point(|token| (token.start as usize) < offset));
    let tokens = tokens.into_iter().take(most);
    tokens.map(|token| spelling(text, token)).collect()
}

/// The py150 spelling of a token of `text`.
pub fn spelling(text: &str, token: Token) -> String {
    let mut out = String::new();
    surface(text, token, &mut out);
    out
}

/// Writes the py150 spelling of a token of `text` to `out`, replacing its contents.
pub fn surface(text: &str, token: Token, out: &mut String) {
    out.clear();
    let own = token.text(text);
    match token.kind {
        Kind::Name | Kind::Keyword | Kind::Operator => out.push_str(own),
        Kind::Eol => out.push_str(EOL),
        Kind::Number => {
            let kept = own.len() <= LONGEST_LITERAL && LITERALS.numbers.contains(own);
            literal(out, NUMBER, kept.then_some(own));
        }
        Kind::String => {
            let quoted = Quoted::of(own);
            let mut buffer = [0; LONGEST_LITERAL];
            let content = spelled(quoted.content, &mut buffer)
                .filter(|content| LITERALS.strings.contains(*content));
            out.push_str(quoted.prefix);
            out.push_str(quoted.quotes);
            literal(out, STRING, content);
            out.push_str(quoted.quotes);
        }
    }
}

/// Appends `<STR_LIT>` or `<STR_LIT:content>`, and likewise for numbers.
fn literal(out: &mut String, name: &str, content: Option<&str>) {
    out.push_str(name);
    if let Some(content) = content {
        out.push(':');
        out.push_str(content);
    }
    out.push('>');
}

/// The parts of a string literal; an unterminated one is treated as terminated.
struct Quoted<'t> {
    prefix: &'t str,
    quotes: &'t str,
    content: &'t str,
}

impl<'t> Quoted<'t> {
    fn of(literal: &'t str) -> Self {
        let open = literal
            .bytes()
            .position(|byte| matches!(byte, b'"' | b'\''))
            .unwrap_or(literal.len());
        let (prefix, rest) = literal.split_at(open);
        let triple = rest.starts_with("\"\"\"") || rest.starts_with("'''");
        let (quotes, rest) = rest.split_at(if triple { 3 } else { rest.len().min(1) });
        Self {
            prefix,
            quotes,
            content: rest.strip_suffix(quotes).unwrap_or(rest),
        }
    }
}

/// A string's content in the format's spelling; None if it is longer than any frequent string or not ASCII (no frequent
/// one is). The format has no white space inside tokens, so a run of it is collapsed to one space first.
fn spelled<'b>(content: &str, buffer: &'b mut [u8; LONGEST_LITERAL]) -> Option<&'b str> {
    let mut length = 0;
    let mut in_space = false;
    for character in content.chars() {
        // Python's `str.split` also splits at the ASCII separators, which Rust does not treat as white space.
        let space = character.is_whitespace() || matches!(character, '\x1c'..='\x1f');
        let mut byte = [0];
        let spelling = match character {
            _ if space && in_space => continue,
            _ if space => SPACE.as_bytes(),
            ',' => COMMA.as_bytes(),
            _ if character.is_ascii() => {
                byte[0] = character as u8;
                &byte
            }
            _ => return None,
        };
        in_space = space;
        buffer
            .get_mut(length..length + spelling.len())?
            .copy_from_slice(spelling);
        length += spelling.len();
    }
    std::str::from_utf8(&buffer[..length]).ok()
}

/// The kind of a py150 token by its spelling. Undefined for the special tokens `<s>`, `</s>`, `<PAD>` and `<UNK>`.
pub fn surface_kind(surface: &str) -> Kind {
    if surface == EOL {
        Kind::Eol
    } else if surface.starts_with(NUMBER) {
        Kind::Number
    } else if string_parts(surface).is_some() {
        Kind::String
    } else if word::is_keyword(surface) {
        Kind::Keyword
    } else if surface.starts_with(word::is_word) {
        Kind::Name
    } else {
        Kind::Operator
    }
}

/// Whether a py150 token is a name and not a keyword.
pub fn is_name(surface: &str) -> bool {
    !surface.starts_with('<') && surface_kind(surface) == Kind::Name
}

/// The text to insert for a py150 token: `"<STR_LIT>"` gives its quotes, a kept literal gives the literal; None for
/// `<NUM_LIT>`, `<EOL>` and the other special tokens.
pub fn insertable(surface: &str) -> Option<Cow<'_, str>> {
    if let Some((before, content, after)) = string_parts(surface) {
        let content = content.replace(SPACE, " ").replace(COMMA, ",");
        return (!after.is_empty()).then(|| Cow::Owned(format!("{before}{content}{after}")));
    }
    let Some(inner) = surface
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
    else {
        return (!surface.is_empty()).then_some(Cow::Borrowed(surface));
    };
    inner.strip_prefix("NUM_LIT:").map(Cow::Borrowed)
}

/// The text before a string's `<STR_LIT:content>`, the content, and the closing quotes; `None` for other tokens.
fn string_parts(surface: &str) -> Option<(&str, &str, &str)> {
    let start = surface.find(STRING)?;
    let (before, rest) = (&surface[..start], &surface[start + STRING.len()..]);
    let (content, after) = rest.rsplit_once('>')?;
    Some((before, content.strip_prefix(':').unwrap_or(content), after))
}
