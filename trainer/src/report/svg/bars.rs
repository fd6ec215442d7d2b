//! Bar plot: horizontal bars of shares in named rows, with a highlighted part of each bar.

use std::fmt::Write;

use super::{Escaped, open, text_width};

/// Two nested shares: `inner` is part of `outer`.
#[derive(Clone, Debug)]
pub struct Bar {
    pub colour: usize,
    /// The bar's name, shown in its tooltip.
    pub name: String,
    pub inner: f64,
    pub outer: f64,
    /// Text after the bar.
    pub label: String,
}

/// The bars of one row.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    /// Small print next to the name.
    pub note: String,
    pub bars: Vec<Bar>,
}

/// A bar plot from 0 to 1.
pub struct BarPlot<'a> {
    pub title: &'a str,
    pub description: &'a str,
    pub width: f64,
    pub rows: Vec<Row>,
}

const THICK: f64 = 13.0;
const GAP: f64 = 11.0;
const BOTTOM: f64 = 24.0;

impl BarPlot<'_> {
    /// The SVG element.
    pub fn svg(&self) -> String {
        let names = self
            .rows
            .iter()
            .map(|row| text_width(&row.name) + text_width(&row.note));
        let left = names.fold(0.0, f64::max) + 24.0;
        let labels = self
            .rows
            .iter()
            .flat_map(|row| &row.bars)
            .map(|bar| text_width(&bar.label));
        let width = self.width - left - labels.fold(0.0, f64::max) - 12.0;
        let bars: usize = self.rows.iter().map(|row| row.bars.len()).sum();
        let bottom = 6.0 + THICK * bars as f64 + GAP * self.rows.len() as f64;

        let mut out = open(self.width, bottom + BOTTOM, self.title, self.description);
        // Writing to a string cannot fail, here and below.
        for share in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
            let x = left + share * width;
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"4\" y2=\"{bottom:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{share}</text>",
                bottom + 15.0,
            );
        }
        let mut y = 6.0;
        for row in &self.rows {
            let middle = y + 0.5 * THICK * row.bars.len() as f64 + 4.0;
            let _ = writeln!(
                out,
                "<text class=\"row\" text-anchor=\"end\" x=\"{:.1}\" y=\"{middle:.1}\">{} <tspan class=\"tick\">{}</tspan></text>",
                left - 8.0,
                Escaped(&row.name),
                Escaped(&row.note),
            );
            for bar in &row.bars {
                bar.svg(&mut out, left, y, width);
                y += THICK;
            }
            y += GAP;
        }
        out.push_str("</svg>\n");
        out
    }
}

impl Bar {
    fn svg(&self, out: &mut String, left: f64, y: f64, width: f64) {
        let long = |share: f64| (share.clamp(0.0, 1.0) * width).max(0.0);
        let (inner, outer) = (long(self.inner), long(self.outer));
        let _ = writeln!(
            out,
            "<g><title>{name}: {label}</title>\
             <rect class=\"c{c} outer\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{outer:.1}\" height=\"{h}\"/>\
             <rect class=\"c{c}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{inner:.1}\" height=\"{h}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{base:.1}\">{label}</text></g>",
            name = Escaped(&self.name),
            label = Escaped(&self.label),
            c = self.colour,
            h = THICK - 2.0,
            x = left + outer + 6.0,
            base = y + THICK - 3.0,
        );
    }
}
