//! Normalizes scores to distributions.

/// Normalizes each column of `rows` to a distribution. Returns which columns have any mass.
pub(super) fn normalise<T, const N: usize>(
    rows: &mut [T],
    scores: impl Fn(&mut T) -> &mut [f32; N],
) -> [bool; N] {
    let mut totals = [0.0; N];
    for row in rows.iter_mut() {
        for (total, score) in totals.iter_mut().zip(scores(row)) {
            *total += *score;
        }
    }
    let has_mass = totals.map(|total| total > 1e-20);
    let scales: [f32; N] = std::array::from_fn(|k| if has_mass[k] { 1.0 / totals[k] } else { 0.0 });
    for row in rows {
        for (score, scale) in scores(row).iter_mut().zip(scales) {
            *score *= scale;
        }
    }
    has_mass
}

/// The largest score; of equal scores the first.
pub(super) fn largest<T>(scores: impl Iterator<Item = (T, f32)>) -> Option<(T, f32)> {
    scores.reduce(|a, b| if b.1 > a.1 { b } else { a })
}
