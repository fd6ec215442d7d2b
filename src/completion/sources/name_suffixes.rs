//! New names built from suffixes of known names: `get_us` can become `get_user_name` if the buffer has `set_user_name`.

use rustc_hash::FxHashMap;

use crate::completion::fuzzy::begins;
use crate::context::{BufferTokens, BufferWord, Position};
use crate::tokenizer::TokenId;

/// The minimum number of bytes that a suffix adds to its typed part.
const MIN_ADDED: usize = 2;
/// The precision of the first, second, … new name, measured on names new to their files: docs/answers.md.
pub const SUFFIX_PRECISION: [f32; 5] = [0.12, 0.05, 0.04, 0.03, 0.03];

/// The suffixes of the vocabulary's names.
#[derive(Debug, Default)]
pub struct NameSuffixes {
    /// Sorted, each with the lowest id of a name that has it. Ids are in order of frequency.
    suffixes: Vec<(Box<str>, TokenId)>,
}

/// A typed prefix of several parts.
struct TypedParts<'a> {
    /// The complete parts.
    head: &'a str,
    /// The letters of the last part.
    rest: &'a str,
}

impl<'a> TypedParts<'a> {
    /// `None` if there is only one part, or the last one has no letters yet.
    fn new(typed: &'a str) -> Option<Self> {
        if typed.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None; // a number
        }
        let (head, rest) = typed.split_at(parts(typed).last()?);
        (head.contains(char::is_alphabetic)).then_some(Self { head, rest })
    }
}

impl NameSuffixes {
    /// Collects the suffixes of names, given in order of frequency.
    pub fn new<'a>(names: impl Iterator<Item = (TokenId, &'a str)>) -> Self {
        let mut lowest: FxHashMap<&str, TokenId> = FxHashMap::default();
        for (id, name) in names {
            for suffix in suffixes(name) {
                lowest.entry(suffix).or_insert(id);
            }
        }
        let mut suffixes: Vec<(Box<str>, TokenId)> = lowest
            .into_iter()
            .map(|(suffix, id)| (suffix.into(), id))
            .collect();
        suffixes.sort_unstable();
        Self { suffixes }
    }

    /// Names that `typed` may become, best first: with suffixes of the buffer's names (most recent first), then of the
    /// vocabulary's (most frequent first). `name` returns the spelling of a vocabulary entry if it is a name.
    pub fn names<'a>(
        &self,
        buffer: &'a BufferTokens,
        typed: &str,
        name: impl Fn(TokenId) -> Option<&'a str>,
        most: usize,
    ) -> Vec<String> {
        let Some(TypedParts { head, rest }) = TypedParts::new(typed) else {
            return Vec::new();
        };
        let fits =
            |suffix: &&str| suffix.len() >= rest.len() + MIN_ADDED && suffix.starts_with(rest);
        let lexemes = buffer.lexemes().iter().enumerate();
        let present = lexemes.filter(|(_, lexeme)| lexeme.is_name && lexeme.count > 0);
        let spelled = present.filter_map(|(word, lexeme)| match lexeme.id {
            TokenId::UNK => Some((BufferWord::at(word), &*lexeme.text)),
            id => Some((BufferWord::at(word), name(id)?)),
        });
        let mut here: Vec<(Position, &str)> = spelled
            .flat_map(|(word, name)| {
                suffixes(name)
                    .filter(fits)
                    .map(move |suffix| (word, suffix))
            })
            .filter_map(|(word, suffix)| Some((buffer.last_position(word)?, suffix)))
            .collect();
        here.sort_unstable_by(|a, b| b.cmp(a));
        let first = self
            .suffixes
            .partition_point(|(suffix, _)| **suffix < *rest);
        let known = self.suffixes[first..]
            .iter()
            .take_while(|(suffix, _)| suffix.starts_with(rest));
        let mut known: Vec<(TokenId, &str)> = known
            .map(|(suffix, id)| (*id, &**suffix))
            .filter(|(_, suffix)| fits(suffix))
            .collect();
        known.sort_unstable();
        let here = here.iter().map(|&(_, suffix)| suffix);
        let all = here.chain(known.iter().map(|&(_, suffix)| suffix));
        let mut names: Vec<String> = Vec::new();
        for suffix in all {
            if names.len() == most {
                break;
            }
            let name = format!("{head}{suffix}");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// The byte offsets of a name's parts, except the first.
fn parts(name: &str) -> impl Iterator<Item = usize> {
    let mut letters = name.char_indices();
    let mut before = letters.next().map(|(_, letter)| letter);
    letters.filter_map(move |(at, letter)| {
        let pair = [before.replace(letter)?, letter];
        (letter != '_' && begins(&pair, 1)).then_some(at)
    })
}

/// A name, followed by its suffixes that start at a word part.
fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(0).chain(parts(name)).map(|at| &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_on_with_the_end_of_another() {
        let known = ["name", "get_size", "sizes", "fileName"];
        let known_suffixes = NameSuffixes::new((2..).map(TokenId::new).zip(known));
        let mut document = BufferTokens::new();
        for (id, text) in [
            (TokenId::UNK, "set_user_name"),
            (TokenId::new(3), ""),
            (TokenId::UNK, "userName"),
        ] {
            document.push(id, text, true, None);
        }
        let check = |typed: &str| {
            let name = |id: TokenId| known.get(id.index() - 2).copied();
            known_suffixes.names(&document, typed, name, 3).join(" ")
        };
        assert_eq!(check("del_us"), "del_userName del_user_name");
        assert_eq!(check("del_n"), "del_name");
        assert_eq!(check("my_s"), "my_size my_set_user_name my_sizes");
        assert_eq!(check("myN"), "myName");
        for typed in [
            "",
            "del",
            "del_",
            "_x",
            "del_x",
            "del_nam",
            "\u{e9}_\u{e9}",
            "0x_n",
            "1e_n",
        ] {
            assert_eq!(check(typed), "", "{typed}");
        }
    }
}
