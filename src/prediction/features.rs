//! The features of the gate and of the reranker: their names, in the order in which the parameters were fitted.
//!
//! [`Row`] writes a feature under its name. In a debug build, which the tests are, it checks that the name is the next one
//! of the list, so a feature that is added, moved or left out in one place alone is found by any test that predicts.
//! A checkpoint holds the [fingerprint](features_fingerprint) of the names that its gate was fitted with.

use std::fmt::Display;

use super::candidates::CANDIDATE_FEATURES;
use super::experts::FEATURES;
use crate::files::fingerprint;

macro_rules! names {
    (gate: [$($gate:literal,)*], candidate: [$($candidate:literal,)*], experts: [$($expert:literal,)*],) => {
        /// The names of [`ExpertScores::features`](super::ExpertScores::features).
        pub const FEATURE_NAMES: [&str; FEATURES] = [
            $($gate,)*
            $(
                concat!($expert, ": probability of its best"),
                concat!($expert, ": its best is the network's"),
                concat!($expert, ": log probability of the network's best"),
                concat!($expert, ": network's log probability of its best"),
                concat!($expert, ": is alive"),
            )*
        ];
        /// The names of [`Prediction::features`](super::Prediction::features).
        pub const CANDIDATE_FEATURE_NAMES: [&str; CANDIDATE_FEATURES] = [
            "mixture: log probability",
            "network: log probability",
            $(concat!($expert, ": log probability"),)*
            $($candidate,)*
        ];
    };
}

names! {
    gate: [
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
    ],
    candidate: [
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
    ],
    experts: [
        "unknown names",
        "n-grams",
        "longest match",
        "neighbours",
        "unknown neighbours",
        "recent names",
        "project names",
        "project n-grams",
        "project match",
        "members",
    ],
}

/// SHA-256 of all names in their order, in hexadecimal: a gate fits the program that has the same.
pub fn features_fingerprint() -> String {
    let names = [&FEATURE_NAMES[..], &CANDIDATE_FEATURE_NAMES[..]];
    fingerprint::of(names.map(|names| names.join("\n")).join("\n\n").as_bytes())
}

/// Features, written one after another.
pub(super) struct Row<const N: usize> {
    names: &'static [&'static str; N],
    values: [f32; N],
    written: usize,
}

impl<const N: usize> Row<N> {
    /// Nothing written yet.
    pub(super) fn new(names: &'static [&'static str; N]) -> Self {
        Self {
            names,
            values: [0.0; N],
            written: 0,
        }
    }

    /// Writes the next one. `name` is looked at in debug builds alone.
    pub(super) fn put(&mut self, name: impl Display, value: f32) {
        if cfg!(debug_assertions) {
            assert_eq!(self.names[self.written], name.to_string(), "feature");
        }
        self.values[self.written] = value;
        self.written += 1;
    }

    /// All of them.
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
        for names in [&FEATURE_NAMES[..], &CANDIDATE_FEATURE_NAMES[..]] {
            let distinct: std::collections::BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len());
        }
    }
}
