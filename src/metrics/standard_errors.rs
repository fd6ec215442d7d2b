//! Standard errors of figures, or of the difference of two figures on the same targets. Tokens of one file are correlated,
//! so files are the sampling unit.

use super::{Metrics, Ranks};

/// Figures with standard errors, named as in [`super::Figures::rows`].
pub const HEADLINE_METRICS: [&str; 6] = [
    "strict top1",
    "strict top5",
    "identifier top1",
    "identifier top5",
    "attribute top1",
    "attribute top5",
];

/// Standard error of each of [`HEADLINE_METRICS`] over files, given the metrics of each file. If the metrics of a second
/// system are given too, the standard error of the difference. `None` for fewer than two files with such targets.
///
/// Uses the standard error of a ratio of sums over clusters (Cochran 1977, Sampling Techniques, eq. 6.13, without finite
/// population correction).
pub fn standard_errors<'a>(
    files: impl Iterator<Item = (&'a Metrics, Option<&'a Metrics>)>,
) -> [Option<f64>; HEADLINE_METRICS.len()] {
    // For each figure: number of targets, and how many more were right than for the other system.
    let counts: Vec<[(f64, f64); HEADLINE_METRICS.len()]> = files
        .map(|(metrics, other)| {
            let others = other.map(right);
            let mut counts = right(metrics);
            for (k, (_, more)) in counts.iter_mut().enumerate() {
                *more -= others.map_or(0.0, |others| others[k].1);
            }
            counts
        })
        .collect();
    std::array::from_fn(|k| {
        let counted = counts.iter().map(|counts| counts[k]);
        let counted: Vec<(f64, f64)> = counted.filter(|&(targets, _)| targets > 0.0).collect();
        let files = counted.len() as f64;
        let targets: f64 = counted.iter().map(|(targets, _)| targets).sum();
        let ratio = counted.iter().map(|(_, more)| more).sum::<f64>() / targets;
        let squares = counted
            .iter()
            .map(|(targets, more)| (more - ratio * targets).powi(2));
        (counted.len() > 1).then(|| (squares.sum::<f64>() * files / (files - 1.0)).sqrt() / targets)
    })
}

/// By figure: number of targets, and number right.
fn right(metrics: &Metrics) -> [(f64, f64); HEADLINE_METRICS.len()] {
    let Metrics {
        strict,
        identifiers,
        attributes,
        ..
    } = metrics;
    let within = |ranks: &Ranks, places: usize| {
        let right: u64 = ranks.at[..places].iter().sum();
        (ranks.targets as f64, right as f64)
    };
    let [one, two, three] =
        [strict, identifiers, attributes].map(|ranks| [within(ranks, 1), within(ranks, 5)]);
    [one[0], one[1], two[0], two[1], three[0], three[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(right: u64, targets: u64) -> Metrics {
        let mut strict = Ranks {
            targets,
            ..Ranks::default()
        };
        strict.at[0] = right;
        Metrics {
            strict,
            ..Metrics::default()
        }
    }

    #[test]
    fn errors_are_those_of_the_formula() {
        // 0.6 and 0.2 right of 10 targets each: deviations of .2 from .4.
        let (a, b) = (of(6, 10), of(2, 10));
        let alone = standard_errors([(&a, None), (&b, None)].into_iter());
        let error = (2.0f64 / 1.0 * (4.0 + 4.0)).sqrt() / 20.0;
        assert_eq!(alone[0], Some(error));
        assert_eq!(alone[1], Some(error));
        assert_eq!(alone[2], None);
        // One system is right once more in every file, so the difference has no error.
        let (more, most) = (of(7, 10), of(3, 10));
        let paired = standard_errors([(&more, Some(&a)), (&most, Some(&b))].into_iter());
        assert_eq!(paired[0], Some(0.0));
        assert_eq!(standard_errors([(&a, None)].into_iter())[0], None);
    }
}
