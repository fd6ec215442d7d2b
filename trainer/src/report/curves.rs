//! Training curves: logged quantities against tokens and against time.

use super::groups::Group;
use super::logs::{Run, Train, Validation};
use super::svg::{Kind, LinePlot, Scale, Series, Stroke};

/// Points that a smoothed curve keeps: more than the plot can resolve.
const KEPT: usize = 400;
/// The initial fraction of a run that the vertical axis may exclude.
const UNSETTLED: f64 = 0.03;

/// The horizontal axis of a plot.
#[derive(Clone, Copy)]
enum Over {
    Tokens,
    Time,
}

/// A quantity on the vertical axis.
struct Quantity {
    title: &'static str,
    kind: Kind,
    /// Whether the first steps are far outside the later range.
    unsettled: bool,
    train: fn(&Train) -> Option<f64>,
    validation: fn(&Validation) -> Option<f64>,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        title: "Loss (nats)",
        kind: Kind::Linear,
        unsettled: true,
        train: |line| line.loss,
        validation: |line| line.figures.loss,
    },
    Quantity {
        title: "Validation perplexity",
        kind: Kind::Logarithmic,
        unsettled: false,
        train: |_| None,
        validation: |line| line.figures.perplexity,
    },
    Quantity {
        title: "Validation top-5",
        kind: Kind::Linear,
        unsettled: false,
        train: |_| None,
        validation: |line| line.figures.top5,
    },
];

const SETTINGS: [Quantity; 2] = [
    Quantity {
        title: "Learning rate",
        kind: Kind::Linear,
        unsettled: false,
        train: |line| line.learning_rate,
        validation: |_| None,
    },
    Quantity {
        title: "Gradient norm before clipping",
        kind: Kind::Logarithmic,
        unsettled: true,
        train: |line| line.gradient_norm,
        validation: |_| None,
    },
];

/// Plots of all quantities, each against tokens and against time.
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
    /// `None` if no log contains the quantity.
    fn plot(&self, groups: &[Group], over: Over) -> Option<String> {
        let axis = Axis::new(over, groups);
        let mut series = Vec::new();
        for group in groups {
            let mut label = if groups.len() > 1 { &*group.label } else { "" };
            for run in &group.runs {
                let train = run.train.iter().filter_map(|line| {
                    Some((axis.at(line.tokens, line.seconds), (self.train)(line)?))
                });
                let train = smooth(&train.collect::<Vec<_>>());
                let validation = run.validations.iter().filter_map(|line| {
                    Some((axis.at(line.tokens, line.seconds), (self.validation)(line)?))
                });
                let validation: Vec<_> = validation.collect();
                if train.is_empty() && validation.is_empty() {
                    continue;
                }
                // The first run of a group that has data carries the label.
                let label = std::mem::take(&mut label).to_owned();
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
            Over::Tokens => ("tokens", "by training tokens"),
            Over::Time => ("time", "by training time"),
        };
        let title = format!("{} by {name}", self.title);
        let description = format!("{} {description}, one line per run.", self.title);
        let mut plot = LinePlot::new(&title, &description, axis.name, self.kind, series);
        plot.y = self.range(&plot);
        Some(plot.svg())
    }

    /// The first steps of an untrained network would dominate a linear axis, so they are clipped at the top.
    fn range(&self, plot: &LinePlot) -> Scale {
        let settled = plot.series.iter().flat_map(|one| {
            let last = one.points.last().map_or(0.0, |point| point.0);
            let from = if self.unsettled {
                UNSETTLED * last
            } else {
                0.0
            };
            one.points.iter().filter(move |point| point.0 >= from)
        });
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
    /// The token axis of a single run.
    pub fn tokens(run: &Run) -> Self {
        Self::reaching(Over::Tokens, run.end().unwrap_or_default())
    }

    fn new(over: Over, groups: &[Group]) -> Self {
        let ends = groups
            .iter()
            .flat_map(|group| &group.runs)
            .filter_map(|run| Run::end(run));
        let longest = ends.fold((0, 0.0), |(t, s): (u64, f64), end| {
            (t.max(end.0), s.max(end.1))
        });
        Self::reaching(over, longest)
    }

    fn reaching(over: Over, (tokens, seconds): (u64, f64)) -> Self {
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

/// Centred moving average, then thinned out.
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
