//! How a new name may go on: with the end of one that is known. Behind `get_us` that of `set_user_name` may stand.

use rustc_hash::FxHashMap;

use super::fuzzy::begins;
use crate::context::{BufferTokens, BufferWord, Position, TokenId};

/// Letters, at least, that an end adds to what is typed of it.
const ADDED: usize = 2;
/// How often the first, the second … of such names is the right one: measured on names new to their files, docs/answers.md.
pub(super) const RIGHT: [f32; 5] = [0.12, 0.05, 0.04, 0.03, 0.03];

/// The ends of the vocabulary's names.
#[derive(Debug, Default)]
pub(super) struct NameSuffixes {
    /// Sorted, each with the lowest id of a name that ends so: the lower, the more frequent.
    ends: Vec<(Box<str>, u32)>,
}

/// What is typed of a name: parts that are whole, and the letters of the next one.
struct Begun<'a> {
    head: &'a str,
    rest: &'a str,
}

impl<'a> Begun<'a> {
    /// `None` where it has but one part, or the next one has no letters yet.
    fn new(typed: &'a str) -> Option<Self> {
        if typed.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None; // a number
        }
        let (head, rest) = typed.split_at(parts(typed).last()?);
        (head.contains(char::is_alphabetic)).then_some(Self { head, rest })
    }
}

impl NameSuffixes {
    /// Of names in the order of their frequency.
    pub(super) fn new<'a>(names: impl Iterator<Item = (u32, &'a str)>) -> Self {
        let mut lowest: FxHashMap<&str, u32> = FxHashMap::default();
        for (id, name) in names {
            for end in ends(name) {
                lowest.entry(end).or_insert(id);
            }
        }
        let mut ends: Vec<(Box<str>, u32)> = lowest
            .into_iter()
            .map(|(end, id)| (end.into(), id))
            .collect();
        ends.sort_unstable();
        Self { ends }
    }

    /// Names that `typed` may become, the likeliest first: by ends of the document's names, what stood last first, then by the
    /// vocabulary's, the most frequent first. `name` spells a vocabulary entry that is one.
    pub(super) fn names<'a>(
        &self,
        document: &'a BufferTokens,
        typed: &str,
        name: impl Fn(u32) -> Option<&'a str>,
        most: usize,
    ) -> Vec<String> {
        let Some(Begun { head, rest }) = Begun::new(typed) else {
            return Vec::new();
        };
        let fits = |end: &&str| end.len() >= rest.len() + ADDED && end.starts_with(rest);
        let lexemes = document.lexemes().iter().enumerate();
        let stands = lexemes.filter(|(_, lexeme)| lexeme.is_name && lexeme.count > 0);
        let spelled = stands.filter_map(|(word, lexeme)| match lexeme.id {
            TokenId::UNK => Some((BufferWord::at(word), &*lexeme.text)),
            id => Some((BufferWord::at(word), name(id.get())?)),
        });
        let mut here: Vec<(Position, &str)> = spelled
            .flat_map(|(word, name)| ends(name).filter(fits).map(move |end| (word, end)))
            .filter_map(|(word, end)| Some((document.last_position(word)?, end)))
            .collect();
        here.sort_unstable_by(|a, b| b.cmp(a));
        let first = self.ends.partition_point(|(end, _)| **end < *rest);
        let known = self.ends[first..]
            .iter()
            .take_while(|(end, _)| end.starts_with(rest));
        let mut known: Vec<(u32, &str)> = known
            .map(|(end, id)| (*id, &**end))
            .filter(|(_, end)| fits(end))
            .collect();
        known.sort_unstable();
        let here = here.iter().map(|&(_, end)| end);
        let all = here.chain(known.iter().map(|&(_, end)| end));
        let mut names: Vec<String> = Vec::new();
        for end in all {
            if names.len() == most {
                break;
            }
            let name = format!("{head}{end}");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Where the parts of a name begin, but for its first.
fn parts(name: &str) -> impl Iterator<Item = usize> {
    let mut letters = name.char_indices();
    let mut before = letters.next().map(|(_, letter)| letter);
    letters.filter_map(move |(at, letter)| {
        let pair = [before.replace(letter)?, letter];
        (letter != '_' && begins(&pair, 1)).then_some(at)
    })
}

/// A name, and its ends that begin where a part does.
fn ends(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(0).chain(parts(name)).map(|at| &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_on_with_the_end_of_another() {
        let known = ["name", "get_size", "sizes", "fileName"];
        let tails = NameSuffixes::new((2..).zip(known));
        let mut document = BufferTokens::new();
        for (id, text) in [
            (TokenId::UNK, "set_user_name"),
            (TokenId::new(3), ""),
            (TokenId::UNK, "userName"),
        ] {
            document.push(id, text, true, None);
        }
        let check = |typed: &str| {
            let name = |id: u32| known.get(id as usize - 2).copied();
            tails.names(&document, typed, name, 3).join(" ")
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
