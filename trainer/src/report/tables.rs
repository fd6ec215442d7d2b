//! The tables: training, evaluations, the original experiment.

use std::fmt::Write;

use super::escape::Escaped;
use super::format::{DASH, Unit, mean, value};
use super::groups::{Group, Mean};
use super::logs::Run;
use minicopilot::metrics::Figures;

/// A column of figures: its name (with hyphens that no line breaks at), how they are written, and where they come from.
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
/// How many of them are the best validation's.
const VALIDATION: usize = 4;

const EVALUATION: [Column<Figures>; 12] = [
    ("targets", Unit::Exact, |f| Some(f.targets as f64)),
    ("loss", Unit::Nats, |f| f.loss),
    ("perplexity", Unit::Perplexity, |f| f.perplexity),
    ("top\u{2011}1", Unit::Share, |f| f.top1),
    ("top\u{2011}5", Unit::Share, |f| f.top5),
    ("strict top\u{2011}1", Unit::Share, |f| f.strict.top1),
    ("strict top\u{2011}5", Unit::Share, |f| f.strict.top5),
    ("identifiers top\u{2011}5", Unit::Share, |f| {
        f.identifiers.top5
    }),
    ("attributes top\u{2011}5", Unit::Share, |f| {
        f.attributes.top5
    }),
    ("CodeXGLUE accuracy", Unit::Share, |f| f.codexglue_accuracy),
    ("keystrokes saved", Unit::Share, |f| f.keystrokes_saved),
    ("calibration error", Unit::Share, |f| f.ece),
];

/// What the original experiment gave on py150's test part after 5 epochs: architecture, name, top-5, perplexity.
const ORIGINAL: [(&str, &str, f64, f64); 3] = [
    ("rnn", "RNN", 0.8401, 5.72),
    ("lstm", "LSTM", 0.8614, 4.70),
    ("residual_lstm", "residual LSTM", 0.8880, 3.79),
];

// Writing to a string cannot fail, here and below.

/// One line a run, and one for the mean of each group of several.
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

/// The parts that any run was measured on.
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

/// One line for each run and context of one measured part.
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
        let figures = |run: &Run, context: &str| -> Option<Figures> {
            Some(
                run.evaluations
                    .get(part)?
                    .contexts
                    .get(context)?
                    .figures
                    .clone(),
            )
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
                let first = if k == 0 {
                    format!("{}{}", swatch(group, groups), Escaped(&group.label))
                } else {
                    String::new()
                };
                let _ = write!(
                    out,
                    "<tr class=\"mean\"><th>{first}</th><td>{}</td>",
                    Escaped(context)
                );
                for (_, unit, figure) in EVALUATION {
                    let over_seeds = group.mean(|run| figure(&figures(run, context)?));
                    cell(&mut out, &mean(unit, over_seeds));
                }
                out.push_str("</tr>\n");
            }
        }
        for run in &group.runs {
            let mut name = name(group, groups, run);
            for context in &contexts {
                let Some(figures) = figures(run, context) else {
                    continue;
                };
                let _ = write!(out, "<tr>{name}<td>{}</td>", Escaped(context));
                "<th></th>".clone_into(&mut name);
                for (_, unit, figure) in EVALUATION {
                    cell(&mut out, &value(unit, figure(&figures)));
                }
                out.push_str("</tr>\n");
            }
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table></div>\n");
    out
}

/// The original experiment's figures beside ours.
pub fn original(groups: &[Group]) -> String {
    let mut out = String::from(
        "<div class=\"wide\"><table><thead><tr><th rowspan=\"2\">network</th><th colspan=\"2\" class=\"over\">original</th>\
         <th rowspan=\"2\">ours</th><th rowspan=\"2\">measured on</th><th colspan=\"2\" class=\"over\">ours</th></tr>\
         <tr><th class=\"n\">top\u{2011}5</th><th class=\"n\">perplexity</th><th class=\"n\">top\u{2011}5</th><th class=\"n\">perplexity</th></tr></thead>\n",
    );
    for (architecture, name, top5, perplexity) in ORIGINAL {
        let theirs = format!(
            "<th>{name}</th><td class=\"n\">{}</td><td class=\"n\">{perplexity:.2}</td>",
            value(Unit::Share, Some(top5))
        );
        let ours: Vec<&Group> = groups
            .iter()
            .filter(|group| group.runs[0].architecture() == Some(architecture))
            .collect();
        out.push_str("<tbody>");
        if ours.is_empty() {
            let _ = writeln!(
                out,
                "<tr>{theirs}<td>{DASH}</td><td>{DASH}</td><td class=\"n\">{DASH}</td><td class=\"n\">{DASH}</td></tr>"
            );
        }
        for (k, group) in ours.into_iter().enumerate() {
            let theirs = if k == 0 {
                &*theirs
            } else {
                "<th></th><td></td><td></td>"
            };
            let (on, top5, perplexity) = nearest(group);
            let _ = writeln!(
                out,
                "<tr>{theirs}<td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                Escaped(&group.label),
                Escaped(&on),
                mean(Unit::Share, top5),
                mean(Unit::Perplexity, perplexity),
            );
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table></div>\n");
    out
}

/// Of what was measured, what comes nearest to the original protocol: the test part rather than another, a file's
/// first 1,000 tokens rather than all.
fn nearest(group: &Group) -> (String, Option<Mean>, Option<Mean>) {
    for part in ["test", "validation"] {
        let of = |figure: fn(&Figures) -> Option<f64>| {
            group.mean(|run| figure(&run.evaluations.get(part)?.contexts.get("1000")?.figures))
        };
        if let Some(top5) = of(|f| f.top5) {
            let on = format!("{part} part, first 1,000 tokens of a file");
            return (on, Some(top5), of(|f| f.perplexity));
        }
    }
    (
        "best validation while training, whole files".to_owned(),
        group.mean(|run| run.best()?.figures.top5),
        group.mean(|run| run.best()?.figures.perplexity),
    )
}

/// A line's first cell.
fn name(group: &Group, groups: &[Group], run: &Run) -> String {
    if group.runs.len() > 1 {
        format!("<th class=\"seed\">{}</th>", Escaped(&run.name))
    } else {
        format!("<th>{}{}</th>", swatch(group, groups), Escaped(&run.name))
    }
}

/// The group's colour, where there are several to be told apart.
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
