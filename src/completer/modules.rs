//! Where the name of a module is imported: what can be imported, whoever knows it, and hardly anything else.

use super::Candidate;
use crate::python::Kind;

/// Candidates, at least, among which those are looked for that can be imported.
pub(super) const LOOKED_AT: usize = 40;
/// What all modules have together that nobody else knows, where others fit too.
const UNKNOWN: f32 = 0.02;
/// What is left to a name that is not found in the environment: it may be installed in a way that is not seen.
const ELSEWHERE: f32 = 0.01;

/// The modules that can be imported, sorted.
#[derive(Clone, Copy)]
pub(super) struct Modules<'a>(pub(super) &'a [Box<str>]);

impl<'a> Modules<'a> {
    /// Those that begin with `prefix`; none where nothing is typed yet.
    pub(super) fn beginning_with(self, prefix: &str) -> &'a [Box<str>] {
        if prefix.is_empty() {
            return &[];
        }
        let first = self.0.partition_point(|name| **name < *prefix);
        let count = self.0[first..].partition_point(|name| name.starts_with(prefix));
        &self.0[first..first + count]
    }

    /// Makes room in a list for modules that begin with `prefix`; the likeliest `most` are left.
    pub(super) fn join(self, items: &mut Vec<Candidate>, prefix: &str, most: usize) {
        let has = |name: &str| {
            let found = self.0.binary_search_by(|module| (**module).cmp(name));
            found.is_ok()
        };
        let before = total(items);
        for item in items.iter_mut().filter(|item| item.kind == Kind::Name) {
            if !has(&item.text) {
                item.probability *= ELSEWHERE;
            }
        }
        let new: Vec<&str> = (self.beginning_with(prefix).iter())
            .map(|name| &**name)
            .filter(|name| !items.iter().any(|item| item.text == *name))
            .collect();
        let whole = if items.is_empty() { 1.0 } else { before };
        let probability = whole * UNKNOWN / new.len() as f32;
        items.extend(new.into_iter().map(|name| Candidate {
            text: name.to_owned(),
            token: name.to_owned(),
            kind: Kind::Name,
            probability,
        }));
        let scale = whole / total(items);
        items.iter_mut().for_each(|item| item.probability *= scale);
        items.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        items.truncate(most);
    }
}

fn total(items: &[Candidate]) -> f32 {
    items.iter().map(|item| item.probability).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_imported_comes_first() {
        let item = |name: &str, probability| Candidate {
            text: name.to_owned(),
            token: name.to_owned(),
            kind: if name == "." {
                Kind::Operator
            } else {
                Kind::Name
            },
            probability,
        };
        let all = ["numbers", "numpy", "os"].map(Box::from);
        let joined = |items: &[(&str, f32)], prefix: &str| {
            let mut items: Vec<_> = items.iter().map(|&(name, p)| item(name, p)).collect();
            Modules(&all).join(&mut items, prefix, 3);
            let shown = items
                .iter()
                .map(|i| format!("{} {:.3}", i.text, i.probability));
            shown.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(joined(&[], ""), "");
        assert_eq!(joined(&[], "nu"), "numbers 0.500, numpy 0.500");
        assert_eq!(
            joined(&[("number", 0.8), ("numpy", 0.1)], "nu"),
            "numpy 0.714, numbers 0.129, number 0.057"
        );
        assert_eq!(
            joined(&[("self", 0.5), (".", 0.3), ("os", 0.1)], ""),
            ". 0.667, os 0.222, self 0.011"
        );
        assert_eq!(joined(&[("x", 0.5)], ""), "x 0.500");
        assert_eq!(joined(&[("o", 0.9)], "o"), "os 0.600, o 0.300");
    }
}
