//! Gradient flow: the norm of each parameter's gradient over the course of training.

use std::collections::BTreeMap;

use super::curves::{Axis, smooth};
use super::groups::Group;
use super::logs::Run;
use super::svg::{COLOURS, Kind, LinePlot, Series, Stroke};

/// How far back gradients reach, for all runs that recorded it; `None` if none did.
pub fn by_distance(groups: &[Group]) -> Option<String> {
    let mut series = Vec::new();
    for group in groups {
        let mut label = group.label.clone();
        for run in &group.runs {
            let Some(flow) = run
                .evaluations
                .values()
                .find_map(|e| e.gradient_flow.as_ref())
            else {
                continue;
            };
            for (norms, stroke, end) in [
                (&flow.first_output, Stroke::Solid, "first layer's output"),
                (&flow.first_input, Stroke::Dashed, "first layer's input"),
            ] {
                let points = norms.iter().enumerate();
                let points: Vec<_> = points
                    .filter(|(_, norm)| **norm > 0.0)
                    .map(|(distance, &norm)| (distance as f64, norm))
                    .collect();
                series.push(Series {
                    name: format!("{}, {end}", run.name),
                    label: std::mem::take(&mut label),
                    colour: Some(group.colour),
                    stroke,
                    dots: false,
                    points,
                });
            }
        }
    }
    if series.is_empty() {
        return None;
    }
    let mut plot = LinePlot::new(
        "Gradient of one prediction by distance",
        "Norm of a single prediction's gradient at the first layer's output (solid) and input (dashed), by distance \
         in tokens.",
        "distance in tokens",
        Kind::Logarithmic,
        series,
    );
    (plot.width, plot.height) = (1140.0, 360.0);
    Some(plot.svg())
}

/// One plot per run whose log contains gradient norms.
pub fn plots(groups: &[Group]) -> Vec<String> {
    let runs = groups.iter().flat_map(|group| &group.runs);
    runs.filter_map(|run| plot(run)).collect()
}

fn plot(run: &Run) -> Option<String> {
    let axis = Axis::tokens(run);
    let mut curves: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for line in &run.train {
        for (name, norm) in &line.gradient_norms {
            if let Some(norm) = *norm {
                let point = (axis.at(line.tokens, line.seconds), norm);
                curves.entry(name).or_default().push(point);
            }
        }
    }
    let mut layers: Vec<&str> = Vec::new();
    for layer in curves.keys().map(|name| layer(name)) {
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    let mut series: Vec<Series> = Vec::new();
    for (name, points) in &curves {
        let points = smooth(points);
        // A gate's two biases are only used as a sum, so their gradients are equal.
        if let Some(twin) = series.iter_mut().find(|other| other.points == points) {
            twin.label = format!(
                "{}, {}",
                twin.label,
                name.rsplit('.').next().unwrap_or(name)
            );
            continue;
        }
        let stroke = match *name {
            name if name.contains("bias") => Stroke::Dotted,
            name if name.contains("_hh_") => Stroke::Dashed,
            _ => Stroke::Solid,
        };
        series.push(Series {
            name: (*name).to_owned(),
            label: (*name).to_owned(),
            colour: layers
                .iter()
                .position(|one| *one == layer(name))
                .map(|k| k % COLOURS),
            stroke,
            dots: false,
            points,
        });
    }
    if series.is_empty() {
        return None;
    }
    let title = format!("Gradient norm of each parameter: {}", run.name);
    let description = "One line for each parameter, coloured by layer; dashed: recurrent weights, dotted: biases.";
    let mut plot = LinePlot::new(&title, description, axis.name, Kind::Logarithmic, series);
    (plot.width, plot.height) = (1140.0, 360.0);
    Some(plot.svg())
}

/// The layer part of a parameter's name: `lstm1`, `lstm` + `l0`, `output`.
fn layer(name: &str) -> &str {
    let module = name.split('.').next().unwrap_or(name);
    match name.rsplit_once("_l") {
        // Two layers of one module differ in the index at the end of the parameter's name.
        Some((_, index)) if !module.ends_with(|c: char| c.is_ascii_digit()) => {
            &name[name.len() - index.len()..]
        }
        _ => module,
    }
}
