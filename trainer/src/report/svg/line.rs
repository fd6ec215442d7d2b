//! Line plot: series over two axes, labelled at their ends.

use std::fmt::Write;

use super::{Escaped, Kind, Scale, open, spread, text_width};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    #[default]
    Solid,
    Dashed,
    Dotted,
    /// Thin and pale, in the background.
    Pale,
}

/// A series of points.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The series' name, shown in its tooltip.
    pub name: String,
    /// Label at its end; none if empty.
    pub label: String,
    /// Index of the style sheet's colour; neutral if None.
    pub colour: Option<usize>,
    pub stroke: Stroke,
    /// Whether to draw a dot at each point, with its values in the tooltip.
    pub dots: bool,
    pub points: Vec<(f64, f64)>,
}

/// A line plot.
pub struct LinePlot<'a> {
    pub title: &'a str,
    /// Text alternative of the plot, for screen readers.
    pub description: &'a str,
    /// Label of the horizontal axis.
    pub x_label: &'a str,
    pub x: Scale,
    pub y: Scale,
    pub width: f64,
    pub height: f64,
    pub series: Vec<Series>,
}

const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;
const LEFT: f64 = 50.0;
const LINE_HEIGHT: f64 = 14.0;
/// Distance from a series' end to its label.
const LABEL: f64 = 8.0;
/// Margin for dots on the edges of the plot area.
const EDGE: f64 = 4.0;

impl<'a> LinePlot<'a> {
    /// A plot of default size whose axes cover all points; the horizontal axis starts at zero.
    pub fn new(
        title: &'a str,
        description: &'a str,
        x_label: &'a str,
        y: Kind,
        series: Vec<Series>,
    ) -> Self {
        let points = || series.iter().flat_map(|one| &one.points);
        let x = Scale::over(Kind::Linear, points().map(|p| p.0).chain([0.0]));
        let y = Scale::over(y, points().map(|p| p.1));
        Self {
            title,
            description,
            x_label,
            x,
            y,
            width: 560.0,
            height: 300.0,
            series,
        }
    }

    /// The SVG element.
    pub fn svg(&self) -> String {
        // A label is placed at its series' end, so a series that ends early needs less room on the right.
        let widths = self.series.iter().filter_map(|one| {
            let end = self.x.place(one.points.last()?.0)?;
            let room = self.width - LEFT - LABEL - 4.0 - text_width(&one.label);
            (!one.label.is_empty()).then_some(room / end)
        });
        let area = Area {
            plot: self,
            width: widths
                .fold(self.width - LEFT - 22.0, f64::min)
                .max(0.4 * self.width),
            height: self.height - TOP - BOTTOM,
        };
        let mut out = open(self.width, self.height, self.title, self.description);
        area.axes(&mut out);
        // A nested SVG element clips everything outside the axes.
        let _ = writeln!(
            out,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w:.1}\" height=\"{h:.1}\" viewBox=\"{x} {y} {w:.1} {h:.1}\">",
            x = LEFT - EDGE,
            y = TOP - EDGE,
            w = area.width + 2.0 * EDGE,
            h = area.height + 2.0 * EDGE,
        );
        let mut ends = Vec::new();
        for one in &self.series {
            let places: Vec<_> = one.points.iter().filter_map(|&p| area.place(p)).collect();
            area.series(&mut out, one, &places);
            if let Some(&(x, y)) = places.last()
                && !one.label.is_empty()
            {
                ends.push((one, x, y));
            }
        }
        out.push_str("</svg>\n");
        area.labels(&mut out, &ends);
        out.push_str("</svg>\n");
        out
    }
}

/// The plot area on the page.
struct Area<'a> {
    plot: &'a LinePlot<'a>,
    width: f64,
    height: f64,
}

impl Area<'_> {
    fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.plot.x.place(x)?, self.plot.y.place(y)?);
        Some((LEFT + x * self.width, TOP + (1.0 - y) * self.height))
    }

    // Writing to a string cannot fail, here and below.
    fn axes(&self, out: &mut String) {
        let (right, bottom) = (LEFT + self.width, TOP + self.height);
        for (value, name) in &self.plot.y.ticks {
            let Some(y) = self
                .plot
                .y
                .place(*value)
                .map(|y| TOP + (1.0 - y) * self.height)
            else {
                continue;
            };
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
                LEFT - 7.0,
                y + 4.0,
            );
        }
        for (value, name) in &self.plot.x.ticks {
            let Some(x) = self.plot.x.place(*value).map(|x| LEFT + x * self.width) else {
                continue;
            };
            let _ = writeln!(
                out,
                "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                bottom + 4.0,
                bottom + 17.0,
                Escaped(name),
            );
        }
        let _ = writeln!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{bottom:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"name\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT + 0.5 * self.width,
            self.plot.height - 6.0,
            Escaped(self.plot.x_label),
        );
    }

    fn series(&self, out: &mut String, one: &Series, places: &[(f64, f64)]) {
        let colour = one.colour.map_or("neutral".to_owned(), |c| format!("c{c}"));
        let stroke = match one.stroke {
            Stroke::Solid => "",
            Stroke::Dashed => " dashed",
            Stroke::Dotted => " dotted",
            Stroke::Pale => " pale",
        };
        if places.len() > 1 {
            let path: Vec<String> = places
                .iter()
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            let _ = writeln!(
                out,
                "<polyline class=\"{colour}{stroke}\" points=\"{}\"/>",
                path.join(" ")
            );
        }
        // A single point would be invisible as a line.
        if one.dots || places.len() == 1 {
            let shown = one.points.iter().filter(|&&p| self.place(p).is_some());
            for ((x, y), (at, value)) in places.iter().zip(shown) {
                let _ = writeln!(
                    out,
                    "<circle class=\"{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{}: {value:.4} at {}</title></circle>",
                    Escaped(&one.name),
                    self.plot.x.name(*at),
                );
            }
        }
    }

    fn labels(&self, out: &mut String, ends: &[(&Series, f64, f64)]) {
        let mut places: Vec<f64> = ends.iter().map(|end| end.2 + 4.0).collect();
        spread(&mut places, LINE_HEIGHT, TOP + 6.0, TOP + self.height);
        for ((one, x, _), y) in ends.iter().zip(places) {
            let colour = one.colour.map_or("neutral".to_owned(), |c| format!("c{c}"));
            let _ = writeln!(
                out,
                "<text class=\"label {colour}\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                x + LABEL,
                Escaped(&one.label),
            );
        }
    }
}
