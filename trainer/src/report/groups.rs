//! Groups of runs that differ only in the seed, and statistics over a group.

use super::logs::Run;
use super::svg::COLOURS;
use crate::evaluation::record::Record;

/// Runs with equal settings and data and distinct seeds.
pub struct Group<'a> {
    pub label: String,
    /// Index of the colour in the style sheet.
    pub colour: usize,
    /// In the order given by the user.
    pub runs: Vec<&'a Run>,
}

/// Groups runs, in the order given by the user.
pub fn groups(runs: &[Run]) -> Vec<Group<'_>> {
    let mut groups: Vec<(toml::Table, Group)> = Vec::new();
    for run in runs {
        let mut settings = run.settings.clone();
        if let Some(toml::Value::Table(training)) = settings.get_mut("training") {
            training.remove("seed");
        }
        let same = groups.iter_mut().find(|(theirs, group)| {
            // A repeated seed would give an interval of zero width.
            let other = |theirs: &&Run| theirs.data == run.data && theirs.seed() != run.seed();
            *theirs == settings && group.runs.iter().all(other)
        });
        if let Some((_, group)) = same {
            group.runs.push(run);
        } else {
            let group = Group {
                label: String::new(),
                colour: groups.len() % COLOURS,
                runs: vec![run],
            };
            groups.push((settings, group));
        }
    }
    groups
        .into_iter()
        .map(|(_, group)| Group {
            label: label(&group.runs),
            ..group
        })
        .collect()
}

/// The name of a single run, or the common part of the names.
fn label(runs: &[&Run]) -> String {
    let (first, rest) = (&runs[0].name, &runs[1..]);
    if rest.is_empty() {
        return first.clone();
    }
    let common = rest.iter().fold(first.len(), |common, run| {
        let same = first
            .bytes()
            .zip(run.name.bytes())
            .take_while(|(a, b)| a == b);
        common.min(same.count())
    });
    let common = (0..=common)
        .rev()
        .find_map(|end| first.get(..end))
        .unwrap_or_default();
    // `run/seed-42` and `run/seed-43` agree in all characters except the last digit.
    let end = |c: char| !c.is_alphanumeric();
    let without_number = common.trim_end_matches(|c: char| c.is_ascii_digit());
    let trimmed = match without_number.trim_end_matches(end).strip_suffix("seed") {
        Some(rest) => rest.trim_end_matches(end),
        None => common.trim_end_matches(end),
    };
    let name = if trimmed.is_empty() {
        runs[0].architecture().unwrap_or("runs")
    } else {
        trimmed
    };
    format!("{name} ({} seeds)", runs.len())
}

impl Group<'_> {
    /// Mean of a figure over the runs, if all runs have it.
    pub fn mean(&self, figure: impl Fn(&Run) -> Option<f64>) -> Option<Mean> {
        let values: Option<Vec<f64>> = self.runs.iter().map(|run| figure(run)).collect();
        Mean::of(&values?)
    }

    /// [`Group::mean`] of a figure on one split, if all runs were measured on the same targets.
    pub fn mean_measured(
        &self,
        part: &str,
        figure: impl Fn(&Record) -> Option<f64>,
    ) -> Option<Mean> {
        let records: Option<Vec<&Record>> = self
            .runs
            .iter()
            .map(|run| run.evaluations.get(part))
            .collect();
        let records = records?;
        let of = |record: &Record| (record.data.clone(), record.split.clone(), record.max_tokens);
        let are_alike = records.windows(2).all(|pair| of(pair[0]) == of(pair[1]));
        let values: Option<Vec<f64>> = records.into_iter().map(figure).collect();
        Mean::of(&values?).filter(|_| are_alike)
    }
}

/// A mean and the half-width of its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    pub mean: f64,
    /// None for a single value.
    pub half: Option<f64>,
}

impl Mean {
    /// Student's t interval: mean ± t · s / √n with n − 1 degrees of freedom.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n)?;
        let half = (values.len() > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            t95(values.len() - 1) * (squares / (n - 1.0) / n).sqrt()
        });
        Some(Self { mean, half })
    }
}

/// The 0.975 quantile of Student's t distribution.
fn t95(freedom: usize) -> f64 {
    const TABLE: [f64; 10] = [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    ];
    if let Some(&t) = TABLE.get(freedom.wrapping_sub(1)) {
        return t;
    }
    // Cornish-Fisher expansion about the normal quantile (Abramowitz & Stegun 26.7.5): within 2e-4 from here on.
    let (z, n) = (1.959_964_f64, freedom as f64);
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * n)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_students() {
        // R: t.test(c(1, 2, 4))$conf.int is -1.461 to 6.128; qt(.975, c(11, 30, 1000)) 2.2010 2.0423 1.9623.
        let mean = Mean::of(&[1.0, 2.0, 4.0]).unwrap();
        assert!((mean.mean - 7.0 / 3.0).abs() < 1e-12);
        assert!((mean.half.unwrap() - 3.7946).abs() < 1e-3, "{mean:?}");
        for (freedom, t) in [(11, 2.2010), (30, 2.0423), (1000, 1.9623)] {
            assert!(
                (t95(freedom) - t).abs() < 2e-4,
                "{freedom}: {}",
                t95(freedom)
            );
        }
        assert_eq!(Mean::of(&[]), None);
        assert_eq!(Mean::of(&[5.0]).unwrap().half, None);
    }
}
