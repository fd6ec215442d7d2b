//! Plots as inline SVG: a line plot and a bar plot, and the little they need. Knows nothing of runs.
//!
//! Colours, weights and fonts are classes that the page's style sheet gives a meaning, so that one drawing serves light,
//! dark and paper. Every drawing has a title and a description for those who do not see it.

mod bars;
mod line;
mod scale;

pub use bars::{Bar, BarPlot, Row};
pub use line::{LinePlot, Series, Stroke};
pub use scale::{Kind, Scale};

use super::escape::Escaped;

/// How many colours the style sheet has: `c0`, `c1`, …
pub const COLOURS: usize = 7;

/// The element's start with its accessible name; `class` is for the style sheet.
fn open(width: f64, height: f64, title: &str, description: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title><desc>{description}</desc>\n",
        title = Escaped(title),
        description = Escaped(description),
    )
}

/// How wide a text of the drawing's size is at most, in bold and in a wide font.
fn text_width(text: &str) -> f64 {
    7.4 * text.chars().count() as f64
}

/// Moves places apart that are closer than `apart`, keeping their order and staying within `low..high` if they can.
fn spread(places: &mut [f64], apart: f64, low: f64, high: f64) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let mut least = low;
    for &k in &order {
        places[k] = places[k].max(least);
        least = places[k] + apart;
    }
    let mut most = high;
    for &k in order.iter().rev() {
        places[k] = places[k].min(most);
        most = places[k] - apart;
    }
}
