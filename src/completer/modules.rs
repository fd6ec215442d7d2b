//! Where the name of a module is imported: what can be imported, whoever knows it, and hardly anything else.

use super::Candidate;
use crate::mixture::Importable;
use crate::python::Kind;

/// Candidates, at least, among which those are looked for that can be imported.
pub(super) const LOOKED_AT: usize = 40;
/// What the project's own modules have together besides, and those that are installed and that nobody else knows, beside all that fits.
const OWN: f32 = 0.1;
const UNKNOWN: f32 = 0.02;
/// What a name counts that is not found in the environment: it may be installed in a way that is not seen.
const ELSEWHERE: f32 = 0.01;

/// The modules that can be imported.
#[derive(Clone, Copy)]
pub(super) struct Modules<'a>(pub(super) &'a Importable);

impl Modules<'_> {
    /// Whether one begins with what is typed.
    pub(super) fn has_some(self, prefix: &str) -> bool {
        let Importable { installed, own } = self.0;
        let mut all = [installed, own].into_iter();
        !prefix.is_empty() && all.any(|names| !beginning_with(names, prefix).is_empty())
    }

    /// Makes room in a list for modules that begin with `prefix`; the likeliest `most` are left.
    pub(super) fn join(self, items: &mut Vec<Candidate>, prefix: &str, most: usize) {
        let Importable { installed, own } = self.0;
        let has = |names: &[Box<str>], name: &str| {
            let found = names.binary_search_by(|module| (**module).cmp(name));
            found.is_ok()
        };
        let whole = if items.is_empty() { 1.0 } else { total(items) };
        for item in items.iter_mut().filter(|item| item.kind == Kind::Name) {
            if !installed.is_empty() && !has(installed, &item.text) && !has(own, &item.text) {
                item.probability *= ELSEWHERE;
            }
        }
        let own = beginning_with(own, prefix);
        for name in own {
            add(items, name, whole * OWN / own.len() as f32);
        }
        // With nothing typed they are too many.
        let installed = if prefix.is_empty() {
            &[]
        } else {
            beginning_with(installed, prefix)
        };
        let known: Vec<&str> = items.iter().map(|item| &*item.text).collect();
        let new: Vec<&str> = (installed.iter().map(|name| &**name))
            .filter(|name| !known.contains(name))
            .collect();
        let of_new = if new.is_empty() { 0.0 } else { whole * UNKNOWN };
        let scale = whole / (total(items) + of_new);
        let each = of_new / new.len() as f32;
        // All are as likely, and no more of them can be shown.
        let new: Vec<Candidate> = new
            .into_iter()
            .take(most)
            .map(|name| module(name, each))
            .collect();
        items.extend(new);
        items.iter_mut().for_each(|item| item.probability *= scale);
        items.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        items.truncate(most);
    }
}

/// Of sorted names, those that begin with `prefix`.
fn beginning_with<'a>(names: &'a [Box<str>], prefix: &str) -> &'a [Box<str>] {
    let first = names.partition_point(|name| **name < *prefix);
    let count = names[first..].partition_point(|name| name.starts_with(prefix));
    &names[first..first + count]
}

/// Adds to the probability of a module.
fn add(items: &mut Vec<Candidate>, name: &str, probability: f32) {
    match items.iter_mut().find(|item| item.text == name) {
        Some(item) => item.probability += probability,
        None => items.push(module(name, probability)),
    }
}

fn module(name: &str, probability: f32) -> Candidate {
    Candidate {
        text: name.to_owned(),
        token: name.to_owned(),
        kind: Kind::Name,
        probability,
    }
}

fn total(items: &[Candidate]) -> f32 {
    items.iter().map(|item| item.probability).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        let importable = Importable {
            installed: ["numbers", "numpy", "os"].map(Box::from).into(),
            own: Arc::default(),
        };
        let joined = |items: &[(&str, f32)], prefix: &str| {
            let mut items: Vec<_> = items.iter().map(|&(name, p)| item(name, p)).collect();
            Modules(&importable).join(&mut items, prefix, 3);
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

    #[test]
    fn the_projects_own_modules_are_never_far() {
        let importable = Importable {
            installed: Arc::default(),
            own: ["app", "tools"].map(Box::from).into(),
        };
        let mut items = vec![module("os", 0.5), module("tools", 0.3), module("json", 0.2)];
        Modules(&importable).join(&mut items, "", 4);
        let shown = items
            .iter()
            .map(|i| format!("{} {:.2}", i.text, i.probability));
        assert_eq!(
            shown.collect::<Vec<_>>().join(", "),
            "os 0.45, tools 0.32, json 0.18, app 0.05"
        );
    }
}
