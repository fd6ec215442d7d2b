//! Module names in import statements: adds the importable modules and demotes other names.

use crate::completion::candidate::{Candidate, Origin};
use crate::completion::prefix_range::prefix_range;
use crate::context::ImportableModules;
use crate::python::Kind;

/// The minimum number of candidates searched for importable ones.
pub const MIN_CANDIDATES: usize = 40;
/// The total probability of the project's own modules, relative to all candidates.
const OWN: f32 = 0.1;
/// The total probability of installed modules outside the candidate list, relative to all candidates.
const UNKNOWN: f32 = 0.02;
/// The factor for a name not found in the environment. It may be installed in an undetected way.
const ELSEWHERE: f32 = 0.01;

/// The modules that can be imported.
#[derive(Clone, Copy)]
pub struct Modules<'a>(pub &'a ImportableModules);

impl Modules<'_> {
    /// Whether a module starts with a typed prefix; false for an empty one.
    pub fn has_prefix(self, prefix: &str) -> bool {
        let ImportableModules { installed, own, .. } = self.0;
        let mut all = [installed, own].into_iter();
        !prefix.is_empty() && all.any(|names| !prefix_range(names, prefix).is_empty())
    }

    /// Adds the modules that start with `prefix` to a candidate list, and keeps the `most` probable.
    pub fn merge(self, items: &mut Vec<Candidate>, prefix: &str, most: usize) {
        let ImportableModules {
            installed,
            own,
            document,
        } = self.0;
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
        let own = &own[prefix_range(own, prefix)];
        let each = whole * OWN / own.len() as f32;
        for item in items.iter_mut().filter(|item| has(own, &item.text)) {
            item.raise(each, Origin::Module);
        }
        let others = own.iter().filter(|name| *name != document);
        add_new(items, others.map(|name| &**name), each, most);
        // Without a typed prefix there are too many modules.
        let installed = if prefix.is_empty() {
            &[]
        } else {
            &installed[prefix_range(installed, prefix)]
        };
        let known = items.iter().filter(|item| has(installed, &item.text));
        let new = installed.len() - known.count();
        let of_new = if new == 0 { 0.0 } else { whole * UNKNOWN };
        let scale = whole / (total(items) + of_new);
        add_new(
            items,
            installed.iter().map(|name| &**name),
            of_new / new as f32,
            most,
        );
        items.iter_mut().for_each(|item| item.probability *= scale);
        items.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        items.truncate(most);
    }
}

/// Adds the first `most` modules not yet in the list. All are equally probable, and no more can be shown.
fn add_new<'a>(
    items: &mut Vec<Candidate>,
    names: impl Iterator<Item = &'a str>,
    probability: f32,
    most: usize,
) {
    let is_new = |name: &&str| !items.iter().any(|item| item.text == *name);
    let new = names.filter(is_new).take(most);
    let new: Vec<Candidate> = new.map(|name| module(name, probability)).collect();
    items.extend(new);
}

fn module(name: &str, probability: f32) -> Candidate {
    Candidate {
        text: name.to_owned(),
        token: name.to_owned(),
        kind: Kind::Name,
        probability,
        origin: Origin::Module,
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
            kind: if name == "." {
                Kind::Operator
            } else {
                Kind::Name
            },
            ..module(name, probability)
        };
        let importable = ImportableModules {
            installed: ["numbers", "numpy", "os"].map(Box::from).into(),
            ..ImportableModules::default()
        };
        let joined = |items: &[(&str, f32)], prefix: &str| {
            let mut items: Vec<_> = items.iter().map(|&(name, p)| item(name, p)).collect();
            Modules(&importable).merge(&mut items, prefix, 3);
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
        let importable = ImportableModules {
            own: ["app", "here", "other", "tools"].map(Box::from).into(),
            document: "here".into(),
            ..ImportableModules::default()
        };
        let of_model = |(name, probability)| Candidate {
            origin: Origin::Model,
            ..module(name, probability)
        };
        let offered = [("os", 0.5), ("tools", 0.3), ("json", 0.19), ("other", 0.01)];
        let mut items = offered.map(of_model).to_vec();
        Modules(&importable).merge(&mut items, "", 5);
        let shown = items
            .iter()
            .map(|i| format!("{} {:.2} {:?}", i.text, i.probability, i.origin));
        assert_eq!(
            shown.collect::<Vec<_>>().join(", "),
            "os 0.47 Model, tools 0.30 Model, json 0.18 Model, other 0.03 Module, app 0.02 Module"
        );
    }
}
