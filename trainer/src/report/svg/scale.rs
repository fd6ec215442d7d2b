//! Axis scales: ranges, ticks at round numbers, and their labels.

/// The kind of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Linear,
    /// Values at or below zero have no position.
    Logarithmic,
}

/// A range of values and its ticks.
#[derive(Clone, Debug)]
pub struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// A scale over `values` that ends at ticks if that costs little space.
    pub fn over(kind: Kind, values: impl IntoIterator<Item = f64>) -> Self {
        let shown = |value: &f64| value.is_finite() && (kind == Kind::Linear || *value > 0.0);
        let (mut low, mut high) = values
            .into_iter()
            .filter(shown)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        if low > high {
            (low, high) = (0.1, 1.0); // no values
        }
        if high - low <= 1e-9 * high.abs() {
            let room = if high == 0.0 { 1.0 } else { high.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        match kind {
            Kind::Linear => Self::linear(low, high),
            Kind::Logarithmic => Self::logarithmic(low, high),
        }
    }

    /// A scale from `low` to `high` exactly.
    pub fn between(low: f64, high: f64) -> Self {
        let step = step(high - low);
        Self {
            kind: Kind::Linear,
            low,
            high,
            ticks: multiples(step, low, high),
        }
    }

    /// A scale with named positions 0, 1, 2, …
    pub fn named(names: impl IntoIterator<Item = String>) -> Self {
        let ticks: Vec<_> = (0..).map(f64::from).zip(names).collect();
        Self {
            kind: Kind::Linear,
            low: 0.0,
            high: (ticks.len() as f64 - 1.0).max(1.0),
            ticks,
        }
    }

    fn linear(low: f64, high: f64) -> Self {
        let step = step(high - low);
        // A range that starts near zero starts at zero.
        let low = if low >= 0.0 && low < 0.25 * high {
            0.0
        } else {
            (low / step).floor() * step
        };
        let up = (high / step).ceil() * step;
        let high = if up - high <= 0.5 * step {
            up
        } else {
            high + 0.03 * (high - low)
        };
        Self {
            kind: Kind::Linear,
            low,
            high,
            ticks: multiples(step, low, high),
        }
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let (low, high) = (low / 1.06, high * 1.06);
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let round = |mantissas: &[f64]| -> Vec<(f64, String)> {
            decades
                .clone()
                .flat_map(|decade| mantissas.iter().map(move |&m| (m, decade)))
                .map(|(m, decade)| {
                    let tick = m * 10f64.powi(decade);
                    let whole = usize::from(m.fract() > 0.0) as i32 - decade;
                    (tick, number(tick, whole.max(0) as usize))
                })
                .filter(|(tick, _)| (low..=high).contains(tick))
                .collect()
        };
        let choices: [&[f64]; 4] = [
            &[1.0],
            &[1.0, 3.0],
            &[1.0, 2.0, 5.0],
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        ];
        let ticks = choices
            .iter()
            .map(|mantissas| round(mantissas))
            .find(|ticks| ticks.len() >= 4)
            .unwrap_or_else(|| multiples(step(high - low), low, high));
        Self {
            kind: Kind::Logarithmic,
            low,
            high,
            ticks,
        }
    }

    /// The label of a value: the name of its tick if it has one.
    pub fn name(&self, value: f64) -> String {
        let mark = self
            .ticks
            .iter()
            .find(|(tick, _)| (tick - value).abs() < 1e-9);
        mark.map_or_else(|| format!("{value:.2}"), |(_, name)| name.clone())
    }

    /// The position of `value`, from 0 at the low end to 1 at the high end; `None` if it has none.
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self.kind {
            Kind::Linear => (value - self.low) / (self.high - self.low),
            Kind::Logarithmic if value <= 0.0 => return None,
            Kind::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        place.is_finite().then_some(place)
    }
}

/// A step of 1, 2 or 5 times a power of ten that divides `range` into four to eight parts.
fn step(range: f64) -> f64 {
    let rough = range / 5.0;
    let decade = 10f64.powf(rough.log10().floor());
    let mantissa = match rough / decade {
        m if m < 1.5 => 1.0,
        m if m < 3.5 => 2.0,
        m if m < 7.5 => 5.0,
        _ => 10.0,
    };
    mantissa * decade
}

/// The multiples of `step` from `low` to `high`.
fn multiples(step: f64, low: f64, high: f64) -> Vec<(f64, String)> {
    let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
    (0..)
        .map(|k| first + f64::from(k))
        .take_while(|&k| k <= last)
        .take(20) // guards against rounding at the ends
        .map(|k| (k * step, number(k * step, digits(step))))
        .collect()
}

/// Decimals that a multiple of `step` needs.
fn digits(step: f64) -> usize {
    (-(step.abs() + f64::MIN_POSITIVE).log10() - 1e-9)
        .ceil()
        .clamp(0.0, 12.0) as usize
}

/// Formats a number for an axis: `−` as the minus sign, very large and very small numbers by powers of ten.
fn number(value: f64, digits: usize) -> String {
    let text = if value == 0.0 {
        "0".to_owned()
    } else if digits > 4 || value.abs() >= 1e6 {
        format!("{value:.1e}").replace(".0e", "e")
    } else {
        format!("{value:.digits$}")
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, name)| &**name).collect()
    }

    #[test]
    fn ticks_are_round() {
        let linear = |low, high| Scale::over(Kind::Linear, [low, high]);
        assert_eq!(
            names(&linear(0.0, 60.0)),
            ["0", "10", "20", "30", "40", "50", "60"]
        );
        assert_eq!(
            names(&linear(1.42, 2.31)),
            ["1.4", "1.6", "1.8", "2.0", "2.2", "2.4"]
        );
        assert_eq!(
            names(&linear(0.0, 2e-5)),
            [
                "0",
                "5e\u{2212}6",
                "1e\u{2212}5",
                "1.5e\u{2212}5",
                "2e\u{2212}5"
            ]
        );
        assert_eq!(
            names(&linear(-1.0, 1.0)),
            ["\u{2212}1.0", "\u{2212}0.5", "0", "0.5", "1.0"]
        );
        let log = |low, high| Scale::over(Kind::Logarithmic, [low, high]);
        assert_eq!(
            names(&log(0.0012, 7.0)),
            ["0.003", "0.01", "0.03", "0.1", "0.3", "1", "3"]
        );
        assert_eq!(names(&log(5.1, 9.7)), ["5", "6", "8", "10"]);
    }

    #[test]
    fn every_value_has_its_place() {
        for kind in [Kind::Linear, Kind::Logarithmic] {
            let scale = Scale::over(kind, [3.0, f64::NAN, 0.5, 80.0]);
            let places = [0.5, 3.0, 80.0].map(|value| scale.place(value).unwrap());
            assert!(
                places[0] >= 0.0
                    && places[0] < places[1]
                    && places[1] < places[2]
                    && places[2] <= 1.0
            );
        }
        assert_eq!(Scale::over(Kind::Logarithmic, [1.0, 2.0]).place(0.0), None);
        // An axis also works for no values or a single value.
        for values in [&[][..], &[0.0], &[2.0], &[-7.0]] {
            for kind in [Kind::Linear, Kind::Logarithmic] {
                assert!(!Scale::over(kind, values.iter().copied()).ticks.is_empty());
            }
        }
    }
}
