//! Plots as inline SVG: a line plot and a bar plot. Independent of runs.
//!
//! Colours, line widths and fonts are classes of the page's style sheet, so that one drawing works in light mode, dark
//! mode and print. Every drawing has an accessible title and description.

mod bars;
mod line;
mod scale;

pub use bars::{Bar, BarPlot, Row};
pub use line::{LinePlot, Series, Stroke};
pub use scale::{Kind, Scale};

use super::escape::Escaped;

/// Number of colours in the style sheet: `c0`, `c1`, …
pub const COLOURS: usize = 7;

/// The opening tag with its accessible name; `class` is for the style sheet.
fn open(width: f64, height: f64, title: &str, description: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title><desc>{description}</desc>\n",
        title = Escaped(title),
        description = Escaped(description),
    )
}

/// Upper bound of a text's width, for bold text in a wide font.
fn text_width(text: &str) -> f64 {
    7.4 * text.chars().count() as f64
}

/// Moves positions apart to a distance of at least `apart`. Keeps their order and, if possible, stays within
/// `low..high`.
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
