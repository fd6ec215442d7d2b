//! The HTML page: sections with tables and plots, in one self-contained file.

use std::fmt::Write;

use super::escape::Escaped;
use super::groups::Group;
use super::logs::Run;
use super::{curves, gradients, original, quality, tables};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn page(runs: &[Run], groups: &[Group]) -> String {
    let title = match runs {
        [run] => format!("Training run {}", run.name),
        _ => format!("{} training runs", runs.len()),
    };
    let title = Escaped(&title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n"
    );
    notes(&mut out, runs);
    overview(&mut out, groups);
    evaluations(&mut out, groups);
    training(&mut out, runs, groups);
    gradient_flow(&mut out, groups);
    beside_original(&mut out, groups);
    configurations(&mut out, runs);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

// Writing to a string cannot fail, here and below.

fn notes(out: &mut String, runs: &[Run]) {
    let mut notes: Vec<String> = runs.iter().flat_map(|run| run.notes.clone()).collect();
    let mut data: Vec<&str> = runs.iter().filter_map(|run| run.data.as_deref()).collect();
    data.sort_unstable();
    data.dedup();
    if data.len() > 1 {
        notes.push(
            "The runs were trained on different data: their validation figures cannot be compared."
                .to_owned(),
        );
    }
    if notes.is_empty() {
        return;
    }
    out.push_str("<ul class=\"notes\">\n");
    for note in notes {
        let _ = writeln!(out, "<li>{}</li>", Escaped(&note));
    }
    out.push_str("</ul>\n");
}

fn overview(out: &mut String, groups: &[Group]) {
    out.push_str("<section>\n<h2>Comparison</h2>\n");
    out.push_str(&tables::training(groups));
    out.push_str("<p class=\"caption\">Best validation: the one with the lowest loss, over whole files, with <code>&lt;UNK&gt;</code> as a class. Time includes validation.");
    if groups.iter().any(|group| group.runs.len() > 1) {
        out.push_str(
            " Rows for several seeds: mean \u{b1} half of the 95 % interval (Student\u{2019}s t).",
        );
    }
    out.push_str("</p>\n</section>\n");
}

fn evaluations(out: &mut String, groups: &[Group]) {
    for part in tables::parts(groups) {
        let _ = writeln!(out, "<section>\n<h2>Evaluation: {}</h2>", Escaped(part));
        out.push_str(&tables::evaluation(groups, part));
        let mut measured: Vec<String> = groups
            .iter()
            .flat_map(|group| &group.runs)
            .filter_map(|run| run.evaluations.get(part))
            .map(|record| {
                let limit = record
                    .max_tokens
                    .map(|n| format!(", the first files up to {n} tokens"));
                format!(
                    "{} split of data {:.12}{}",
                    record.split,
                    record.data,
                    limit.unwrap_or_default()
                )
            })
            .collect();
        measured.sort();
        measured.dedup();
        let _ = writeln!(
            out,
            "<p class=\"caption\">Measured on the {}. <b>whole</b>: the state is carried to the end of each file; <b>1000</b>: the first 1,000 tokens of each file. Strict: what a user sees, where <code>&lt;UNK&gt;</code> never counts as right. Calibration error: with the checkpoint\u{2019}s temperature; raw: without it.</p>",
            Escaped(&measured.join("; ")),
        );
        if measured.len() > 1 {
            out.push_str("<ul class=\"notes\"><li>These were measured on different targets and cannot be compared.</li></ul>\n");
        }
        let plots = quality::plots(groups, part);
        if !plots.is_empty() {
            legend(out, groups);
            grid(out, &plots);
            out.push_str(
                "<p class=\"caption\">Over whole files. Calibration: solid lines show the network\u{2019}s own probabilities, dashed lines those with the checkpoint\u{2019}s temperature, which the server shows. The number next to each class is its share of the tokens. A token outside the vocabulary counts as right if <code>&lt;UNK&gt;</code> is predicted. For several seeds, bars show the mean, and lines each seed.</p>\n",
            );
        }
        out.push_str("</section>\n");
    }
}

fn training(out: &mut String, runs: &[Run], groups: &[Group]) {
    let plots = curves::plots(groups);
    if plots.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Training</h2>\n");
    legend(out, groups);
    grid(out, &plots);
    out.push_str("<p class=\"caption\">Dots: validation. Pale lines: training, lightly smoothed; the first steps of a run may be cut off at the axes.");
    if runs.iter().any(Run::is_sampled) {
        out.push_str(
            " Where the configuration says so, training loss is over a sample of the classes; validation loss is over the whole vocabulary.",
        );
    }
    out.push_str("</p>\n</section>\n");
}

fn gradient_flow(out: &mut String, groups: &[Group]) {
    out.push_str("<section>\n<h2>Gradient flow</h2>\n");
    let plots = gradients::plots(groups);
    if plots.is_empty() {
        out.push_str(
            "<p class=\"caption\">The logs contain no gradient norms of single parameters.</p>\n",
        );
    }
    for plot in &plots {
        figure(out, plot);
    }
    if !plots.is_empty() {
        out.push_str("<p class=\"caption\">Colour: layer. Dashed: recurrent weights. Dotted: biases. Before clipping, lightly smoothed.</p>\n");
    }
    if let Some(plot) = gradients::by_distance(groups) {
        legend(out, groups);
        figure(out, &plot);
        out.push_str(
            "<p class=\"caption\">Norm of the gradient of a single prediction at the first layer\u{2019}s output (solid) and input (dashed), by distance in tokens; mean over files.</p>\n",
        );
    }
    out.push_str("</section>\n");
}

fn beside_original(out: &mut String, groups: &[Group]) {
    out.push_str("<section>\n<h2>Comparison with the original experiment</h2>\n");
    out.push_str(&original::table(groups));
    out.push_str(
        "<p class=\"caption\"><b>Different corpora</b>: the original figures are from py150\u{2019}s test split after 5 epochs; ours are from the data that the runs were trained on. Only orders of magnitude can be compared.</p>\n</section>\n",
    );
}

fn configurations(out: &mut String, runs: &[Run]) {
    out.push_str("<section>\n<h2>Configurations</h2>\n");
    for run in runs {
        let data = run
            .data
            .as_deref()
            .map(|data| format!("# data {data}\n\n"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "<details><summary>{}</summary><pre>{}{}</pre></details>",
            Escaped(&run.name),
            Escaped(&data),
            Escaped(run.config.trim_end()),
        );
    }
    out.push_str("</section>\n");
}

/// A legend of the colours, if there are several groups.
fn legend(out: &mut String, groups: &[Group]) {
    if groups.len() < 2 {
        return;
    }
    out.push_str("<p class=\"legend\">");
    for group in groups {
        let _ = write!(
            out,
            "<span><i class=\"swatch c{}\"></i>{}</span> ",
            group.colour,
            Escaped(&group.label)
        );
    }
    out.push_str("</p>\n");
}

fn grid(out: &mut String, plots: &[String]) {
    out.push_str("<div class=\"grid\">\n");
    plots.iter().for_each(|plot| figure(out, plot));
    out.push_str("</div>\n");
}

fn figure(out: &mut String, plot: &str) {
    // The plot's accessible title, also shown as a heading.
    let title = plot
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    let title = title.map_or("", |(title, _)| title);
    let _ = writeln!(
        out,
        "<figure><figcaption>{title}</figcaption>\n{plot}</figure>"
    );
}
