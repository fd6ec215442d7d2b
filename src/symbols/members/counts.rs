//! The names found so far, with their weights.

use rustc_hash::FxHashMap;

use crate::symbols::name::Name;
use crate::symbols::resolve::Completeness;

/// Names and their weighted counts, and whether they are all.
pub(super) struct MemberCounts {
    pub(super) names: FxHashMap<Name, f32>,
    pub(super) completeness: Completeness,
}

impl MemberCounts {
    pub(super) fn new() -> Self {
        Self {
            names: FxHashMap::default(),
            completeness: Completeness::Complete,
        }
    }

    pub(super) fn add(&mut self, name: Name, count: f32) {
        *self.names.entry(name).or_default() += count;
    }

    /// Raises a name's count to at least `count`, however often the name occurs.
    pub(super) fn add_at_least(&mut self, name: Name, count: f32) {
        let entry = self.names.entry(name).or_default();
        *entry = entry.max(count);
    }

    pub(super) fn lower(&mut self, completeness: Completeness) {
        self.completeness = self.completeness.min(completeness);
    }
}
