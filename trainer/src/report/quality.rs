//! Detailed evaluation metrics: calibration, token classes, positions in the file.

use super::format::{Unit, value};
use super::groups::{Group, Mean};
use super::logs::Run;
use super::svg::{Bar, BarPlot, Kind, LinePlot, Row, Scale, Series, Stroke};
use crate::evaluation::record::Measurement;
use minicopilot::metrics::{PartFigures, PositionFigures, ReliabilityBin};

/// The context that is shown; it includes the other one.
const CONTEXT: &str = "whole";

/// The plots for one split.
pub fn plots(groups: &[Group], part: &str) -> Vec<String> {
    [
        reliability(groups, part),
        classes(groups, part),
        positions(
            groups,
            part,
            "Loss by position in the file",
            &[|figures| figures.loss],
        ),
        positions(
            groups,
            part,
            "Top-5 (solid) and top-1 (dashed) by position in the file",
            &[|figures| figures.top5, |figures| figures.top1],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn measured<'a>(run: &'a Run, part: &str) -> Option<&'a Measurement> {
    run.evaluations.get(part)?.contexts.get(CONTEXT)
}

/// One line per run, labelled once per group.
fn lines<'a>(
    groups: &'a [Group],
    part: &str,
    stroke: Stroke,
    suffix: &str,
    points: impl Fn(&'a Measurement) -> Vec<(f64, f64)>,
) -> Vec<Series> {
    let mut series = Vec::new();
    for group in groups {
        let mut label = group.label.clone();
        for run in &group.runs {
            let points = measured(run, part).map(&points).unwrap_or_default();
            if points.is_empty() {
                continue;
            }
            // The first run of a group that has data carries the label.
            let label = std::mem::take(&mut label);
            let is_named = groups.len() > 1 || !suffix.is_empty();
            series.push(Series {
                name: format!("{}{suffix}", run.name),
                label: if label.is_empty() || !is_named {
                    String::new()
                } else {
                    format!("{label}{suffix}")
                },
                colour: Some(group.colour),
                stroke,
                dots: true,
                points,
            });
        }
    }
    series
}

fn reliability(groups: &[Group], part: &str) -> Option<String> {
    let points = |bins: &[ReliabilityBin]| {
        bins.iter()
            .map(|bin| (bin.confidence, bin.accuracy))
            .collect()
    };
    let mut series = lines(groups, part, Stroke::Solid, "", |m| points(&m.calibration));
    series.extend(lines(
        groups,
        part,
        Stroke::Dashed,
        ", with temperature",
        |m| {
            m.tempered
                .as_ref()
                .map(|t| points(&t.calibration))
                .unwrap_or_default()
        },
    ));
    if series.is_empty() {
        return None;
    }
    let ideal = Series {
        stroke: Stroke::Dotted,
        points: vec![(0.0, 0.0), (1.0, 1.0)],
        ..Series::default()
    };
    series.insert(0, ideal);
    let plot = LinePlot {
        x: Scale::between(0.0, 1.0),
        y: Scale::between(0.0, 1.0),
        height: 380.0,
        ..LinePlot::new(
            "Calibration: accuracy of the first answer by its probability",
            "Accuracy of the first answer against its probability, in 15 bins. Calibrated probabilities lie on the \
             dotted diagonal.",
            "probability of the first answer",
            Kind::Linear,
            series,
        )
    };
    Some(plot.svg())
}

#[expect(clippy::too_many_lines, reason = "one table, row after row")]
fn classes(groups: &[Group], part: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for measurement in groups
        .iter()
        .flat_map(|group| &group.runs)
        .filter_map(|run| measured(run, part))
    {
        for class in &measurement.classes {
            if !names.contains(&&*class.class) {
                names.push(&class.class);
            }
        }
    }
    let row = |name: &str| {
        let mut share = None;
        let bar = |group: &Group| {
            let figures: Vec<&PartFigures> = group
                .runs
                .iter()
                .filter_map(|run| {
                    let measurement = measured(run, part)?;
                    let figures = &measurement
                        .classes
                        .iter()
                        .find(|class| class.class == name)?
                        .figures;
                    let all: u64 = measurement
                        .classes
                        .iter()
                        .map(|class| class.figures.targets)
                        .sum();
                    share.get_or_insert(figures.targets as f64 / all as f64);
                    Some(figures)
                })
                .collect();
            let mean = |figure: fn(&PartFigures) -> f64| {
                Mean::of(&figures.iter().map(|f| figure(f)).collect::<Vec<_>>())
                    .map(|mean| mean.mean)
            };
            let (inner, outer) = (mean(|f| f.top1)?, mean(|f| f.top5)?);
            Some(Bar {
                colour: group.colour,
                name: group.label.clone(),
                inner,
                outer,
                label: format!("{} / {}", short(inner), short(outer)),
            })
        };
        let bars: Vec<Bar> = groups.iter().filter_map(bar).collect();
        let note = share
            .map(|share| format!("{:.1} %", 100.0 * share))
            .unwrap_or_default();
        Row {
            name: name.to_owned(),
            note,
            bars,
        }
    };
    let rows: Vec<Row> = names.into_iter().map(row).collect();
    let plot = BarPlot {
        title: "Top-1 (solid) and top-5 (pale) by token class",
        description: "For each token class: the share of targets ranked first and in the first five, and the class's \
                      share of all tokens.",
        width: 560.0,
        rows,
    };
    (!plot.rows.is_empty()).then(|| plot.svg())
}

/// `.8401` -> `.84`; 1 is `1.00`.
fn short(share: f64) -> String {
    let text = format!("{share:.2}");
    text.strip_prefix('0').unwrap_or(&text).to_owned()
}

fn positions(
    groups: &[Group],
    part: &str,
    title: &str,
    figures: &[fn(&PartFigures) -> f64],
) -> Option<String> {
    let runs = groups.iter().flat_map(|group| &group.runs);
    let parts = runs
        .filter_map(|run| measured(run, part))
        .flat_map(|m| &m.positions);
    let mut from: Vec<usize> = parts.map(|p| p.from).collect();
    from.sort_unstable();
    from.dedup();
    if from.is_empty() {
        return None;
    }
    let place = |p: &PositionFigures| from.iter().position(|&f| f == p.from).unwrap_or(0) as f64;
    let mut series = Vec::new();
    for (k, figure) in figures.iter().enumerate() {
        let stroke = if k == 0 {
            Stroke::Solid
        } else {
            Stroke::Dashed
        };
        let mut more = lines(groups, part, stroke, "", |m| {
            m.positions
                .iter()
                .map(|p| (place(p), figure(&p.figures)))
                .collect()
        });
        if k > 0 {
            more.iter_mut().for_each(|one| one.label.clear());
        }
        series.append(&mut more);
    }
    let plot = LinePlot {
        x: Scale::named(
            from.iter()
                .map(|&from| value(Unit::Exact, Some(from as f64))),
        ),
        ..LinePlot::new(
            title,
            "Over targets at least this many tokens into the file, up to the next mark.",
            "tokens before the target, at least",
            Kind::Linear,
            series,
        )
    };
    Some(plot.svg())
}
