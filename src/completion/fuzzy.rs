//! Does a name fit what is typed if case is ignored, and parts of words may be left out: `gAT` and `getAllTokens`, `_cfg`
//! and `_base_cfg`?

/// Letters, at least, that are matched so: fewer fit almost anything.
const LEAST: usize = 2;
/// And at most.
const MOST: usize = 32;

/// What is typed, to be held against many names.
pub(super) struct FuzzyPattern {
    typed: Vec<char>,
}

impl FuzzyPattern {
    /// `None` if there is too little or too much of it to be short for anything.
    pub(super) fn new(typed: &str) -> Option<Self> {
        let typed: Vec<char> = typed.chars().take(MOST + 1).collect();
        (LEAST..=MOST)
            .contains(&typed.len())
            .then_some(Self { typed })
    }

    /// Whether its letters stand in `name` in their order, each behind the one before it or where a part of a word begins; of
    /// any case.
    pub(super) fn fits(&self, name: &str) -> bool {
        // Most names lack one of the letters.
        let mut letters = name.chars();
        if !self
            .typed
            .iter()
            .all(|&letter| letters.any(|other| same(letter, other)))
        {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        // reached[k]: the letters so far can end at letter k of `name`.
        let mut reached = vec![false; name.len()];
        for (count, &letter) in self.typed.iter().enumerate() {
            let mut is_behind = false; // one of the letters before has been reached
            let mut before = false;
            for at in 0..name.len() {
                let starts = begins(&name, at);
                let is_from = if count == 0 {
                    starts
                } else {
                    before || is_behind && starts
                };
                before = reached[at];
                is_behind |= before;
                reached[at] = is_from && same(letter, name[at]);
            }
        }
        reached.contains(&true)
    }
}

fn same(a: char, b: char) -> bool {
    a.eq_ignore_ascii_case(&b) || !a.is_ascii() && a.to_lowercase().eq(b.to_lowercase())
}

/// Whether a part of a word begins at a letter.
pub(super) fn begins(name: &[char], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|before| name.get(before)) else {
        return true;
    };
    let here = name[at];
    before == '_' && here != '_'
        || before != '_' && here == '_'
        || before.is_lowercase() && here.is_uppercase()
        || before.is_alphabetic() && here.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(typed: &str, name: &str) -> bool {
        FuzzyPattern::new(typed).is_some_and(|short| short.fits(name))
    }

    #[test]
    fn parts_of_words_may_be_left_out() {
        for (typed, name) in [
            ("gAT", "getAllTokens"),
            ("gat", "getAllTokens"),
            ("_cfg", "base_cfg"),
            ("cfg", "base_cfg"),
            ("GetT", "get_tokens"),
            ("bc", "base_cfg"),
            ("http2", "HTTPServer2"),
        ] {
            assert!(fits(typed, name), "{typed} {name}");
        }
        for (typed, name) in [
            ("g", "get"),
            ("tok", "a_stoken"),
            ("gta", "getAllTokens"),
            ("getx", "get_"),
            ("ae", "base_cfg"),
        ] {
            assert!(!fits(typed, name), "{typed} {name}");
        }
    }
}
