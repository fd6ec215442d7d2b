//! Feature names of the gate and the reranker, in the order in which the parameters were fitted.
//!
//! [`Row`] writes a feature under its name. In debug builds, including tests, it checks that the name is the next one in the
//! list, so any test that predicts detects a feature added, moved or removed in only one place. A checkpoint stores the
//! [fingerprint](features_fingerprint) of the names its gate was fitted with.

use std::fmt::Display;

use super::expert::experts;
use crate::files::fingerprint;

macro_rules! names {
    (
        $(#[$network_doc:meta])* Network, $network:literal, $network_scope:ident, $network_is_unknown:literal;
        $($(#[$doc:meta])* $variant:ident, $expert:literal, $scope:ident, $is_unknown:literal;)*
    ) => {
        /// The names of the gate's features.
        pub const FEATURE_NAMES: &[&str] = &[
            "network: entropy",
            "network: log probability of its best",
            "network: log probability of <UNK>",
            "network: log probability of all but <UNK>",
            "buffer: log of its tokens",
            "buffer: log of its unknown names",
            "buffer: length of the longest match",
            "longest context: log of its occurrences",
            "longest context: log of its followers",
            "longest context: share of its best",
            "longest context: order",
            "buffer: trust in order 1",
            "buffer: trust in order 2",
            "buffer: trust in order 3",
            "buffer: trust in order 4",
            "buffer: trust in order 5",
            "neighbours: largest cosine",
            "surroundings: log of their tokens",
            "surroundings: length of the longest match",
            "surroundings: log of its occurrences",
            "surroundings: log of its followers",
            "surroundings: share of its best",
            "surroundings: trust in order 1",
            "surroundings: trust in order 2",
            "surroundings: trust in order 3",
            "surroundings: trust in order 4",
            "surroundings: trust in order 5",
            "members: log of their number",
            "place: own member",
            "place: member of a class",
            "place: member of a module",
            "place: imported name",
            "place: argument",
            $(
                concat!($expert, ": probability of its best"),
                concat!($expert, ": its best is the network's"),
                concat!($expert, ": log probability of the network's best"),
                concat!($expert, ": network's log probability of its best"),
                concat!($expert, ": is alive"),
            )*
        ];
        /// The names of a candidate's features, log probabilities first.
        pub const CANDIDATE_FEATURE_NAMES: &[&str] = &[
            "mixture: log probability",
            "network: log probability",
            $(concat!($expert, ": log probability"),)*
            "buffer: log of occurrences",
            "buffer: log of age",
            "is outside the vocabulary",
            "is a name of the buffer or unknown",
            "vocabulary: log of rank",
            "stands 1 back",
            "stands 2 back",
            "stands 3 back",
            "stands 4 back",
            "stands 5 back",
            "stands 6 back",
            "stands 7 back",
            "stands 8 back",
            "followed the last 1",
            "followed the last 2",
            "followed the last 3",
        ];
    };
}
experts!(names);

/// Number of gate features.
pub const FEATURES: usize = FEATURE_NAMES.len();
/// Number of candidate features for the reranker.
pub const CANDIDATE_FEATURES: usize = CANDIDATE_FEATURE_NAMES.len();

/// SHA-256 of all feature names in order, in hexadecimal. A gate fits this program only if the fingerprints are equal.
pub fn features_fingerprint() -> String {
    let names = [FEATURE_NAMES, CANDIDATE_FEATURE_NAMES];
    fingerprint::of(names.map(|names| names.join("\n")).join("\n\n").as_bytes())
}

/// A feature vector that is written in order.
pub(super) struct Row<const N: usize> {
    names: &'static [&'static str],
    values: [f32; N],
    written: usize,
}

impl<const N: usize> Row<N> {
    /// An empty row.
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            values: [0.0; N],
            written: 0,
        }
    }

    /// Writes the next feature. `name` is checked in debug builds only.
    pub(super) fn put(&mut self, name: impl Display, value: f32) {
        if cfg!(debug_assertions) {
            assert_eq!(self.names[self.written], name.to_string(), "feature");
        }
        self.values[self.written] = value;
        self.written += 1;
    }

    /// The complete feature vector.
    pub(super) fn finish(self) -> [f32; N] {
        assert_eq!(self.written, N, "features written");
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_name_of_its_own() {
        for names in [FEATURE_NAMES, CANDIDATE_FEATURE_NAMES] {
            let distinct: std::collections::BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
        }
    }
}
