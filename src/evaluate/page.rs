//! The HTML page of an evaluation: figures, parts, reliability diagram, and most confident errors.

use std::fmt::Write;

use super::report::Report;
use crate::metrics::{RankFigures, ReliabilityBin};

/// Renders the page as one file without scripts.
pub fn page(report: &Report) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>minicopilot evaluate</title><style>\
         body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}\
         table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:right}\
         td:first-child,th:first-child{text-align:left}pre{background:#f4f4f2;padding:.5rem .7rem;overflow:auto;margin:.3rem 0}\
         b{background:#ffe3a8;font-weight:400}small{color:#666}article{margin:1.1rem 0}</style><h1>minicopilot evaluate</h1>",
    );
    let summary = report.to_string();
    let _ = write!(out, "<pre>{}</pre><h2>Parts</h2>", escaped(&summary));
    let mut by = "";
    for part in &report.parts {
        if part.by != by {
            let close = if by.is_empty() { "" } else { "</table>" };
            by = part.by;
            let _ = write!(
                out,
                "{close}<table><tr><th>{by}<th>targets<th>first<th>first five"
            );
        }
        let share = |p: Option<f64>| p.map_or_else(String::new, |p| format!("{p:.3}"));
        let RankFigures {
            targets,
            top1,
            top5,
            ..
        } = part.figures;
        let _ = write!(
            out,
            "<tr><td>{}<td>{targets}<td>{}<td>{}",
            part.name,
            share(top1),
            share(top5)
        );
    }
    let _ = write!(
        out,
        "</table><h2>Reliability diagram</h2>{}<h2>The {} most confident errors</h2>\
         <p>The right token is marked. It was not among the first five candidates. Errors are sorted by the total probability of these five.",
        reliability(&report.reliability),
        report.misses.len(),
    );
    for miss in &report.misses {
        let seen = if miss.is_seen {
            "seen before"
        } else {
            "new to the file"
        };
        let _ = write!(
            out,
            "<article><small>{}, {seen}, {:.0} % for the first five</small><pre>{}<b>{}</b></pre>{}</article>",
            escaped(&miss.place),
            100.0 * miss.probability,
            escaped(&miss.before),
            escaped(&miss.target),
            escaped(&miss.answers.join(" · ")),
        );
    }
    out + "</html>\n"
}

/// Reliability diagram: accuracy of first answers by probability, against the diagonal. The area of a dot is the number of
/// answers.
fn reliability(bins: &[ReliabilityBin]) -> String {
    let most = bins.iter().map(|bin| bin.answers).max().unwrap_or(1) as f64;
    let at = |p: f64| 40.0 + 280.0 * p;
    let mut svg = String::from(
        "<svg viewBox=\"0 0 360 360\" width=\"360\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect x=\"40\" y=\"40\" width=\"280\" height=\"280\" fill=\"none\" stroke=\"#ccc\"/>\
         <line x1=\"40\" y1=\"320\" x2=\"320\" y2=\"40\" stroke=\"#999\" stroke-dasharray=\"4\"/>\
         <text x=\"180\" y=\"350\" text-anchor=\"middle\">probability shown</text>\
         <text x=\"14\" y=\"180\" text-anchor=\"middle\" transform=\"rotate(-90 14 180)\">accuracy</text>",
    );
    for bin in bins {
        let radius = 2.0 + 10.0 * (bin.answers as f64 / most).sqrt();
        let (x, y) = (at(bin.confidence), 360.0 - at(bin.accuracy));
        let _ = write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"#1668b8\" fill-opacity=\".7\"><title>probability {:.3}, accuracy {:.3}, {} answers</title></circle>",
            bin.confidence, bin.accuracy, bin.answers
        );
    }
    svg + "</svg>"
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}
