//! How training went: the log's figures against tokens and against time.

use super::groups::Group;
use super::logs::{Run, Train, Validation};
use super::svg::{Kind, LinePlot, Scale, Series, Stroke};

/// Points that a smoothed curve keeps: more than the paper shows.
const KEPT: usize = 400;

/// What the plots are drawn over.
#[derive(Clone, Copy)]
enum Over {
    Tokens,
    Time,
}

/// The figure of a plot's vertical axis.
struct Quantity {
    title: &'static str,
    kind: Kind,
    train: fn(&Train) -> Option<f64>,
    validation: fn(&Validation) -> Option<f64>,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        title: "Loss, nats a token",
        kind: Kind::Linear,
        train: |line| line.loss,
        validation: |line| line.figures.loss,
    },
    Quantity {
        title: "Perplexity, validation",
        kind: Kind::Logarithmic,
        train: |_| None,
        validation: |line| line.figures.perplexity,
    },
    Quantity {
        title: "Top-5, validation",
        kind: Kind::Linear,
        train: |_| None,
        validation: |line| line.figures.top5,
    },
];

const SETTINGS: [Quantity; 2] = [
    Quantity {
        title: "Learning rate",
        kind: Kind::Linear,
        train: |line| line.learning_rate,
        validation: |_| None,
    },
    Quantity {
        title: "Gradient norm, before clipping",
        kind: Kind::Logarithmic,
        train: |line| line.gradient_norm,
        validation: |_| None,
    },
];

/// Figures of all runs, each with a plot against tokens and one against time.
pub fn plots(groups: &[Group]) -> Vec<String> {
    let both = QUANTITIES
        .iter()
        .flat_map(|quantity| [Over::Tokens, Over::Time].map(|over| quantity.plot(groups, over)));
    let settings = SETTINGS
        .iter()
        .map(|quantity| quantity.plot(groups, Over::Tokens));
    both.chain(settings).flatten().collect()
}

impl Quantity {
    /// `None` if no log holds it.
    fn plot(&self, groups: &[Group], over: Over) -> Option<String> {
        let axis = Axis::new(over, groups);
        let mut series = Vec::new();
        for group in groups {
            for (k, run) in group.runs.iter().enumerate() {
                let train = run.train.iter().filter_map(|line| {
                    Some((axis.at(line.tokens, line.seconds), (self.train)(line)?))
                });
                let train = smooth(&train.collect::<Vec<_>>());
                let validation = run.validations.iter().filter_map(|line| {
                    Some((axis.at(line.tokens, line.seconds), (self.validation)(line)?))
                });
                let validation: Vec<_> = validation.collect();
                let label = if k == 0 && groups.len() > 1 {
                    group.label.clone()
                } else {
                    String::new()
                };
                let alone = validation.is_empty();
                series.push(Series {
                    name: format!("{}, training", run.name),
                    label: if alone { label.clone() } else { String::new() },
                    colour: Some(group.colour),
                    stroke: if alone { Stroke::Solid } else { Stroke::Pale },
                    dots: false,
                    points: train,
                });
                series.push(Series {
                    name: run.name.clone(),
                    label,
                    colour: Some(group.colour),
                    stroke: Stroke::Solid,
                    dots: true,
                    points: validation,
                });
            }
        }
        series.retain(|one| !one.points.is_empty());
        if series.is_empty() {
            return None;
        }
        let (name, description) = match over {
            Over::Tokens => ("tokens", "against the tokens trained on"),
            Over::Time => ("time", "against the time trained for"),
        };
        let title = format!("{} by {name}", self.title);
        let description = format!("{} {description}, one line a run.", self.title);
        let mut plot = LinePlot::new(&title, &description, axis.name, self.kind, series);
        plot.y = self.range(&plot);
        Some(plot.svg())
    }

    /// The first steps, when the network knows nothing yet, would take up most of a linear axis: they run off its top.
    fn range(&self, plot: &LinePlot) -> Scale {
        let points = || plot.series.iter().flat_map(|one| &one.points);
        let last = points().fold(0.0, |last: f64, point| last.max(point.0));
        let settled =
            points().filter(|point| point.0 >= 0.02 * last || self.title.starts_with("Learning"));
        Scale::over(self.kind, settled.map(|point| point.1))
    }
}

/// The horizontal axis, in a unit that suits the longest run.
pub struct Axis {
    over: Over,
    unit: f64,
    pub name: &'static str,
}

impl Axis {
    pub fn tokens(groups: &[Group]) -> Self {
        Self::new(Over::Tokens, groups)
    }

    fn new(over: Over, groups: &[Group]) -> Self {
        let ends = groups
            .iter()
            .flat_map(|group| &group.runs)
            .filter_map(|run| Run::end(run));
        let (tokens, seconds) = ends.fold((0, 0.0), |(t, s): (u64, f64), end| {
            (t.max(end.0), s.max(end.1))
        });
        let (unit, name) = match over {
            Over::Tokens if tokens >= 2_000_000 => (1e6, "million tokens"),
            Over::Tokens => (1e3, "thousand tokens"),
            Over::Time if seconds >= 5400.0 => (3600.0, "hours"),
            Over::Time if seconds >= 180.0 => (60.0, "minutes"),
            Over::Time => (1.0, "seconds"),
        };
        Self { over, unit, name }
    }

    pub fn at(&self, tokens: u64, seconds: f64) -> f64 {
        match self.over {
            Over::Tokens => tokens as f64 / self.unit,
            Over::Time => seconds / self.unit,
        }
    }
}

/// Each point the mean of its neighbours, as many on the left as on the right; then thinned out.
pub fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let n = points.len();
    let widest = n / 80;
    let kept = (0..n).filter(|k| k % n.div_ceil(KEPT) == 0 || k + 1 == n);
    kept.map(|k| {
        let wide = widest.min(k).min(n - 1 - k);
        let around = &points[k - wide..=k + wide];
        let mean = around.iter().map(|point| point.1).sum::<f64>() / around.len() as f64;
        (points[k].0, mean)
    })
    .collect()
}
