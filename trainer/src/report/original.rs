//! Compares the original experiment's figures with ours, which were measured on another corpus.

use std::fmt::Write;

use minicopilot::metrics::Figures;

use super::escape::Escaped;
use super::format::{DASH, Unit, mean, value};
use super::groups::{Group, Mean};

/// Figures of the original experiment on the py150 test split after 5 epochs: architecture, name, top-5 accuracy,
/// perplexity.
const ORIGINAL: [(&str, &str, f64, f64); 3] = [
    ("rnn", "RNN", 0.8401, 5.72),
    ("lstm", "LSTM", 0.8614, 4.70),
    ("residual_lstm", "residual LSTM", 0.8880, 3.79),
];

/// A table of the original experiment's figures and ours.
pub fn table(groups: &[Group]) -> String {
    // Writing to a string cannot fail, here and below.
    let mut out = String::from(
        "<div class=\"wide\"><table><thead><tr><th rowspan=\"2\">network</th><th colspan=\"2\" class=\"over\">original</th>\
         <th rowspan=\"2\">run</th><th rowspan=\"2\">measured on</th><th colspan=\"2\" class=\"over\">ours</th></tr>\
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
                "<td></td><td></td><td></td>"
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

/// The measurement closest to the original protocol: prefers the test split, and the first 1,000 tokens of each file.
fn nearest(group: &Group) -> (String, Option<Mean>, Option<Mean>) {
    for part in ["test", "validation"] {
        let of = |figure: fn(&Figures) -> Option<f64>| {
            group.mean_measured(part, |record| figure(&record.contexts.get("1000")?.figures))
        };
        if let Some(top5) = of(|f| f.top5) {
            let tokens =
                group.mean_measured(part, |record| record.trained_tokens.map(|n| n as f64));
            let after = value(Unit::Count, tokens.map(|tokens| tokens.mean));
            let on = format!("{part} split, first 1,000 tokens of each file; after {after} tokens");
            return (on, Some(top5), of(|f| f.perplexity));
        }
    }
    (
        "best validation during training, whole files".to_owned(),
        group.mean(|run| run.best()?.figures.top5),
        group.mean(|run| run.best()?.figures.perplexity),
    )
}
