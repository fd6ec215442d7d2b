//! py150 spellings of tokens: from a token to its spelling, and what a spelling means.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;
use serde::Deserialize;

use super::{Kind, Token, lex, word};

/// The token before a file's first.
pub const START: &str = "<s>";
/// The token behind a file's last.
pub const END: &str = "</s>";
/// The spelling of [`Kind::Eol`].
pub const EOL: &str = "<EOL>";

const STRING: &str = "<STR_LIT";
const NUMBER: &str = "<NUM_LIT";

/// How the format spells a space and a comma inside a literal.
const SPACE: &str = "U+0020";
const COMMA: &str = "U+002C";

/// The contents of strings and the numbers that are frequent enough to be kept: `CodeXGLUE`'s own lists.
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

/// No frequent string or number is longer, as the format spells it (a test holds it to the lists).
pub(super) const LONGEST_LITERAL: usize = 16;

/// The py150 spellings of a text's tokens.
pub fn surfaces(text: &str) -> Vec<String> {
    surfaces_from(text, 0, usize::MAX)
}

/// The same of those that begin at a byte offset or behind it, `most` of them.
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

/// Writes the py150 spelling of a token of `text` to `out`, which is cleared first.
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

/// `<STR_LIT>` or `<STR_LIT:content>`, and the like.
fn literal(out: &mut String, name: &str, content: Option<&str>) {
    out.push_str(name);
    if let Some(content) = content {
        out.push(':');
        out.push_str(content);
    }
    out.push('>');
}

/// A string literal's parts; what an open one lacks counts as if it were there.
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

/// A string's content as the format spells it, or nothing if that is longer than any frequent one or not ASCII (none is).
/// The format knows no white space inside a token: every run of it is one space before it is spelled.
fn spelled<'b>(content: &str, buffer: &'b mut [u8; LONGEST_LITERAL]) -> Option<&'b str> {
    let mut length = 0;
    let mut in_space = false;
    for character in content.chars() {
        // Python's `str.split` also splits at the ASCII separators, which Rust does not count as white space.
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

/// The class of a py150 token by its spelling. The specials `<s>`, `</s>`, `<PAD>` and `<UNK>` have none; do not ask.
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

/// Whether a py150 token is a name that is not a keyword.
pub fn is_name(surface: &str) -> bool {
    !surface.starts_with('<') && surface_kind(surface) == Kind::Name
}

/// The text that inserting a py150 token means, if it has any: `"<STR_LIT>"` is its pair of quotes, a literal that is
/// kept is that literal; `<NUM_LIT>`, `<EOL>` and the other specials have none.
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

/// What stands before a string's `<STR_LIT:content>`, the content, and the quotes behind it; `None` for other tokens.
fn string_parts(surface: &str) -> Option<(&str, &str, &str)> {
    let start = surface.find(STRING)?;
    let (before, rest) = (&surface[..start], &surface[start + STRING.len()..]);
    let (content, after) = rest.rsplit_once('>')?;
    Some((before, content.strip_prefix(':').unwrap_or(content), after))
}
