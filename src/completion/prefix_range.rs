//! Prefix search in sorted lists.

use std::ops::Range;

/// The index range of the sorted `texts` that start with `prefix`.
pub(super) fn prefix_range(texts: &[Box<str>], prefix: &str) -> Range<usize> {
    let first = texts.partition_point(|text| **text < *prefix);
    let count = texts[first..].partition_point(|text| text.starts_with(prefix));
    first..first + count
}
