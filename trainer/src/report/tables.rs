//! Tables of training and of evaluations.

use std::fmt::Write;

use super::escape::Escaped;
use super::format::{DASH, Unit, mean, value};
use super::groups::Group;
use super::logs::Run;
use crate::evaluation::record::Record;
use minicopilot::metrics::Figures;

/// A column of figures: its name (with non-breaking hyphens), format and source.
type Column<T> = (&'static str, Unit, fn(&T) -> Option<f64>);

const TRAINING: [Column<Run>; 8] = [
    ("parameters", Unit::Count, |run| {
        run.parameters.map(|n| n as f64)
    }),
    ("tokens", Unit::Count, |run| {
        run.end().map(|end| end.0 as f64)
    }),
    ("time", Unit::Seconds, |run| run.end().map(|end| end.1)),
    ("tokens/s", Unit::Rate, |run| {
        run.end().map(|(tokens, seconds)| tokens as f64 / seconds)
    }),
    ("loss", Unit::Nats, |run| run.best()?.figures.loss),
    ("perplexity", Unit::Perplexity, |run| {
        run.best()?.figures.perplexity
    }),
    ("top\u{2011}1", Unit::Share, |run| run.best()?.figures.top1),
    ("top\u{2011}5", Unit::Share, |run| run.best()?.figures.top5),
];
/// The number of columns about the best validation.
const VALIDATION: usize = 4;

/// Figures under one context, and the number of tokens the network was trained on.
struct Measured {
    tokens: Option<u64>,
    figures: Figures,
}

const EVALUATION: [Column<Measured>; 14] = [
    ("training tokens", Unit::Count, |m| {
        m.tokens.map(|n| n as f64)
    }),
    ("targets", Unit::Exact, |m| Some(m.figures.targets as f64)),
    ("loss", Unit::Nats, |m| m.figures.loss),
    ("perplexity", Unit::Perplexity, |m| m.figures.perplexity),
    ("top\u{2011}1", Unit::Share, |m| m.figures.top1),
    ("top\u{2011}5", Unit::Share, |m| m.figures.top5),
    ("strict top\u{2011}1", Unit::Share, |m| {
        m.figures.strict.top1
    }),
    ("strict top\u{2011}5", Unit::Share, |m| {
        m.figures.strict.top5
    }),
    ("identifiers top\u{2011}5", Unit::Share, |m| {
        m.figures.identifiers.top5
    }),
    ("attributes top\u{2011}5", Unit::Share, |m| {
        m.figures.attributes.top5
    }),
    ("CodeXGLUE accuracy", Unit::Share, |m| {
        m.figures.codexglue_accuracy
    }),
    ("keystrokes saved", Unit::Share, |m| {
        m.figures.keystrokes_saved
    }),
    ("calibration error", Unit::Share, |m| m.figures.ece),
    ("calibration error, raw", Unit::Share, |m| m.figures.ece_raw),
];

// Writing to a string cannot fail, here and below.

/// One row per run, and a row with the mean of each group of several runs.
pub fn training(groups: &[Group]) -> String {
    let plain = TRAINING.len() - VALIDATION;
    let mut out = String::from(
        "<div class=\"wide\"><table><thead><tr><th rowspan=\"2\">run</th><th rowspan=\"2\">architecture</th><th rowspan=\"2\" class=\"n\">seed</th>",
    );
    for (name, ..) in &TRAINING[..plain] {
        let _ = write!(out, "<th rowspan=\"2\" class=\"n\">{name}</th>");
    }
    let _ = write!(
        out,
        "<th colspan=\"{VALIDATION}\" class=\"over\">best validation</th></tr><tr>"
    );
    for (name, ..) in &TRAINING[plain..] {
        let _ = write!(out, "<th class=\"n\">{name}</th>");
    }
    out.push_str("</tr></thead>\n");
    for group in groups {
        out.push_str("<tbody>");
        let architecture = |run: &Run| Escaped(run.architecture().unwrap_or(DASH)).to_string();
        if group.runs.len() > 1 {
            let _ = write!(
                out,
                "<tr class=\"mean\"><th>{}{}</th><td>{}</td><td class=\"n\">{DASH}</td>",
                swatch(group, groups),
                Escaped(&group.label),
                architecture(group.runs[0])
            );
            for (_, unit, figure) in TRAINING {
                cell(&mut out, &mean(unit, group.mean(figure)));
            }
            out.push_str("</tr>\n");
        }
        for run in &group.runs {
            let name = name(group, groups, run);
            let seed = run
                .seed()
                .map_or_else(|| DASH.to_owned(), |seed| seed.to_string());
            let _ = write!(
                out,
                "<tr>{name}<td>{}</td><td class=\"n\">{seed}</td>",
                architecture(run)
            );
            for (_, unit, figure) in TRAINING {
                cell(&mut out, &value(unit, figure(run)));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table></div>\n");
    out
}

/// The splits that any run was measured on.
pub fn parts<'a>(groups: &'a [Group]) -> Vec<&'a str> {
    let mut parts: Vec<&str> = groups
        .iter()
        .flat_map(|group| &group.runs)
        .flat_map(|run| run.evaluations.keys().map(String::as_str))
        .collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// One row per run and context of one split.
#[expect(clippy::too_many_lines, reason = "one table, row after row")]
pub fn evaluation(groups: &[Group], part: &str) -> String {
    let mut contexts: Vec<&str> = groups
        .iter()
        .flat_map(|group| &group.runs)
        .filter_map(|run| run.evaluations.get(part))
        .flat_map(|record| record.contexts.keys().map(String::as_str))
        .collect();
    contexts.sort_unstable_by_key(|&name| (name != "whole", name != "1000", name));
    contexts.dedup();

    let mut out =
        String::from("<div class=\"wide\"><table><thead><tr><th>run</th><th>context</th>");
    for (name, ..) in EVALUATION {
        let _ = write!(out, "<th class=\"n\">{name}</th>");
    }
    out.push_str("</tr></thead>\n");
    for group in groups {
        let measured = |record: &Record, context: &str| {
            let figures = record.contexts.get(context)?.figures.clone();
            let tokens = record.trained_tokens;
            Some(Measured { tokens, figures })
        };
        if !group
            .runs
            .iter()
            .any(|run| run.evaluations.contains_key(part))
        {
            continue;
        }
        out.push_str("<tbody>");
        if group.runs.len() > 1 {
            for (k, context) in contexts.iter().enumerate() {
                out.push_str("<tr class=\"mean\">");
                if k == 0 {
                    let (swatch, lines) = (swatch(group, groups), contexts.len());
                    let _ = write!(
                        out,
                        "<th rowspan=\"{lines}\">{swatch}{}</th>",
                        Escaped(&group.label)
                    );
                }
                let _ = write!(out, "<td>{}</td>", Escaped(context));
                for (_, unit, figure) in EVALUATION {
                    let over_seeds =
                        group.mean_measured(part, |record| figure(&measured(record, context)?));
                    cell(&mut out, &mean(unit, over_seeds));
                }
                out.push_str("</tr>\n");
            }
        }
        for run in &group.runs {
            let Some(record) = run.evaluations.get(part) else {
                continue;
            };
            let lines = contexts.iter().filter_map(|&context| {
                let measured = measured(record, context)?;
                Some((context, measured))
            });
            let lines: Vec<(&str, Measured)> = lines.collect();
            for (k, (context, measured)) in lines.iter().enumerate() {
                out.push_str("<tr>");
                if k == 0 {
                    let name = name(group, groups, run);
                    out.push_str(&name.replacen(
                        "<th",
                        &format!("<th rowspan=\"{}\"", lines.len()),
                        1,
                    ));
                }
                let _ = write!(out, "<td>{}</td>", Escaped(context));
                for (_, unit, figure) in EVALUATION {
                    cell(&mut out, &value(unit, figure(measured)));
                }
                out.push_str("</tr>\n");
            }
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table></div>\n");
    out
}

/// The first cell of a row.
fn name(group: &Group, groups: &[Group], run: &Run) -> String {
    if group.runs.len() > 1 {
        format!("<th class=\"seed\">{}</th>", Escaped(&run.name))
    } else {
        format!("<th>{}{}</th>", swatch(group, groups), Escaped(&run.name))
    }
}

/// The group's colour swatch, if there are several groups.
fn swatch(group: &Group, groups: &[Group]) -> String {
    if groups.len() > 1 {
        format!("<i class=\"swatch c{}\"></i>", group.colour)
    } else {
        String::new()
    }
}

fn cell(out: &mut String, text: &str) {
    let _ = match text.split_once(" \u{b1} ") {
        Some((mean, half)) => write!(
            out,
            "<td class=\"n\">{mean} <small>\u{b1} {half}</small></td>"
        ),
        None => write!(out, "<td class=\"n\">{text}</td>"),
    };
}
