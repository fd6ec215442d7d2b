//! Fuzzy matching: tests whether a name matches an abbreviation, ignoring case. `gAT` matches `getAllTokens`, and `_cfg`
//! matches `_base_cfg`.

/// Minimum number of letters: shorter patterns match almost any name.
const MIN_LETTERS: usize = 2;
/// Maximum number of letters.
const MAX_LETTERS: usize = 32;

/// A typed abbreviation, prepared for matching many names.
pub(super) struct FuzzyPattern {
    typed: Vec<char>,
}

impl FuzzyPattern {
    /// `None` if `typed` is too short or too long for an abbreviation.
    pub(super) fn new(typed: &str) -> Option<Self> {
        let typed: Vec<char> = typed.chars().take(MAX_LETTERS + 1).collect();
        (MIN_LETTERS..=MAX_LETTERS)
            .contains(&typed.len())
            .then_some(Self { typed })
    }

    /// Whether the pattern's letters occur in `name` in order, each directly after the previous one or at the start of a
    /// word part. Ignores case.
    pub(super) fn fits(&self, name: &str) -> bool {
        // Cheap check: most names lack one of the letters.
        let mut letters = name.chars();
        if !self
            .typed
            .iter()
            .all(|&letter| letters.any(|other| same(letter, other)))
        {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        // reached[k]: the letters matched so far can end at letter k of `name`.
        let mut reached = vec![false; name.len()];
        for (count, &letter) in self.typed.iter().enumerate() {
            let mut is_behind = false; // an earlier letter can end the match so far
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

/// Whether a word part starts at letter `at`.
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
